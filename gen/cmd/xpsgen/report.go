// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/report"
	"xpsgen/vmtest/runs"
	"xpsgen/vmtest/verdict"
)

func reportCommand(env runsCommands) *command.Command {
	var output string
	return &command.Command{
		Name:  "report",
		Short: "write the results of the runs to one HTML page",
		Long: "The page shows a matrix of bases, configurations and kinds of runs, the failures, the history of each test, the " +
			"counts of the benchmark, and the series. It is one file without external resources.\n\n" +
			"A cell of the matrix passes if a complete run with the current patches, suite and configuration passed, and no later " +
			"run with them failed. A run with other inputs is stale. A run of some tests is partial. Neither counts as passed.",
		Args: []command.Arg{{Name: "RUN", Optional: true, Repeat: true, Values: env.runNames,
			Help: "run to show: an ID, a unique part of an ID, or a directory; default all in out/runs"}},
		Flags: []command.Flag{{Name: "output", Letter: "o", Arg: "FILE", To: command.String(&output),
			Help: "file to write, - for stdout; default out/report.html of the workbench"}},
		Examples: []command.Example{
			{Line: "report"},
			{Line: "report -o /tmp/xps.html out/net-next", Note: "one run, to another file"},
		},
		Exits: []command.Exit{
			{Code: 0, Meaning: "every cell of the matrix passed"},
			{Code: 1, Meaning: "a cell failed, is stale, is partial, or has no verdict"},
			{Code: 69, Meaning: "there is no run, or a run cannot be read"},
		},
		Run: func(ctx context.Context, names []string) error { return env.writeReport(ctx, output, names) },
	}
}

func (env runsCommands) writeReport(ctx context.Context, file string, names []string) error {
	root, _, err := env.locate()
	if err != nil {
		return err
	}
	records, err := env.selectRuns(root, names)
	if err != nil {
		return err
	}
	d, err := report.Collect(ctx, root, records, time.Now())
	if err != nil {
		return err
	}
	var page strings.Builder
	if err := report.Write(&page, d); err != nil {
		return err
	}
	if file == "-" {
		if _, err := env.stdout.Write([]byte(page.String())); err != nil {
			return fmt.Errorf("print the report: %w", err)
		}
		return env.pictureVerdict(d.Picture)
	}
	if file == "" {
		file = filepath.Join(root, "out", "report.html")
	}
	if err := cache.WriteFile(file, []byte(page.String()), 0o644); err != nil {
		return fmt.Errorf("write the report: %w (-o FILE writes it elsewhere)", err)
	}
	env.ui.Printf("      report in %s", relative(file))
	return env.pictureVerdict(d.Picture)
}

// pictureVerdict prints the verdict of a picture and its reasons.
func (env runsCommands) pictureVerdict(p *runs.Picture) error {
	passed := p.Verdict() == runs.VerdictPassed
	env.ui.Verdict(passed, fmt.Sprintf("%s: %s", p.Verdict(), p.Summary()))
	for _, cell := range p.Cells {
		if why := cell.Why(); why != "" {
			env.ui.Printf("      %s %s: %s: %s", cell.Subject.Name(), cell.Kind, why, cell.Rerun())
		}
	}
	if !passed {
		return &statusError{code: exitFailed}
	}
	return nil
}

// selectRuns returns the runs called names, or all, the newest first. It returns an
// error if there is none.
func (env runsCommands) selectRuns(root string, names []string) ([]*runs.Record, error) {
	store := env.store(root)
	all, err := store.List()
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		if len(all) == 0 {
			return nil, fmt.Errorf("%w in %s (make vmtest makes one)", verdict.ErrNoResults, store.Dir)
		}
		return all, nil
	}
	var named []*runs.Record
	for _, name := range names {
		r, err := findRun(store, name)
		if errors.Is(err, runs.ErrUnknown) {
			return nil, command.Usagef("%v", err)
		}
		if err != nil {
			return nil, err
		}
		named = append(named, r)
	}
	runs.Sort(named)
	return named, nil
}

// findRun is [runs.Store.Find]. It also accepts a directory of results without a
// record, as a run with unknown inputs.
func findRun(store *runs.Store, name string) (*runs.Record, error) {
	r, err := store.Find(name)
	if !errors.Is(err, runs.ErrUnknown) {
		return r, err
	}
	old, readErr := verdict.Read(name)
	if errors.Is(readErr, verdict.ErrNoResults) || errors.Is(readErr, fs.ErrNotExist) {
		return nil, err
	}
	if readErr != nil {
		return nil, readErr
	}
	dir, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	r = &runs.Record{
		ID: filepath.Base(dir), Kind: runs.Suite, Dir: dir, Started: old.Started, State: runs.Failed, Reasons: old.Reasons,
		Subject: runs.Subject{Base: old.Inputs.Base, Unpatched: old.Inputs.Unpatched},
		Seed:    old.Seed,
		Counts:  runs.Counts{Pass: old.Counts.Pass, Fail: old.Counts.Fail, Skip: old.Counts.Skip, Planned: old.Planned},
	}
	if old.Passed {
		r.State = runs.Passed
	}
	if old.Run != "" {
		r.Selection = partOf("--run", old.Run, old.Planned, old.Suite, "tests")
	}
	return r, nil
}
