// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package prepare obtains, patches and builds what a guest is made of: the
// kernel, iproute2, bpftool and the guest's own programs.
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
	"xpsgen/vmtest/tree"
)

// DefaultBase is the kernel base that is used when none is named.
const DefaultBase = "net-next"

// iproute2For says which iproute2 bases go with a kernel base, the preferred
// one first. The carry stands in where the source of net-next's own iproute2
// cannot be had: the series does the same on both.
var iproute2For = map[string][]string{
	"net-next": {"iproute2-next", "6.1"},
	"6.12":     {"6.1"},
}

// IPRoute2Bases returns the iproute2 bases that go with a kernel base, the
// preferred one first.
func IPRoute2Bases(base string) []string { return slices.Clone(iproute2For[base]) }

// Source says what to build. Root and Cache are required.
type Source struct {
	// Root is the workbench's directory, see package workbench; Cache the cache's.
	Root, Cache string
	// Base names the kernel base; empty means [DefaultBase].
	Base string
	// KernelDir and IPRoute2Dir are source directories of the user's own,
	// used instead of the bases'. They are only read.
	KernelDir, IPRoute2Dir string
	// Fragments are Kconfig fragments on top of "base": names of
	// vmtest/config, or files.
	Fragments []string
	// Jobs is how many compilers run at once; 0 means one per CPU.
	Jobs int
	// Unpatched leaves the kernel series out. The patched ip stays: the
	// suite asks for the hook with it.
	Unpatched bool
	// KernelExtra and IPRoute2Extra are patches on top of the series. Of a
	// patch that is there once more in a folder beside it, called as the base
	// is, that one is taken.
	KernelExtra, IPRoute2Extra []string
	// KernelFirst and IPRoute2First apply only that many patches of a series;
	// 0 means all.
	KernelFirst, IPRoute2First int
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

// BaseName returns the name of the kernel base.
func (s *Source) BaseName() string {
	if s.Base == "" {
		return DefaultBase
	}
	return s.Base
}

// ErrSource is wrapped by errors about a [Source] that names something that is
// not there: a base, a fragment, a directory.
var ErrSource = errors.New("no such source")

// Validate finds what is wrong with s without obtaining or building anything.
func (s *Source) Validate() error {
	series, err := tree.Load(filepath.Join(s.Root, "kernel-patches"))
	if err != nil {
		return err
	}
	if _, err := series.Base(s.BaseName()); err != nil {
		return fmt.Errorf("%w: %w", ErrSource, err)
	}
	if _, err := tree.Load(filepath.Join(s.Root, "iproute2-patches")); err != nil {
		return err
	}
	if _, err := config.LoadAll(append([]string{"base"}, s.Fragments...)...); err != nil {
		return fmt.Errorf("%w: %w", ErrSource, err)
	}
	for _, dir := range []string{s.KernelDir, s.IPRoute2Dir} {
		if info, err := os.Stat(dir); dir != "" && (err != nil || !info.IsDir()) {
			return fmt.Errorf("%w: %s is not a directory", ErrSource, dir)
		}
	}
	return nil
}
