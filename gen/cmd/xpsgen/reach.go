// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/plan"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/reach"
	"xpsgen/vmtest/run"
	"xpsgen/vmtest/runs"
)

// unreachedList is the path of the list of lines that need not run, below the
// workbench's directory.
var unreachedList = filepath.Join("vmtest", "reach", "unreached.toml")

// reachFile, in a run's directory, lists the lines of the series.
const reachFile = "reach.json"

// runReach runs the suite on kernels that count the lines that run.
func (env suiteCommands) runReach(ctx context.Context, opt run.SuiteOptions, bases []string, several bool) error {
	list, err := reach.ReadList(filepath.Join(opt.Source.Root, unreachedList))
	if err != nil {
		return err
	}
	return env.eachBaseKTAP(ctx, bases, several, func(base string, results io.Writer) error {
		one := opt
		one.Source.Base, one.KTAP = base, results
		if several && opt.Out != "" {
			one.Out = filepath.Join(opt.Out, base)
		}
		return env.reachBase(ctx, one, list.For(base))
	})
}

// reachBase runs the suite on one base. A line that neither runs nor is listed fails the
// run.
func (env suiteCommands) reachBase(ctx context.Context, opt run.SuiteOptions, list *reach.List) error {
	// reach.New adds patches and a configuration that make gcc count. They are
	// not part of the subject.
	subject := opt.Source
	rec, err := recordSource(runs.Reach, &subject)
	if err != nil {
		return err
	}
	planned, err := plan.Names(opt.Run)
	if err != nil {
		return err
	}
	if opt.Run != "" {
		rec.selection = partOf("--run", opt.Run, len(planned), len(plan.All()), "tests")
	}
	if opt.Seed == 0 {
		opt.Seed = run.DrawSeed()
	}
	rec.seed, rec.dir, rec.link = opt.Seed, opt.Out, filepath.Join("reach", subject.Name())
	return env.record(ctx, rec, func(r *runs.Run) error {
		m, err := reach.New(ctx, &opt.Source)
		if errors.Is(err, reach.ErrSource) {
			return command.Usagef("%v", err)
		}
		if err != nil {
			return err
		}
		opt.Out = r.Dir()
		r.Record.Counts.Planned = len(planned)
		err = env.countLines(ctx, opt, m, list, r)
		return errors.Join(err, m.Close())
	})
}

// countLines runs the suite and reports which lines of the series ran.
func (env suiteCommands) countLines(ctx context.Context, opt run.SuiteOptions, m *reach.Map, list *reach.List, r *runs.Run) error {
	var lines *reach.Result
	opt.Counts = func(ctx context.Context, a *prepare.Artifacts, archives []string) (reasons []string, err error) {
		partial := opt.Run != "" || !opt.Source.Select.IsZero() || !opt.Source.IPSelect.IsZero()
		if lines, err = m.Read(ctx, a, archives, reach.Options{List: list, Machine: opt.Machine, Partial: partial}); err != nil {
			return nil, err
		}
		return lines.Reasons(), nil
	}
	o, err := run.Suite(ctx, opt)
	if o == nil {
		return err
	}
	r.Record.Reasons, r.Record.Versions = o.Reasons, versions(&o.Inputs)
	env.summary(o, r.Dir())
	if err != nil {
		return err
	}
	if lines != nil {
		if err := writeReach(r.Dir(), lines); err != nil {
			return err
		}
		env.ui.Printf("      %s", lines.Summary())
		for _, f := range lines.Files() {
			env.ui.Printf("      %-28s %4d lines, %4d run, %3d listed, %3d neither", f.File, f.Lines, f.Run, f.Listed, f.Neither)
		}
	}
	if !o.Passed() {
		return &statusError{code: exitFailed}
	}
	return nil
}

func writeReach(dir string, lines *reach.Result) error {
	data, err := json.MarshalIndent(lines, "", "\t")
	if err != nil {
		return fmt.Errorf("render %s: %w", reachFile, err)
	}
	if err := cache.WriteFile(filepath.Join(dir, reachFile), append(data, '\n'), 0o644); err != nil {
		return err
	}
	return runs.WriteNotes(dir, lines.Notes)
}
