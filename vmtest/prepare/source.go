// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package prepare obtains, patches and builds what a guest is made of: the
// kernel, ip, bpftool and the guest's own programs.
//
// [Source] says what to build, [All] builds it. Errors are of two kinds:
// [IsVerdict] reports those that are the tree's fault. All others mean that
// the workbench could not do its work.
package prepare

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/config"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/tree/manifest"
)

// Source says what to build. Root and Cache are required.
type Source struct {
	// Root is the workbench's directory, see package workbench; Cache the cache's.
	Root, Cache string
	// Base names the kernel base; empty means the first of the manifest.
	Base string
	// Select chooses series of the kernel's stack, IPSelect of that of ip's
	// project. The zero values are the whole stacks.
	Select, IPSelect manifest.Selection
	// KernelDir and IPDir are source directories of the user's own, used
	// instead of the bases'. They are only read.
	KernelDir, IPDir string
	// Fragments are Kconfig fragments on top of "base": names of
	// vmtest/config, or files.
	Fragments []string
	// Jobs is how many compilers run at once; 0 means one per CPU.
	Jobs int
	// Unpatched leaves the kernel series out. The patched ip stays: the
	// suite asks for the hook with it.
	Unpatched bool
	// KernelExtra and IPExtra are patches on top of the stacks. Of a patch
	// that is there once more in a folder beside it, called as the base is,
	// that one is taken.
	KernelExtra, IPExtra []string
	// KernelFirst and IPFirst apply only that many patches of what is
	// selected; 0 means all.
	KernelFirst, IPFirst int
	// Apart names a working tree of the kernel's own, see [tree.Variant].
	Apart string
	// Progress hears what takes long. May be nil.
	Progress progress.Func
}

// Name is what the results directory of s is called: "net-next",
// "6.12-unpatched", "net-next-debug".
func (s *Source) Name() string {
	parts := []string{s.BaseName()}
	for _, f := range s.Fragments {
		parts = append(parts, strings.TrimSuffix(filepath.Base(f), ".config"))
	}
	for _, k := range s.Select.Only {
		parts = append(parts, k)
	}
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

// Fragments names the Kconfig fragments that come with the workbench, for
// [Source.Fragments].
func Fragments() []string { return config.Names() }

// debugFragment is the fragment that makes a kernel look for trouble.
const debugFragment = "debug"

// Debug reports whether s is built to look for trouble: with the fragment
// called debug.
func (s *Source) Debug() bool { return slices.Contains(s.Fragments, debugFragment) }

// BaseName returns the name of the kernel base, "" if the manifest cannot be
// read: [Source.Validate] says why.
func (s *Source) BaseName() string {
	if s.Base == "" {
		if names, err := Bases(s.Root, ""); err == nil {
			return names[0]
		}
	}
	return s.Base
}

// ErrSource is wrapped by errors about a [Source] that names something that is
// not there: a base, a fragment, a directory.
var ErrSource = errors.New("no such source")

// Validate finds what is wrong with s without obtaining or building anything.
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
	if _, err := config.LoadAll(append([]string{"base"}, s.Fragments...)...); err != nil {
		return fmt.Errorf("%w: %w", ErrSource, err)
	}
	for _, dir := range []string{s.KernelDir, s.IPDir} {
		if info, err := os.Stat(dir); dir != "" && (err != nil || !info.IsDir()) {
			return fmt.Errorf("%w: %s is not a directory", ErrSource, dir)
		}
	}
	return nil
}
