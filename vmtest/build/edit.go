// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/config"
	"xpsgen/vmtest/tree"
)

// errWhole is wrapped by the reason why an edit needs the kernel's whole make.
var errWhole = errors.New("needed")

// maxEditObjects is the number of objects up to which the recursion of make through all
// directories costs more than the compiler.
const maxEditObjects = 40

// edit is the difference between the tree of the last build and the current one. The
// recursion of make through all directories finds what to build in 6 s of CPU time, and
// allnoconfig takes 3 s. For edits of C files the dependencies that the last build recorded
// say the same.
type edit struct {
	kb    *kbuild
	o     *objdir
	state *objState
	// known is true if the last build had the same inputs except for the tree.
	// changes lists the differences of the tree.
	known   bool
	changes []tree.Change
}

// newEdit compares the tree with the tree of the last build in o. It keeps in state what the
// next build needs.
func newEdit(ctx context.Context, src *tree.Source, kb *kbuild, o *objdir, state *objState) (*edit, error) {
	e := &edit{kb: kb, o: o, state: state}
	if o.last == nil || o.last.Inputs != state.Inputs {
		return e, nil
	}
	text, err := os.ReadFile(filepath.Join(o.dir, ".config"))
	if err != nil || hashOf(string(text)) != o.last.Config {
		return e, nil
	}
	if e.changes, err = src.ChangedSince(ctx, o.last.Tree); err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		return e, nil // the last build was of another repository
	}
	e.known = true
	if !slices.ContainsFunc(e.changes, configures) {
		state.Env = o.last.Env
	}
	return e, nil
}

// configure makes .config, unless it exists and its inputs are unchanged.
func (e *edit) configure(ctx context.Context, want []config.Symbol) error {
	if !e.known || slices.ContainsFunc(e.changes, configures) {
		return e.kb.configure(ctx, e.o, want)
	}
	return e.kb.check(e.o, want)
}

// configures reports whether a change may change the configuration: Kconfig files, and the
// makefiles and scripts that ask the compiler what it can do.
func configures(c tree.Change) bool {
	name := path.Base(c.Path)
	return strings.Contains(name, "Kconfig") || strings.HasPrefix(name, "Makefile") || strings.HasPrefix(c.Path, "scripts/") ||
		!c.Edited && !outside(c.Path)
}

// build builds only what the edit affects, in the way of the kernel's makefiles. It returns
// an error if that is not safe or does not succeed. Then the whole make decides.
func (e *edit) build(ctx context.Context, jobs string) (objects int64, err error) {
	if !e.known {
		return 0, fmt.Errorf("%w: the last build here was of other inputs", errWhole)
	}
	deps, err := readCommands(e.o.dir, e.kb.tree.Dir)
	if err != nil {
		return 0, err
	}
	affected, err := e.affected(deps)
	if err != nil {
		return 0, err
	}
	archives, err := deps.archivesOf(affected)
	if err != nil {
		return 0, err
	}
	if e.state.Env == nil {
		if e.state.Env, err = e.environment(ctx); err != nil {
			return 0, err
		}
	}
	if len(affected) == 0 {
		e.state.Image = e.o.last.Image
		return 0, nil
	}
	n, err := e.compile(ctx, affected, jobs)
	if err != nil {
		return 0, err
	}
	for _, a := range archives {
		if _, err := e.run(ctx, "sh", "-c", "set -e; "+deps.commands[a].saved); err != nil {
			return 0, err
		}
	}
	if err := e.link(ctx, jobs); err != nil {
		return 0, err
	}
	// The recorded commands must be unchanged. Otherwise the next whole make
	// runs them again.
	for _, name := range append(slices.Concat(affected, archives), finalTargets...) {
		old := deps.commands[name]
		if now, err := readCommand(e.o.dir, name); old != nil && (err != nil || now.saved != old.saved) {
			return 0, fmt.Errorf("%w: the command for %s has changed", errWhole, name)
		}
	}
	return n, nil
}

// affected returns the objects that depend on the changed files.
func (e *edit) affected(deps *commands) ([]string, error) {
	for _, s := range unsupported {
		if deps.config[s] {
			return nil, fmt.Errorf("%w: %s", errWhole, s)
		}
	}
	found := map[string]bool{}
	for _, c := range e.changes {
		targets := deps.dependOn(c.Path)
		if len(targets) == 0 && outside(c.Path) {
			continue
		}
		if !c.Edited || !compiled(c.Path) || len(targets) == 0 {
			return nil, fmt.Errorf("%w: %s", errWhole, c.Path)
		}
		for _, t := range targets {
			if !deps.isObject(t) {
				return nil, fmt.Errorf("%w: %s depends on %s", errWhole, t, c.Path)
			}
			found[t] = true
		}
	}
	if len(found) > maxEditObjects {
		return nil, fmt.Errorf("%w: it affects %d objects", errWhole, len(found))
	}
	return sortedKeys(found), nil
}

// unsupported are symbols with which more than vmlinux depends on an object.
var unsupported = []string{
	"CONFIG_MODULES", "CONFIG_DEBUG_INFO_BTF", "CONFIG_LTO", "CONFIG_TRIM_UNUSED_KSYMS", "CONFIG_IKHEADERS",
	"CONFIG_RUST", "CONFIG_GCC_PLUGINS", "CONFIG_UNUSED_TRACEPOINTS",
}

