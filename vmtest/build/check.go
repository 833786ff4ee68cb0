// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"context"
	"path/filepath"
	"strings"

	"xpsgen/vmtest/config"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/tree"
)

// checkBytes is the approximate disk space of a part of a kernel.
const checkBytes = 200 << 20

// checkTargets are built by a check without targets: they contain what the hook
// touches.
var checkTargets = []string{"net/core/", "net/packet/", "net/sched/", "kernel/bpf/", "drivers/net/tun.o"}

// CheckOptions select what to compile. Source, Cache and Fragments are required.
type CheckOptions struct {
	Source *tree.Source
	// Fragments make the configuration. The name of the first one is the name
	// of the check.
	Fragments []config.Fragment
	// Targets are targets of make; nil means checkTargets.
	Targets []string
	// Cache is the cache directory.
	Cache    string
	Jobs     int
	Progress progress.Func
}

// Check compiles a part of the patched kernel in one configuration. The cache
// stores no objects, but remembers that the check passed. Errors are as for
// [Kernel].
func Check(ctx context.Context, opt CheckOptions) error {
	name := strings.TrimSuffix(filepath.Base(opt.Fragments[0].Name), ".config")
	step := "check " + name + " " + opt.Source.Version
	merged, err := config.Merge(opt.Fragments)
	if err != nil {
		return err
	}
	want := merged.Symbols
	targets := opt.Targets
	if targets == nil {
		targets = checkTargets
	}
	compiler, err := toolVersion(ctx, step, "gcc")
	if err != nil {
		return err
	}
	id, err := opt.Source.TreeID(ctx)
	if err != nil {
		return err
	}
	hash := hashOf("check", kernelRecipe, id, string(config.Format(want)), strings.Join(targets, " "), compiler)
	dir := filepath.Join(opt.Cache, "check", hash)
	record := struct {
		Check, Tree, Compiler string
		Targets               []string
	}{name, id, compiler, targets}
	if readRecord(dir, &record) {
		opt.Progress.Emit(progress.Event{Step: step, State: progress.Cached, Text: hash})
		return nil
	}
	t, err := opt.Source.Checkout(ctx)
	if err != nil {
		return err
	}
	defer t.Close()
	kb := &kbuild{step: step, tree: t, p: opt.Progress, needBytes: checkBytes}
	return kb.in(ctx, "obj-"+name, strings.Join(targets, " "), func(o *objdir) error {
		kb.total = 0 // a part of a kernel
		if err := kb.configure(ctx, o, want); err != nil {
			return err
		}
		if _, err := kb.make(ctx, o, append([]string{jobs(opt.Jobs)}, targets...)...); err != nil {
			return err
		}
		return publish(dir, record, 0, func(string) error { return nil })
	})
}
