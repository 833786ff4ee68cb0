// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/arch"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/tree"
)

// stockSuites are the suites with the kernel. Its modules are not compressed,
// so the guest's init can load them.
var stockSuites = []string{"bookworm"}

// stockModules are the modules that a guest with the host's files needs, and those of the
// network devices that tests create. The architecture adds those of its machine.
var stockModules = []string{"virtio_console", "9pnet_virtio", "9p", "overlay", "dummy", "veth", "tun"}

// StockResult is a kernel of Debian.
type StockResult struct {
	// Kernel has no Vmlinux.
	Kernel *KernelResult
	// Modules are files in the order in which the guest must load them.
	Modules []string
}

// Stock returns Debian's kernel for an architecture, unpacked in the cache. It lacks the
// series.
func Stock(ctx context.Context, cacheDir string, a *arch.Arch, p progress.Func) (*StockResult, error) {
	step := "get Debian's kernel for " + a.Name
	packages := tree.Packages{Name: "kernel-" + a.Name, Suites: stockSuites, Names: []string{a.KernelPackage}, Follow: true,
		Arch: a.Name, Cache: cacheDir, Progress: p}
	dir, err := packages.Unpack(ctx)
	if err != nil {
		return nil, &BreakdownError{Step: step, Err: err, Log: "none",
			Cause: "cannot get " + a.KernelPackage, Remedy: "check the network and the sources of apt"}
	}
	versions, err := tree.UnpackedVersions(dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	images, err := filepath.Glob(filepath.Join(dir, "boot", "vmlinuz-*"))
	if err != nil || len(images) != 1 {
		return nil, fmt.Errorf("%s: %d kernels in %s, want one", step, len(images), filepath.Join(dir, "boot"))
	}
	release := strings.TrimPrefix(filepath.Base(images[0]), "vmlinuz-")
	_, version, _ := strings.Cut(strings.TrimSpace(versions), " ")
	version, _, _ = strings.Cut(version, "\n")
	k := &KernelResult{
		Dir: dir, Hash: hashOf("stock", a.Name, versions), Image: images[0], Release: release, Version: version,
		Origin: "Debian package " + a.KernelPackage, Cached: true,
		SystemMap: filepath.Join(dir, "boot", "System.map-"+release), Config: filepath.Join(dir, "boot", "config-"+release),
	}
	list, err := readModules(filepath.Join(dir, "lib", "modules", release))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	files, err := list.closure(slices.Concat(a.Modules, stockModules))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	return &StockResult{Kernel: k, Modules: files}, nil
}
