// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package boot describes guests: the image that one boots from and the machine
// that it runs on.
package boot

import (
	"fmt"
	"path"

	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/image"
	"xpsgen/vmtest/prepare"
)

// SuiteSpec returns the image for the suite: init, the patched ip and bpftool,
// and the BPF objects under the names that the RFC's command lines use. The
// image has no shell, since a smaller image is unpacked sooner.
func SuiteSpec(a *prepare.Artifacts) *image.Spec {
	spec := &image.Spec{
		Init: a.Init,
		Programs: []image.Program{
			{Host: a.IP.IP, Guest: wire.IPPath},
			{Host: a.Bpftool.Bpftool, Guest: wire.BpftoolPath},
		},
		Dirs: []string{wire.ObjectDir},
	}
	if a.YNL != nil {
		spec.Programs = append(spec.Programs, image.Program{Host: a.YNL.Program, Guest: wire.YNLPath})
	}
	if a.Selftests != nil {
		spec.Programs = append(spec.Programs, image.Program{Host: a.Selftests.Program, Guest: wire.SelftestPath})
	}
	addObjects(spec, a, "")
	return spec
}

// addObjects adds the BPF objects, below dir.
func addObjects(spec *image.Spec, a *prepare.Artifacts, dir string) {
	for _, o := range a.Objects {
		spec.Files = append(spec.Files, image.File{Guest: path.Join(dir, wire.ObjectDir, o.Name+".o"), Host: o.Path})
	}
}

// HostSpec returns the image of a guest that sees the host's files. It has
// init, and a layer of files that hides the host's files of the same names.
// Programs of the layer find their libraries among the host's files.
func HostSpec(a *prepare.Artifacts) *image.Spec {
	spec := &image.Spec{Init: a.Init}
	tools := map[string]string{"xps": a.XPS}
	if a.IP != nil {
		tools["ip"] = a.IP.IP
	}
	if a.Bpftool != nil {
		tools["bpftool"] = a.Bpftool.Bpftool
	}
	for name, host := range tools {
		spec.Files = append(spec.Files, image.File{Guest: path.Join(wire.LayerDir, wire.ToolDir, name), Host: host, Mode: 0o755})
	}
	if a.BusyBox != "" {
		spec.Files = append(spec.Files, image.File{Guest: wire.LayerDir + wire.BusyBox, Host: a.BusyBox, Mode: 0o755})
	}
	for i, file := range a.Modules {
		spec.Files = append(spec.Files, image.File{Guest: fmt.Sprintf("%s/%02d-%s", wire.ModuleDir, i, path.Base(file)), Host: file})
	}
	addObjects(spec, a, wire.LayerDir)
	return spec
}
