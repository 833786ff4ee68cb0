// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"xpsgen/vmtest/arch"
	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/config"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/tree"
)

const (
	// Change kernelRecipe when the same input is built in another way.
	kernelRecipe = "1"
	// kernelObjects is the approximate number of objects of the base
	// configuration. It is used until a build has counted them.
	kernelObjects = 1090
	// kernelBytes is the approximate disk space of a kernel build.
	kernelBytes = 1 << 30
	// modulesDir holds the modules in a result, as /lib/modules does.
	modulesDir = "modules"
)

// The identification strings of a kernel are pinned. So the same input gives
// the same kernel, and a second make has nothing to do. Only the build ID
// depends on the cache directory: it covers the debug information, which
// contains the path.
var kernelPins = []string{
	"KBUILD_BUILD_TIMESTAMP=Sun, 22 Nov 2026 12:00:00 +0000",
	"KBUILD_BUILD_USER=xpsgen",
	"KBUILD_BUILD_HOST=workbench",
	"KBUILD_BUILD_VERSION=1",
	"LOCALVERSION=",
}

// KernelOptions say which kernel to build. Source, Cache and Fragments are
// required.
type KernelOptions struct {
	// Source is the patched tree.
	Source *tree.Source
	// Fragments make the configuration, see [config.Load].
	Fragments []config.Fragment
	// Arch is the architecture; nil means amd64.
	Arch *arch.Arch
	// Cache is the cache directory.
	Cache string
	// Jobs is how many compilers run at once; 0 means one for each CPU.
	Jobs int
	// Early lets Kernel return as soon as Vmlinux can boot, if it has a PVH
	// entry. The caller must then call [KernelResult.Finish] or
	// [KernelResult.Abandon].
	Early bool
	// Progress receives events. May be nil.
	Progress progress.Func
}

// Kernel returns the kernel that opt describes, and builds it if the cache
// lacks it. Two runs that want kernels of one base build one after the other.
//
// Returns a [*config.DroppedSymbolError], a [*CompileError], a
// [*BreakdownError], a [*cache.SpaceError], or what [tree.Source.Checkout]
// returns.
func Kernel(ctx context.Context, opt KernelOptions) (*KernelResult, error) {
	b := &kernelBuild{opt: opt, arch: archOf(opt.Arch), step: "build kernel " + opt.Source.Version + suffix(opt.Arch)}
	merged, err := config.Merge(opt.Fragments)
	if err != nil {
		return nil, err
	}
	b.want = merged.Symbols
	for _, d := range merged.Differences {
		b.differences = append(b.differences, d.String())
	}
	k := &KernelResult{Version: opt.Source.Version, Origin: opt.Source.Origin}
	if k.Compiler, err = toolVersion(ctx, b.step, b.arch.Tool("gcc")); err != nil {
		return nil, err
	}
	if k.Linker, err = toolVersion(ctx, b.step, b.arch.Tool("ld")); err != nil {
		return nil, err
	}
	parts := []string{strings.Join(kernelPins, "\n")}
	if b.arch.Cross() {
		parts = append(parts, "arch "+b.arch.Name)
	}
	if needsPahole(b.want) {
		if b.pahole, err = findPahole(ctx, b.step, opt.Cache, opt.Progress); err != nil {
			return nil, err
		}
		k.Pahole = b.pahole.version
		parts = append(parts, k.Pahole)
	}
	if k.Tree, err = opt.Source.TreeID(ctx); err != nil {
		return nil, err
	}
	if k.Commit, err = opt.Source.Commit(ctx); err != nil {
		return nil, err
	}
	for _, f := range opt.Fragments {
		k.Fragments = append(k.Fragments, f.Name)
	}
	for _, p := range opt.Source.Patches {
		k.Patches = append(k.Patches, p.Key)
	}
	k.Hash = hashOf(append([]string{"kernel", kernelRecipe, k.Tree, string(config.Format(b.want)),
		k.Compiler, k.Linker}, parts...)...)
	k.place(opt.Cache, opt.Source, b.arch)
	if b.lookup(k) {
		opt.Progress.Emit(progress.Event{Step: b.step, State: progress.Cached, Text: k.Release + " " + k.Hash})
		return k, k.keepScripts(ctx, opt.Source)
	}
	t, err := opt.Source.Checkout(ctx)
	if err != nil {
		return nil, err
	}
	k.release = t.Close
	defer func() {
		if k.finish == nil {
			t.Close()
		}
	}()
	if b.lookup(k) { // the run that this one waited for has built it
		opt.Progress.Emit(progress.Event{Step: b.step, State: progress.Cached, Text: k.Release + " " + k.Hash})
		return k, k.keepScripts(ctx, opt.Source)
	}
	if err := b.build(ctx, t, k); err != nil {
		return nil, err
	}
	if err := k.keepScripts(ctx, opt.Source); err != nil {
		k.Abandon()
		return nil, err
	}
	return k, nil
}

