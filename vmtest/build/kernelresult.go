// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"xpsgen/vmtest/arch"
	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/tree"
)

// KernelResult is a finished kernel in the cache. The paths are absolute and stay
// valid as long as the cache does.
type KernelResult struct {
	// Dir holds the files, Hash identifies the kernel by all inputs.
	Dir  string `json:"-"`
	Hash string `json:"hash"`
	// Image is the bootable image: bzImage, or Image on arm64. Vmlinux has the
	// debug information.
	Image     string `json:"-"`
	Vmlinux   string `json:"-"`
	SystemMap string `json:"-"`
	Config    string `json:"-"`
	// Modules is the directory for /lib/modules/RELEASE of the guest; empty if
	// the kernel has no modules.
	Modules string `json:"-"`
	// Notes is the directory of gcc's notes, FILE.gcno for each object that counts its
	// lines; empty if the kernel has no CONFIG_GCOV_KERNEL.
	Notes string `json:"-"`
	// Release is the output of uname -r.
	Release string `json:"release"`
	// Version is the version of the base. Commit is the commit of the patched tree.
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Tree    string `json:"tree"`
	// Origin says where the base came from.
	Origin string `json:"origin"`
	// Fragments are the names of the Kconfig fragments.
	Fragments []string `json:"fragments"`
	// Differences are the optional symbols that have another value, one per line, see
	// [config.Difference].
	Differences []string `json:"differences,omitempty"`
	// Pahole is the version of pahole, which generated the BTF; empty without BTF.
	Pahole string `json:"pahole,omitempty"`
	// Patches are the keys of the patches applied.
	Patches []string `json:"patches"`
	// Compiler and Linker are their version lines.
	Compiler string `json:"compiler"`
	Linker   string `json:"linker"`
	// Objects is the number of compiled objects. Seconds is the duration of the
	// build.
	Objects int64   `json:"objects"`
	Seconds float64 `json:"seconds"`
	// Cached says that nothing had to be built.
	Cached bool `json:"-"`
	// SourceDir is the working tree it was built from. It may hold another tree by
	// now, or be gone.
	SourceDir string `json:"-"`
	// Scripts holds the tree's own scripts that decode traces.
	Scripts string `json:"-"`

	// finish makes what an early result lacks; nil if it lacks nothing. release gives
	// the working tree back.
	finish  func(context.Context) error
	release func()
}

// Finish makes Image if an early result lacks it. Until then other runs do not
// find the result in the cache, and wait for the working tree.
func (k *KernelResult) Finish(ctx context.Context) error {
	if k == nil || k.finish == nil {
		return nil
	}
	defer k.Abandon()
	return k.finish(ctx)
}

// Abandon gives up an early result. It does nothing to a finished one.
func (k *KernelResult) Abandon() {
	if k != nil && k.finish != nil {
		k.finish = nil
		k.release()
	}
}

// traceScripts are the scripts of the kernel that decode traces.
var traceScripts = []string{"decode_stacktrace.sh", "decodecode"}

// keepScripts stores the scripts with the kernel, unless it has them. It does nothing
// in a read-only cache.
func (k *KernelResult) keepScripts(ctx context.Context, src *tree.Source) error {
	for _, name := range traceScripts {
		path := filepath.Join(k.Scripts, name)
		if _, err := os.Stat(path); err == nil {
			continue
		}
		if ids, err := src.ObjectIDs(ctx, "scripts/"+name); err != nil {
			return err
		} else if ids[0] == "-" {
			continue // this kernel has none
		}
		text, err := src.Show(ctx, "scripts/"+name)
		if err != nil {
			return fmt.Errorf("keep scripts/%s of the kernel: %w", name, err)
		}
		if err := cache.WriteFile(path, text, 0o755); err != nil && !cache.ReadOnly(err) {
			return fmt.Errorf("keep scripts/%s of the kernel: %w", name, err)
		}
	}
	return nil
}

// place fills in the paths.
func (k *KernelResult) place(cacheDir string, s *tree.Source, a *arch.Arch) {
	k.Dir = filepath.Join(cacheDir, "kernel", k.Hash)
	k.Image = filepath.Join(k.Dir, a.ImageFile())
	k.Vmlinux = filepath.Join(k.Dir, "vmlinux")
	k.SystemMap = filepath.Join(k.Dir, "System.map")
	k.Config = filepath.Join(k.Dir, "config")
	k.Scripts = filepath.Join(k.Dir, "scripts")
	k.SourceDir = filepath.Join(s.WorkDir(), "src")
}

// lookup completes k from the cache.
func (k *KernelResult) lookup() bool {
	// The stored record may have other patches with the same result.
	commit, patches, version, origin := k.Commit, k.Patches, k.Version, k.Origin
	fragments := k.Fragments
	if !readRecord(k.Dir, k, filepath.Base(k.Image), "vmlinux", "System.map", "config") {
		return false
	}
	k.Commit, k.Patches, k.Version, k.Origin, k.Fragments = commit, patches, version, origin, fragments
	k.Cached = true
	k.placeParts()
	return true
}

// placeParts fills in the paths of the modules and of gcc's notes if the kernel has any.
func (k *KernelResult) placeParts() {
	for name, to := range map[string]*string{modulesDir: &k.Modules, notesDir: &k.Notes} {
		dir := filepath.Join(k.Dir, name)
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			*to = dir
		}
	}
}
