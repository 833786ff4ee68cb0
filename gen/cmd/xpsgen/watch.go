// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"xpsgen/vmtest/plan"
	"xpsgen/vmtest/tree/manifest"
	"xpsgen/vmtest/watch"
)

// watched are the directories of the workbench that a run depends on, in addition to those of its
// projects.
var watched = []string{"bpf", "uapi", "vmtest"}

// watchSuite runs the suite, and again after each change of its inputs, until it is
// interrupted. It returns the error of the last run.
func (env suiteCommands) watchSuite(ctx context.Context, o *suiteOptions) error {
	root, _, err := env.locate()
	if err != nil {
		return err
	}
	change, err := manifest.LoadChange(root)
	if err != nil {
		return err
	}
	var dirs []string
	for _, p := range change.Projects {
		dirs = append(dirs, p.Dir)
	}
	for _, dir := range watched {
		dirs = append(dirs, filepath.Join(root, dir))
	}
	for _, dir := range []string{o.kernel, o.iproute2} {
		if dir != "" {
			dirs = append(dirs, dir)
		}
	}
	// Start before the first run, to see changes during it.
	w, err := watch.New(dirs...)
	if err != nil {
		return err
	}
	defer w.Close()
	run := failedFirst(func(failed []string) ([]string, error) {
		part := *o
		if len(failed) > 0 {
			part.run = plan.Exactly(failed)
			env.ui.Printf("      the tests that failed run first: %s", plan.List(failed))
		}
		return env.runTests(ctx, &part)
	})
	return env.repeat(ctx, root, run, w.Wait)
}

// failedFirst returns a function that calls run with the tests that failed the
// last time. If none of them fails, it calls run again without names, which
// runs all.
func failedFirst(run func(failed []string) ([]string, error)) func() error {
	var failed []string
	return func() (err error) {
		if len(failed) > 0 {
			again, err := run(failed)
			if err != nil {
				if len(again) > 0 { // none ran if the tree does not build
					failed = again
				}
				return err
			}
		}
		failed, err = run(nil)
		return err
	}
}

// repeat calls run, and again each time that wait returns, until ctx ends. It returns
// the error of the last run. A usage error ends it at once, since a change of files
// cannot fix the command line.
func (env suiteCommands) repeat(ctx context.Context, root string, run func() error, wait func(context.Context) ([]string, error)) error {
	for {
		last := run()
		if isUsage(last) || ctx.Err() != nil {
			return last
		}
		if last != nil && !errors.As(last, new(*statusError)) {
			env.ui.Error(last.Error())
		}
		code := exitCode(ctx, last)
		env.ui.Printf("wait  for a change of the patches, the programs or the suite; Ctrl-C ends")
		changed, err := wait(ctx)
		switch {
		case ctx.Err() != nil && code == exitPassed:
			return nil
		case ctx.Err() != nil:
			return &statusError{code: code}
		case err != nil:
			return err
		}
		env.ui.Printf("      %s", describeChange(root, changed))
	}
}

// describeChange names the changed files, or their number if there are many.
func describeChange(root string, paths []string) string {
	name := paths[0]
	if rel, err := filepath.Rel(root, name); err == nil && filepath.IsLocal(rel) {
		name = rel
	}
	if len(paths) == 1 {
		return name + " has changed"
	}
	return fmt.Sprintf("%s and %d more have changed", name, len(paths)-1)
}