type kernelBuild struct {
	opt    KernelOptions
	arch   *arch.Arch
	step   string
	want   []config.Symbol
	pahole *pahole
	// differences are the differences that the merge found.
	differences []string
}

// lookup completes k from the cache, and reports optional symbols with another value.
func (b *kernelBuild) lookup(k *KernelResult) bool {
	if !k.lookup() || enabled(b.want, "CONFIG_GCOV_KERNEL") && k.Notes == "" {
		return false
	}
	b.tell(k)
	return true
}

// tell puts the differences of the merge before the differences of Kconfig, and reports each.
func (b *kernelBuild) tell(k *KernelResult) {
	k.Differences = append(slices.Clip(b.differences), k.Differences...)
	for _, d := range k.Differences {
		b.opt.Progress.Emit(progress.Event{Step: b.step, State: progress.Notice, Text: d})
	}
}

// flavour names the object directory: one for each set of fragments, so that
// going from one configuration to another and back rebuilds nothing.
func (b *kernelBuild) flavour() string {
	var names []string
	for _, f := range b.opt.Fragments {
		// Optional symbols change little. If configurations that differ only in these
		// share a directory, kbuild rebuilds only what depends on them.
		if f.Optional {
			continue
		}
		name := strings.TrimSuffix(filepath.Base(f.Name), ".config")
		if name != f.Name { // a file of the user's
			name += "-" + hashOf(f.Name)[:6]
		}
		names = append(names, name)
	}
	return strings.Join(names, "+")
}

func (b *kernelBuild) build(ctx context.Context, t *tree.Tree, k *KernelResult) error {
	start := time.Now()
	if enabled(b.want, "CONFIG_MODULES") {
		if err := b.findDepmod(); err != nil {
			return err
		}
	}
	kb := &kbuild{step: b.step, tree: t, arch: b.arch, p: b.opt.Progress, needBytes: kernelBytes, pahole: b.pahole}
	return kb.in(ctx, "obj-"+b.flavour(), b.flavour(), func(o *objdir) error {
		whole, err := b.bring(ctx, kb, o, k)
		if err != nil {
			return err
		}
		release, err := os.ReadFile(filepath.Join(o.dir, "include/config/kernel.release"))
		if err != nil {
			return fmt.Errorf("%s: %w", b.step, err)
		}
		k.Release = strings.TrimSpace(string(release))
		k.Seconds = time.Since(start).Round(time.Millisecond).Seconds()
		for _, d := range kb.differences {
			k.Differences = append(k.Differences, d.String())
		}
		if err := b.store(ctx, kb, o, k, whole); err != nil {
			return err
		}
		if !whole {
			k.finish = func(ctx context.Context) error {
				return b.complete(ctx, t, k.Tree, func(image []byte) error {
					return cache.Explain(cache.WriteFile(k.Image, image, 0o644), k.Dir, kernelBytes)
				})
			}
		}
		k.placeParts()
		b.tell(k)
		return nil
	})
}

// complete makes the image that an early build of the git tree id left out, and
// passes it to keep.
func (b *kernelBuild) complete(ctx context.Context, t *tree.Tree, id string, keep func(image []byte) error) error {
	kb := &kbuild{step: "compress kernel " + b.opt.Source.Version, tree: t, arch: b.arch, p: b.opt.Progress, needBytes: kernelBytes}
	return kb.in(ctx, "obj-"+b.flavour(), b.flavour(), func(o *objdir) error {
		if o.last == nil || o.last.Tree != id {
			return fmt.Errorf("%s: the objects are gone", kb.step)
		}
		e := &edit{kb: kb, o: o, state: o.last}
		if err := e.image(ctx, jobs(b.opt.Jobs)); err != nil {
			return err
		}
		if err := o.save(o.last); err != nil {
			return err
		}
		image, err := os.ReadFile(filepath.Join(o.dir, b.arch.Image))
		if err != nil {
			return fmt.Errorf("%s: %w", kb.step, err)
		}
		return keep(image)
	})
}

