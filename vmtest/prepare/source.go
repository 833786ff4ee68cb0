// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package prepare fetches, patches and builds the parts of a guest: the kernel, ip,
// bpftool and the guest's own programs.
//
// [Source] describes what to build, [All] builds it. [IsVerdict] distinguishes two kinds
// of errors. It is true for a fault of the tree under test. Any other error means that
// the workbench could not do its work.
package prepare

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"xpsgen/vmtest/arch"
	"xpsgen/vmtest/config"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/tree/manifest"
)

// Source describes what to build. Root and Cache are required.
type Source struct {
	// Root is the directory of the workbench, see package workbench. Cache is the
	// cache directory.
	Root, Cache string
	// Base names the kernel base; empty means the first of the manifest.
	Base string
	// Select selects series of the kernel's stack, IPSelect of ip's stack. The zero
	// values select the whole stacks.
	Select, IPSelect manifest.Selection
	// KernelDir and IPDir are source directories of the user. They replace the source
	// of the base and are only read.
	KernelDir, IPDir string
	// NoApply uses these directories without applying the series.
	NoApply bool
	// Arch is the architecture of the guest, as GOARCH; empty means amd64.
	Arch string
	// Fragments are Kconfig fragments on top of "base": names from vmtest/config, or
	// paths of files.
	Fragments []string
	// Selftests are tests of the kernel's own, COLLECTION:TEST, or whole collections.
	// The configuration that a collection has in the kernel tree is merged on top of
	// Fragments.
	Selftests []string
	// TestProgs are tests of the kernel's selftests/bpf to build test_progs with: names
	// of files in prog_tests, without ".c".
	TestProgs []string
	// Jobs is how many compilers run at once; 0 means one per CPU.
	Jobs int
	// Stock boots Debian's kernel instead of the base, and builds no kernel, ip and
	// bpftool. Arch must not be amd64.
	Stock bool
	// Unpatched leaves out the kernel series. The patched ip stays, because the suite
	// uses it to detect the hook.
	Unpatched bool
	// IPUnpatched leaves out the series of ip. It is not for guests.
	IPUnpatched bool
	// KernelExtra and IPExtra are patches on top of the stacks. A file of the same
	// name in a subdirectory named after the base replaces the patch.
	KernelExtra, IPExtra []string
	// KernelFirst and IPFirst apply only the first selected patches; 0 means all.
	KernelFirst, IPFirst int
	// Apart names a separate working tree of the kernel, see [tree.Variant].
	Apart string
	// Early returns a kernel that can boot before it is complete, see
	// [build.KernelOptions]. The caller of [All] must call Finish or Abandon.
	Early bool
	// Progress receives events about long steps. May be nil.
	Progress progress.Func
}

// Name is the name of the results directory of s: "net-next", "6.12-unpatched",
// "net-next-debug", "net-next-s390x".
func (s *Source) Name() string {
	parts := []string{s.BaseName()}
	if s.Arch != "" && s.Arch != arch.Amd64 {
		parts = append(parts, s.Arch)
	}
	for _, f := range s.Fragments {
		parts = append(parts, strings.TrimSuffix(filepath.Base(f), ".config"))
	}
	parts = append(parts, s.Select.Only...)
	for _, k := range s.Select.With {
		parts = append(parts, "with", k)
	}
	for _, k := range s.Select.Without {
		parts = append(parts, "without", k)
	}
	if s.Unpatched {
		parts = append(parts, "unpatched")
	}
	return strings.Join(parts, "-")
}

// Patches returns the keys of the selected kernel patches. It returns nil for the whole
// stack, and with NoApply.
func (s *Source) Patches() (map[string]bool, error) {
	if s.Select.IsZero() || s.NoApply {
		return nil, nil
	}
	_, p, err := kernel(s.Root)
	if err != nil {
		return nil, err
	}
	list, err := p.Patches(s.BaseName(), s.Select)
	if err != nil {
		return nil, err
	}
	keys := make(map[string]bool, len(list))
	for _, q := range list {
		keys[q.Key] = true
	}
	return keys, nil
}

// Loader returns the key of the alternative that is selected instead of the hook, or
// "".
func (s *Source) Loader() string {
	if len(s.Select.With) == 0 {
		return ""
	}
	return s.Select.With[0]
}

// Alternatives returns the keys of the alternatives that have patches on the base.
func (s *Source) Alternatives() ([]string, error) {
	_, p, err := kernel(s.Root)
	if err != nil {
		return nil, err
	}
	var keys []string
	for i := range p.Series {
		if a := &p.Series[i]; a.Role == manifest.Alternative && a.On(s.BaseName()) != nil {
			keys = append(keys, a.Key)
		}
	}
	return keys, nil
}

// Fragments returns the names of the shipped Kconfig fragments, for [Source.Fragments].
func Fragments() []string { return config.Names() }

// BaseName returns the name of the kernel base. It returns "" if the manifest cannot be
// read; [Source.Validate] returns the reason.
func (s *Source) BaseName() string {
	if s.Base == "" {
		if names, err := Bases(s.Root, ""); err == nil {
			return names[0]
		}
	}
	return s.Base
}

// ErrSource is wrapped by errors about a [Source] that names a missing base, fragment or
// directory.
var ErrSource = errors.New("no such source")

// Validate checks s without fetching or building anything.
func (s *Source) Validate() error {
	c, p, err := kernel(s.Root)
	if err != nil {
		return err
	}
	b, err := p.Base(s.Base)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSource, err)
	}
	if _, err := p.Stack(b.Name, s.Select); err != nil {
		return fmt.Errorf("%w: %w", ErrSource, err)
	}
	if ip := c.Guest(manifest.GuestIP); ip != nil && s.IPDir == "" {
		if _, err := ipBases(ip, b.Name); err != nil {
			return err
		}
	}
	a, err := arch.Find(s.Arch)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSource, err)
	}
	if s.Stock && a.KernelPackage == "" {
		return fmt.Errorf("%w: Debian's own kernel can boot on other architectures only, not on %s", ErrSource, a.Name)
	}
	if _, err := config.For(a, s.Fragments...); err != nil {
		return fmt.Errorf("%w: %w", ErrSource, err)
	}
	for _, dir := range []string{s.KernelDir, s.IPDir} {
		if info, err := os.Stat(dir); dir != "" && (err != nil || !info.IsDir()) {
			return fmt.Errorf("%w: %s is not a directory", ErrSource, dir)
		}
	}
	return nil
}
