// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package boot describes guests: the image that one boots from and the machine
// that it runs on.
package boot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/image"
	"xpsgen/vmtest/prepare"
)

// ErrNoBusybox is wrapped when the guest's shell cannot be made.
var ErrNoBusybox = errors.New("no busybox (install busybox-static: make deps)")

// baseSpec is what every guest has: init, the patched ip and bpftool, and the
// BPF objects
// under the names that the RFC's command lines use.
func baseSpec(a *prepare.Artifacts) (*image.Spec, error) {
	spec := &image.Spec{
		Init: a.Init,
		Programs: []image.Program{
			{Host: a.IP.IP, Guest: wire.IPPath},
			{Host: a.Bpftool.Bpftool, Guest: wire.BpftoolPath},
		},
		Dirs: []string{wire.ObjectDir},
	}
	for _, o := range a.Objects {
		spec.Files = append(spec.Files, image.File{Guest: path.Join(wire.ObjectDir, o.Name+".o"), Host: o.Path})
	}
	return spec, nil
}

// SuiteSpec is the guest of the suite. It has no shell: what is not in the
// image need not be unpacked.
func SuiteSpec(a *prepare.Artifacts) (*image.Spec, error) {
	spec, err := baseSpec(a)
	if err == nil && a.YNL != nil {
		spec.Programs = append(spec.Programs, image.Program{Host: a.YNL.Program, Guest: wire.YNLPath})
	}
	if err == nil && a.Selftests != nil {
		spec.Programs = append(spec.Programs, image.Program{Host: a.Selftests.Program, Guest: wire.SelftestPath})
	}
	return spec, err
}

// ShellSpec is the guest that people use.
func ShellSpec(ctx context.Context, a *prepare.Artifacts) (*image.Spec, error) {
	spec, err := baseSpec(a)
	if err != nil {
		return nil, err
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return nil, ErrNoBusybox
	}
	if busybox, err = filepath.EvalSymlinks(busybox); err != nil {
		return nil, fmt.Errorf("find busybox: %w", err)
	}
	spec.Busybox = busybox
	if spec.Applets, err = image.Applets(ctx, busybox); err != nil {
		return nil, err
	}
	spec.Shell = "/bin/sh"
	spec.Programs = append(spec.Programs, image.Program{Host: a.XPS, Guest: wire.XPSPath})
	return spec, nil
}

// AddFiles puts what the user asked for into spec: FILE at its own absolute
// path, or HOST:GUEST. Programs bring their libraries along.
func AddFiles(spec *image.Spec, add []string) error {
	for _, what := range add {
		host, guest, mapped := strings.Cut(what, ":")
		abs, err := filepath.Abs(host)
		if err != nil {
			return fmt.Errorf("add %s: %w", host, err)
		}
		if !mapped {
			guest = abs
		}
		if !path.IsAbs(guest) {
			return fmt.Errorf("add %s: the path in the guest, %q, must begin with /", host, guest)
		}
		info, err := os.Stat(abs)
		if err != nil {
			return fmt.Errorf("add: %w", err)
		}
		if info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			spec.Programs = append(spec.Programs, image.Program{Host: abs, Guest: guest})
			continue
		}
		if !info.Mode().IsRegular() && !info.IsDir() {
			return fmt.Errorf("add %s: neither a file nor a directory but %s", host, info.Mode().Type())
		}
		spec.Files = append(spec.Files, image.File{Guest: guest, Host: abs})
	}
	return nil
}