// bring updates the object directory to the tree. It runs only the few commands
// that an edit needs if that is safe, else the kernel's whole make.
//
// whole is false if the image is missing, which happens only after an early
// build.
func (b *kernelBuild) bring(ctx context.Context, kb *kbuild, o *objdir, k *KernelResult) (whole bool, err error) {
	state := &objState{Inputs: b.inputs(k, kb), Tree: k.Tree}
	e, err := newEdit(ctx, b.opt.Source, kb, o, state)
	if err != nil {
		return false, err
	}
	k.Objects, err = e.build(ctx, jobs(b.opt.Jobs))
	if early := b.opt.Early && enabled(b.want, "CONFIG_PVH"); err == nil && !early && !state.Image {
		err = e.image(ctx, jobs(b.opt.Jobs))
	}
	if err == nil {
		return state.Image, o.save(state)
	}
	if ctx.Err() != nil {
		return false, err
	}
	if err := kb.note("whole make: %v", err); err != nil {
		return false, err
	}
	if err := e.configure(ctx, b.want); err != nil {
		return false, err
	}
	targets := []string{jobs(b.opt.Jobs), b.arch.ImageFile()}
	if enabled(b.want, "CONFIG_MODULES") {
		targets = append(targets, "modules")
	}
	if k.Objects, err = kb.make(ctx, o, targets...); err != nil {
		return false, err
	}
	if err := o.remember(k.Objects); err != nil {
		return false, err
	}
	state.Image = true
	return true, o.save(state)
}

// inputs identifies all that a kernel is built from, except for the tree.
func (b *kernelBuild) inputs(k *KernelResult, kb *kbuild) string {
	return hashOf(kernelRecipe, strings.Join(kernelPins, "\n"), string(config.Format(b.want)), k.Compiler, k.Linker,
		k.Pahole, kb.tree.Dir)
}

// store copies the built files into the cache, with the image or without.
func (b *kernelBuild) store(ctx context.Context, kb *kbuild, o *objdir, k *KernelResult, image bool) error {
	return publish(k.Dir, k, kernelBytes, func(tmp string) error {
		for dst, src := range map[string]string{
			b.arch.ImageFile(): b.arch.Image, "vmlinux": "vmlinux", "System.map": "System.map", "config": ".config",
		} {
			if src == b.arch.Image && !image {
				continue
			}
			if err := copyFile(filepath.Join(tmp, dst), filepath.Join(o.dir, src)); err != nil {
				return fmt.Errorf("%s: %w", b.step, err)
			}
		}
		if enabled(b.want, "CONFIG_GCOV_KERNEL") {
			// The directory says that the result is complete, even without notes.
			if err := errors.Join(os.Mkdir(filepath.Join(tmp, notesDir), 0o755), keepNotes(o.dir, tmp)); err != nil {
				return fmt.Errorf("%s: %w", b.step, err)
			}
		}
		if !enabled(b.want, "CONFIG_MODULES") {
			return nil
		}
		return b.installModules(ctx, kb, o, k, tmp)
	})
}

// findDepmod looks for depmod where scripts/depmod.sh does. Without depmod,
// make only warns, and only after everything is built.
func (b *kernelBuild) findDepmod() error {
	_, err := exec.LookPath("depmod")
	if err != nil {
		_, err = exec.LookPath("/sbin/depmod")
	}
	if err != nil {
		return &BreakdownError{Step: b.step, Err: err, Log: "none",
			Cause: "a tool is missing: depmod", Remedy: "install kmod, or run xpsgen deps"}
	}
	return nil
}

// installModules puts the modules into dir, without debug information but with BTF, and
// with the index that modprobe needs.
func (b *kernelBuild) installModules(ctx context.Context, kb *kbuild, o *objdir, k *KernelResult, dir string) error {
	root := filepath.Join(dir, "root")
	if _, err := kb.make(ctx, o, jobs(b.opt.Jobs), "INSTALL_MOD_PATH="+root, "INSTALL_MOD_STRIP=1", "modules_install"); err != nil {
		return err
	}
	made := filepath.Join(root, "lib", "modules", k.Release)
	// The link build points to the objects, which are not stored.
	if err := os.Remove(filepath.Join(made, "build")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", b.step, err)
	}
	if err := os.Rename(made, filepath.Join(dir, modulesDir)); err != nil {
		return fmt.Errorf("%s: %w", b.step, err)
	}
	if err := os.RemoveAll(root); err != nil {
		return fmt.Errorf("%s: %w", b.step, err)
	}
	return nil
}
