// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/runs"
	"xpsgen/vmtest/tree"
)

// recording says how a run is recorded.
type recording struct {
	kind runs.Kind
	// root is the workbench's directory.
	root    string
	subject runs.Subject
	// src is what was built. May be nil.
	src *prepare.Source
	// selection says which part runs; empty means all of it.
	selection string
	seed      int64
	// dir keeps the run instead of out/runs, if the user named one.
	dir string
	// link, below out/, points to the run's directory as soon as it begins.
	link string
	// fileLink, below out/, points to file in the run's directory, once that
	// is there.
	fileLink, file string
}

// recordSource describes the record of a run on what src describes.
func recordSource(kind runs.Kind, src *prepare.Source) (recording, error) {
	subject, err := runs.SubjectOf(src)
	return recording{kind: kind, root: src.Root, subject: subject, src: src}, err
}

// record calls body with a run that has begun, and writes down how it ended.
// It returns body's error. A run that cannot be recorded does not begin.
func (env *recorder) record(ctx context.Context, rec recording, body func(*runs.Run) error) error {
	r := runs.Record{
		Kind: rec.kind, Subject: rec.subject, Selection: rec.selection, Seed: rec.seed, Command: env.args,
	}
	var err error
	if r.Inputs, err = runs.Present(ctx, rec.root, rec.kind, rec.subject, ""); err != nil {
		return err
	}
	r.Commit, r.Dirty = runs.Workbench(ctx, rec.root)
	var run *runs.Run
	if rec.dir != "" {
		run, err = runs.BeginIn(ctx, rec.dir, r, env.ui.Progress())
	} else {
		store := &runs.Store{Dir: runs.Dir(rec.root)}
		run, err = store.Begin(ctx, r)
	}
	if err != nil {
		return err
	}
	if rec.link != "" && rec.dir == "" {
		if err := run.Point(filepath.Join(rec.root, "out", rec.link), ""); err != nil {
			return errors.Join(err, run.End(runs.Broken))
		}
	}
	err = body(run)
	if end := env.end(ctx, rec, run, err); end != nil {
		// A verdict that is not recorded is no verdict.
		if errors.As(err, new(*statusError)) {
			return end
		}
		return errors.Join(err, end)
	}
	return err
}

// end completes the record of a run whose body returned failure.
func (env *recorder) end(ctx context.Context, rec recording, run *runs.Run, failure error) error {
	state := runState(exitCode(ctx, failure))
	r := &run.Record
	switch {
	case state == runs.Interrupted:
		r.Reasons = append(r.Reasons, "interrupted: "+context.Cause(ctx).Error())
	case failure != nil && !errors.As(failure, new(*statusError)):
		r.Reasons = append(r.Reasons, strings.Split(failure.Error(), "\n")...)
	}
	report, err := r.Report()
	if err != nil {
		return errors.Join(err, run.End(runs.Broken))
	}
	if c := report.Counts(); len(report.Tests) > 0 {
		r.Counts.Pass, r.Counts.Fail, r.Counts.Skip = c.Pass, c.Fail, c.Skip
		r.Counts.Planned = max(r.Counts.Planned, c.Pass+c.Fail+c.Skip)
	}
	if state == runs.Passed || state == runs.Failed {
		if err := env.checkInputs(ctx, rec, r); err != nil {
			return errors.Join(err, run.End(runs.Broken))
		}
	}
	if err := run.End(state); err != nil {
		return err
	}
	// The summary of a suite says so itself.
	if r.Partial() && rec.kind != runs.Suite && rec.kind != runs.Bases && state.Judged() {
		env.ui.Printf("      PARTIAL: %s", r.Selection)
	}
	if rec.fileLink == "" || rec.dir != "" {
		return nil
	}
	if _, err := os.Stat(filepath.Join(r.Dir, rec.file)); err != nil {
		return nil // the run ended before it wrote one
	}
	return run.Point(filepath.Join(rec.root, "out", rec.fileLink), rec.file)
}

// checkInputs notes what was edited while the run lasted.
func (env *recorder) checkInputs(ctx context.Context, rec recording, r *runs.Record) error {
	ip, err := rec.ipBase(ctx, r.Inputs.IPBase())
	if err != nil {
		return err
	}
	now, err := runs.Present(ctx, rec.root, rec.kind, rec.subject, ip)
	if errors.Is(err, runs.ErrGone) {
		r.Changed = append(r.Changed, err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	if ip != r.Inputs.IPBase() {
		// What was hashed before is not what ran.
		r.Inputs = now
		return nil
	}
	for _, line := range now.Compare(r.Inputs) {
		r.Changed = append(r.Changed, line+" while it ran")
		env.ui.Important("      stale: " + line + " while it ran")
	}
	return nil
}

// ipBase is the base of the guest's ip that ran: the one that was hashed,
// unless its source could not be obtained and another one stood in.
func (rec *recording) ipBase(ctx context.Context, hashed string) (string, error) {
	if hashed == "" || rec.src == nil {
		return hashed, nil
	}
	src := *rec.src
	src.Progress = nil
	opened, err := src.OpenIP(ctx)
	switch {
	case errors.Is(err, tree.ErrObtain) || err == nil && opened == nil:
		return hashed, nil
	case err != nil:
		return "", err
	}
	return opened.Base, nil
}

// runState is the state of a run that ended with an exit code.
func runState(code int) runs.State {
	switch code {
	case exitPassed:
		return runs.Passed
	case exitFailed:
		return runs.Failed
	case exitInterrupted, exitTerminated:
		return runs.Interrupted
	}
	return runs.Broken
}

// partOf words a selection: "--run control/a24 (1 of 128 tests)".
func partOf(flag, value string, n, all int, unit string) string {
	return fmt.Sprintf("%s %s (%d of %d %s)", flag, value, n, all, unit)
}

// recordKTAP is record for a kind whose results are KTAP. They go to user and
// into the run's directory.
func (env *recorder) recordKTAP(ctx context.Context, rec recording, user io.Writer, body func(*runs.Run, io.Writer) error) error {
	return env.record(ctx, rec, func(r *runs.Run) error {
		f, err := os.Create(filepath.Join(r.Dir(), runs.KTAPFile))
		if err != nil {
			return fmt.Errorf("keep the results: %w", err)
		}
		err = body(r, io.MultiWriter(f, user))
		if closing := f.Close(); closing != nil {
			return errors.Join(fmt.Errorf("keep the results: %w", closing), err)
		}
		return err
	})
}

// reported drops an error that says no more than that the run failed.
func reported(err error) error {
	if _, failed := err.(*statusError); failed {
		return nil
	}
	return err
}
