// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/cell"
	"xpsgen/vmtest/collect"
	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/report"
	"xpsgen/vmtest/runs"
)

// collectOptions are the options of collect.
type collectOptions struct {
	plan, out              string
	json, nipa, failed     bool
	imports                bool
	executor, branch, link string
}

func collectCommand(env matrixCommands) *command.Command {
	var o collectOptions
	return &command.Command{
		Name:  "collect",
		Short: "merge the archives of cells into one report and verdict",
		Long: "Reads the archives (*.tar.gz) in the directories and below. Compares them with the plan. The verdict is passed only if the last " +
			"attempt of every cell passed. A cell without an archive is missing: it was not run, or its machine died. A cell with two archives " +
			"of one attempt is doubled. A cell differs if its commit, patches or items are not those of the plan. A missing, doubled or differing cell fails " +
			"the plan.\n\n" +
			"Prints a line per cell. Writes report.html, matrix.json, nipa.json and the content of the archives to --out.",
		Args: []command.Arg{{Name: "DIR", Repeat: true, Help: "directory of archives"}},
		Flags: []command.Flag{
			{Name: "plan", Arg: "FILE", To: command.String(&o.plan), Help: "plan of the cells; required"},
			{Name: "out", Letter: "o", Arg: "DIR", To: command.String(&o.out), Help: "directory for the results; default out/matrix of the workbench"},
			{Name: "json", To: command.Bool(&o.json), Help: "print matrix.json instead of the table"},
			{Name: "nipa", To: command.Bool(&o.nipa), Help: "print nipa.json, the results in the form of netdev's CI, instead of the table"},
			{Name: "failed", To: command.Bool(&o.failed), Help: "print a plan of the cells that did not pass instead of the table, to run them again"},
			{Name: "import", To: command.Bool(&o.imports), Help: "keep the records of the runs in out/runs, for xpsgen report and the estimates of xpsgen matrix"},
			{Name: "executor", Arg: "NAME", To: command.String(&o.executor), Help: "name of the executor in nipa.json; default xpsgen"},
			{Name: "branch", Arg: "BRANCH", To: command.String(&o.branch), Help: "branch of NIPA in nipa.json; default the commit of the plan"},
			{Name: "link", Arg: "URL", To: command.String(&o.link), Help: "address of the logs in nipa.json; default none"},
		},
		Examples: []command.Example{
			{Line: "collect --plan plan.json out/cells"},
			{Line: "collect --plan plan.json --failed out/cells >again.json", Note: "the cells to run again"},
			{Line: "collect --plan plan.json --nipa out/cells"},
		},
		Exits: []command.Exit{
			{Code: 0, Meaning: "every cell of the plan passed"},
			{Code: 1, Meaning: "a cell failed, was interrupted, is missing, is doubled or differs"},
			{Code: 69, Meaning: "no cell failed, but in some the workbench could not do its work"},
		},
		Valid: func([]string) error { return o.valid() },
		Run:   func(ctx context.Context, dirs []string) error { return env.collect(ctx, &o, dirs) },
	}
}

func (o *collectOptions) valid() error {
	modes := 0
	for _, on := range []bool{o.json, o.nipa, o.failed} {
		if on {
			modes++
		}
	}
	switch {
	case o.plan == "":
		return command.Usagef("--plan is required: without it, missing cells are not noticed")
	case modes > 1:
		return command.Usagef("--json, --nipa and --failed are mutually exclusive")
	}
	return nil
}

func (env matrixCommands) collect(ctx context.Context, o *collectOptions, dirs []string) error {
	p, err := cell.ReadPlan(o.plan)
	if err != nil {
		return planError(err)
	}
	root, _, err := env.locate()
	if err != nil {
		return err
	}
	if o.out == "" {
		o.out = filepath.Join(root, "out", "matrix")
	}
	archives, err := collect.Find(dirs)
	if errors.Is(err, os.ErrNotExist) {
		return command.Usagef("%v", err)
	}
	if err != nil {
		return err
	}
	var m *collect.Merged
	err = cache.Publish(filepath.Join(o.out, "cells"), func(dir string) error {
		if m, err = collect.Merge(p, archives, dir); err != nil {
			return err
		}
		return env.writeMerged(ctx, o, root, m)
	})
	if err != nil {
		return err
	}
	if err := env.printMerged(o, m); err != nil {
		return err
	}
	return env.mergedVerdict(m)
}

// writeMerged writes the files of --out.
func (env matrixCommands) writeMerged(ctx context.Context, o *collectOptions, root string, m *collect.Merged) error {
	for name, write := range map[string]func(io.Writer) error{
		"matrix.json": m.WriteJSON,
		"nipa.json":   func(w io.Writer) error { return o.writeNIPA(w, m) },
		"report.html": func(w io.Writer) error {
			d, err := report.Collect(ctx, root, m.Records(), time.Now())
			if err != nil {
				return err
			}
			return report.Write(w, d)
		},
	} {
		if err := writeWith(filepath.Join(o.out, name), func(f *os.File) error { return write(f) }); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	if o.imports {
		return runs.Import(env.store(root), m.Records())
	}
	return nil
}

func (o *collectOptions) writeNIPA(w io.Writer, m *collect.Merged) error {
	opt := ktap.NIPA{Executor: o.executor, Branch: o.branch, Group: "matrix " + m.Plan.For, Link: o.link}
	if opt.Executor == "" {
		opt.Executor = "xpsgen"
	}
	if opt.Branch == "" {
		opt.Branch = m.Plan.Commit
	}
	return m.WriteNIPA(w, opt)
}

func (env matrixCommands) printMerged(o *collectOptions, m *collect.Merged) error {
	switch {
	case o.json:
		return m.WriteJSON(env.stdout)
	case o.nipa:
		return o.writeNIPA(env.stdout, m)
	case o.failed:
		return m.Again().Write(env.stdout)
	}
	w := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CELL\tSTATE\tPASSED\tTIME\tPLANNED")
	for _, r := range m.Rows {
		passed, elapsed := "-", "-"
		if c := r.Counts(); c.Planned > 0 {
			passed = fmt.Sprintf("%d/%d", c.Pass, c.Planned)
		}
		if last := r.Last(); last != nil {
			elapsed = duration(last.Elapsed().Seconds())
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.Name, r.State, passed, elapsed, duration(r.CostSeconds))
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print the cells: %w", err)
	}
	return nil
}

// mergedVerdict prints the verdict and its reasons.
func (env matrixCommands) mergedVerdict(m *collect.Merged) error {
	env.ui.Verdict(m.Passed(), m.Summary())
	for _, r := range m.Rows {
		for _, reason := range r.Reasons {
			env.ui.Printf("      %s %s: %s", r.Name, r.State, reason)
		}
	}
	for _, p := range m.Problems {
		env.ui.Printf("      %s", p)
	}
	switch {
	case m.Passed():
		return nil
	case m.Broken():
		return &statusError{code: exitBreakdown}
	}
	return &statusError{code: exitFailed}
}
