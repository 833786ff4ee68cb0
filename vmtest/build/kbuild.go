// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"xpsgen/vmtest/arch"
	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/config"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/tree"
)

// kbuild runs the kernel's make on a working tree, in object directories that
// are kept next to it.
type kbuild struct {
	step string
	tree *tree.Tree
	// arch is the target; nil means this machine.
	arch      *arch.Arch
	p         progress.Func
	needBytes int64
	// pahole is the program that makes BTF; nil if the configuration has no BTF, or if
	// configure is to find it.
	pahole *pahole
	// differences are the optional symbols that have another value, see [config.Check].
	differences []config.Difference

	log   string
	total int64
}

// in calls f with the object directory called name, made ready for a build,
// and reports the step.
func (kb *kbuild) in(ctx context.Context, name, text string, f func(o *objdir) error) (err error) {
	start := time.Now()
	o, err := openObjdir(filepath.Join(kb.tree.Work, name))
	if err != nil {
		return cache.Explain(fmt.Errorf("%s: %w", kb.step, err), kb.tree.Work, kb.needBytes)
	}
	kb.log, kb.total = o.dir+".log", o.expected()
	kb.p.Emit(progress.Event{Step: kb.step, State: progress.Started, Text: text, Total: kb.total, Unit: "objects", Log: kb.log})
	defer func() {
		state := progress.Finished
		if err != nil {
			state = progress.Failed
		}
		kb.p.Emit(progress.Event{Step: kb.step, State: state, Elapsed: time.Since(start), Log: kb.log})
	}()
	if err := os.WriteFile(kb.log, nil, 0o644); err != nil {
		return cache.Explain(fmt.Errorf("%s: %w", kb.step, err), kb.tree.Work, kb.needBytes)
	}
	if err := o.begin(); err != nil {
		return cache.Explain(fmt.Errorf("%s: %w", kb.step, err), kb.tree.Work, kb.needBytes)
	}
	defer func() {
		// A command that ended by itself has cleaned up; make deletes the target of a
		// command that fails. A killed command may not have.
		clean := ctx.Err() == nil && !isBreakdown(err)
		err = errors.Join(err, o.end(clean))
	}()
	return f(o)
}

// make runs make with args for o and returns the number of compiled objects.
func (kb *kbuild) make(ctx context.Context, o *objdir, args ...string) (int64, error) {
	all := []string{"-C", kb.tree.Dir, "O=" + o.dir}
	all = append(all, kb.arch.MakeArgs()...)
	if kb.pahole != nil {
		all = append(all, "PAHOLE="+kb.pahole.path)
	}
	m := makeRun{
		args: append(all, args...),
		dir:  o.dir, env: buildEnv(kernelPins...), step: kb.step, total: kb.total, p: kb.p,
		log: kb.log, hold: kb.tree.Lock(), needBytes: kb.needBytes,
	}
	return m.run(ctx)
}

// note adds a line to the log.
func (kb *kbuild) note(format string, args ...any) error {
	f, err := os.OpenFile(kb.log, os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "# "+format+"\n", args...)
	return errors.Join(err, f.Close())
}

// configure makes .config and checks that it has the requested symbols.
func (kb *kbuild) configure(ctx context.Context, o *objdir, want []config.Symbol) (err error) {
	if kb.pahole == nil && needsPahole(want) {
		if kb.pahole, err = findPahole(ctx, kb.step, kb.tree.Cache(), kb.p); err != nil {
			return err
		}
	}
	all := filepath.Join(o.dir, "fragments.config")
	if err := os.WriteFile(all, config.Format(want), 0o644); err != nil {
		return cache.Explain(fmt.Errorf("%s: %w", kb.step, err), o.dir, kb.needBytes)
	}
	if _, err := kb.make(ctx, o, "KCONFIG_ALLCONFIG="+all, "allnoconfig"); err != nil {
		return err
	}
	return kb.check(o, want)
}

// check compares .config with what is wanted.
func (kb *kbuild) check(o *objdir, want []config.Symbol) error {
	final, err := os.ReadFile(filepath.Join(o.dir, ".config"))
	if err != nil {
		return fmt.Errorf("%s: %w", kb.step, err)
	}
	if kb.differences, err = config.Check(want, string(final)); err != nil {
		return fmt.Errorf("%s: %w", kb.step, err)
	}
	return nil
}

func isBreakdown(err error) bool {
	var berr *BreakdownError
	var serr *cache.SpaceError
	return errors.As(err, &berr) || errors.As(err, &serr)
}

// expected returns how many objects a full build in o still has to compile. It
// returns 0, unknown, if o already has a vmlinux.
func (o *objdir) expected() int64 {
	if _, err := os.Stat(filepath.Join(o.dir, "vmlinux")); err == nil {
		return 0
	}
	total := int64(kernelObjects)
	if data, err := os.ReadFile(filepath.Join(o.dir, objectsName)); err == nil {
		if n, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64); err == nil && n > 0 {
			total = n
		}
	}
	return max(total-o.objects(), 1)
}

// objects counts the objects that are there.
func (o *objdir) objects() (n int64) {
	_ = filepath.WalkDir(o.dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".o") && d.Type().IsRegular() {
			n++
		}
		return nil
	})
	return n
}

// remember notes how many objects there are after a whole build.
func (o *objdir) remember(made int64) error {
	if made < kernelObjects/2 {
		return nil // an incremental build says nothing about a whole one
	}
	return os.WriteFile(filepath.Join(o.dir, objectsName), []byte(strconv.FormatInt(made, 10)+"\n"), 0o644)
}
