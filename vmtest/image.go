// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vmtest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"xpsgen/bpf"
	"xpsgen/vmtest/build/image"
	"xpsgen/vmtest/guest/wire"
)

// ErrNoBusybox is wrapped when the guest's shell cannot be made.
var ErrNoBusybox = errors.New("no busybox (install busybox-static: make deps)")

// baseSpec is what every guest has: init, the patched ip and bpftool, and the
// BPF objects
// under the names that the RFC's command lines use.
func (a *Artifacts) baseSpec() (*image.Spec, error) {
	spec := &image.Spec{
		Init: a.Init,
		Programs: []image.Program{
			{Host: a.IPRoute2.IP, Guest: wire.IPPath},
			{Host: a.Bpftool.Bpftool, Guest: wire.BpftoolPath},
		},
		Dirs: []string{wire.ObjectDir},
	}
	for _, name := range bpf.Names() {
		object, err := bpf.Object(name)
		if err != nil {
			return nil, err
		}
		spec.Files = append(spec.Files, image.File{Guest: path.Join(wire.ObjectDir, name+".o"), Data: object})
	}
	return spec, nil
}

// suiteSpec is the guest of the suite. It has no shell: what is not in the
// image need not be unpacked.
func (a *Artifacts) suiteSpec() (*image.Spec, error) {
	spec, err := a.baseSpec()
	if err == nil && a.YNL != nil {
		spec.Programs = append(spec.Programs, image.Program{Host: a.YNL.Program, Guest: wire.YNLPath})
	}
	if err == nil && a.Selftests != nil {
		spec.Programs = append(spec.Programs, image.Program{Host: a.Selftests.Program, Guest: wire.SelftestPath})
	}
	return spec, err
}

// shellSpec is the guest that people use.
func (a *Artifacts) shellSpec(ctx context.Context) (*image.Spec, error) {
	spec, err := a.baseSpec()
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
	return spec, nil
}

// addFiles puts what the user asked for into spec: FILE at its own absolute
// path, or HOST:GUEST. Programs bring their libraries along.
func addFiles(spec *image.Spec, add []string) error {
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

// resolve finds the program that a user named the way a shell would.
func resolve(program string) (string, error) {
	found, err := exec.LookPath(program)
	if err != nil {
		// exec.LookPath refuses what stands in the current directory without
		// a slash; the kernel's own words serve for the rest.
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, exec.ErrNotFound) {
			return "", fmt.Errorf("%s: no such program on the host: %w", program, fs.ErrNotExist)
		}
		return "", fmt.Errorf("%s: %w", program, err)
	}
	return filepath.Abs(found)
}