// outside reports whether no part of a kernel is made from a path. The caller knows that
// no recorded command reads it.
func outside(name string) bool {
	if strings.Contains(path.Base(name), "Kconfig") {
		return false
	}
	for _, dir := range []string{"Documentation/", "LICENSES/", "tools/testing/", "tools/bpf/bpftool/", "tools/lib/bpf/", "tools/perf/"} {
		if strings.HasPrefix(name, dir) {
			return true
		}
	}
	return name == "MAINTAINERS" || name == "CREDITS" || path.Base(name) == ".gitignore"
}

// compiled reports whether only the compiler reads a file. Scripts read headers below
// include, and makefiles read scripts and tools.
func compiled(name string) bool {
	for _, dir := range []string{"include/", "scripts/", "tools/", "usr/", "certs/", "Documentation/", "samples/", "rust/"} {
		if strings.HasPrefix(name, dir) {
			return false
		}
	}
	if strings.HasPrefix(name, "arch/") && strings.Contains(name, "/include/") {
		return false
	}
	return slices.Contains([]string{".c", ".h", ".S"}, path.Ext(name))
}

// finalTargets are what the kernel's makefiles make of all objects.
var finalTargets = []string{"vmlinux.o", "vmlinux.symvers", "vmlinux.unstripped", "vmlinux"}

// compile runs the makefile of each directory for its objects.
func (e *edit) compile(ctx context.Context, objects []string, jobs string) (n int64, err error) {
	dirs := map[string][]string{}
	for _, o := range objects {
		dirs[path.Dir(o)] = append(dirs[path.Dir(o)], o)
	}
	for _, dir := range sortedKeys(dirs) {
		made, err := e.makefile(ctx, "Makefile.build", append([]string{jobs, "obj=" + dir}, dirs[dir]...)...)
		if err != nil {
			return 0, err
		}
		n += made
	}
	if n < int64(len(objects)) {
		// make considered some objects up to date: leave the decision to the whole make.
		return 0, fmt.Errorf("%w: make compiled %d of %d objects", errWhole, n, len(objects))
	}
	return n, nil
}

// link makes vmlinux as the top makefile does.
func (e *edit) link(ctx context.Context, jobs string) error {
	if _, err := e.makefile(ctx, "Makefile.vmlinux_o", jobs); err != nil {
		return err
	}
	if _, err := e.makefile(ctx, "Makefile.modpost", jobs); err != nil {
		return err
	}
	if _, err := e.makefile(ctx, "Makefile.vmlinux", jobs); err != nil {
		return err
	}
	return nil
}

// image makes the boot image as the makefile of the architecture does.
func (e *edit) image(ctx context.Context, jobs string) error {
	image := archOf(e.kb.arch).Image
	old, err := readCommand(e.o.dir, image)
	if err != nil {
		return err
	}
	if _, err := e.makefile(ctx, "Makefile.build", jobs, "obj="+filepath.Dir(image), image); err != nil {
		return err
	}
	if now, err := readCommand(e.o.dir, image); err != nil || now.saved != old.saved {
		return fmt.Errorf("%w: the command for %s has changed", errWhole, image)
	}
	e.state.Image = true
	return nil
}

// makefile runs one of the kernel's makefiles in scripts.
func (e *edit) makefile(ctx context.Context, name string, args ...string) (int64, error) {
	return e.run(ctx, "make", append([]string{"-f", filepath.Join(e.kb.tree.Dir, "scripts", name)}, args...)...)
}

func (e *edit) run(ctx context.Context, program string, args ...string) (int64, error) {
	m := makeRun{
		program: program, args: args, dir: e.o.dir, env: e.state.Env, step: e.kb.step, p: e.kb.p,
		log: e.kb.log, hold: e.kb.tree.Lock(), needBytes: e.kb.needBytes,
	}
	return m.run(ctx)
}

// envName is the file that the kernel's make writes its environment to.
const envName = ".xpsgen-env"

// environment asks the kernel's make for the variables that it exports.
func (e *edit) environment(ctx context.Context) ([]string, error) {
	file := filepath.Join(e.o.dir, envName)
	// The top makefile exports LDFLAGS_vmlinux only for vmlinux.
	rule := ".PHONY: xpsgen-env\nxpsgen-env: ; @LDFLAGS_vmlinux='$(LDFLAGS_vmlinux)' env -0 >" + envName
	if _, err := e.kb.make(ctx, e.o, "--eval="+rule, "xpsgen-env"); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var env []string
	for kv := range strings.SplitSeq(strings.TrimSuffix(string(data), "\x00"), "\x00") {
		name, _, _ := strings.Cut(kv, "=")
		switch name {
		case "MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "PWD", "OLDPWD", "SHLVL", "_":
		default:
			env = append(env, kv)
		}
	}
	env = append(env, "MAKEFLAGS=rR --no-print-directory")
	for _, name := range []string{"srctree", "objtree", "KBUILD_VMLINUX_OBJS", "KBUILD_LDS", "CC", "LD"} {
		if !slices.ContainsFunc(env, func(kv string) bool { return strings.HasPrefix(kv, name+"=") && len(kv) > len(name)+1 }) {
			return nil, fmt.Errorf("%w: the kernel's make does not export %s", errWhole, name)
		}
	}
	return env, nil
}
