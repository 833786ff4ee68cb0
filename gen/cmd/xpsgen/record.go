// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
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
	// src is the source that was built. It may be nil.
	src *prepare.Source
	// selection describes a partial run; empty means a complete one.
	selection string
	seed      int64
	// dir keeps the run instead of out/runs, if the user named one.
	dir string
	// link, below out/, points to the run's directory as soon as the run
	// begins.
	link string
	// fileLink, below out/, points to file in the run's directory once it exists.
	fileLink, file string
}

// recordSource describes the record of a run on src.
func recordSource(kind runs.Kind, src *prepare.Source) (recording, error) {
	subject, err := runs.SubjectOf(src)
	return recording{kind: kind, root: src.Root, subject: subject, src: src}, err
}

// record begins a run, calls body with it, and records how it ended. It returns body's
// error. It does not call body if the run cannot be recorded.
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
		run, err = env.store(rec.root).Begin(ctx, r)
		if errors.As(err, new(*fs.PathError)) {
			err = fmt.Errorf("%w (set XPSGEN_RUNS to another directory)", err)
		}
	}
	if err != nil {
		return err
	}
	if rec.link != "" && env.own(rec) {
		if err := run.Point(filepath.Join(rec.root, "out", rec.link), ""); err != nil {
			return errors.Join(err, run.End(runs.Broken))
		}
	}
	err = body(run)
	if end := env.end(ctx, rec, run, err); end != nil {
		// A verdict without a record does not count.
		if errors.As(err, new(*statusError)) {
			return end
		}
		return errors.Join(err, end)
	}
	return err
}

// own reports whether the run is kept in out/runs of the workbench. Only then do links
// below out point to it.
func (env *recorder) own(rec recording) bool { return rec.dir == "" && env.runs == "" }

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
	// The summary of a suite has this line already.
	if r.Partial() && rec.kind != runs.Suite && rec.kind != runs.Bases && state.Judged() {
		env.ui.Printf("      PARTIAL: %s", r.Selection)
	}
	if rec.fileLink == "" || !env.own(rec) {
		return nil
	}
	if _, err := os.Stat(filepath.Join(r.Dir, rec.file)); err != nil {
		return nil // the run ended before it wrote one
	}
	return run.Point(filepath.Join(rec.root, "out", rec.fileLink), rec.file)
}

// checkInputs records inputs that changed during the run.
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
		// The guest used another base of ip than the one that was hashed.
		r.Inputs = now
		return nil
	}
	for _, line := range now.Compare(r.Inputs) {
		r.Changed = append(r.Changed, line+" while it ran")
		env.ui.Important("      stale: " + line + " while it ran")
	}
	return nil
}

// ipBase returns the base of the guest's ip: the one that was hashed, or a replacement
// if its source could not be obtained.
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

// runState converts an exit code to the state of the run.
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

// partOf describes a selection: "--run control/a24 (1 of 128 tests)".
func partOf(flag, value string, n, all int, unit string) string {
	return fmt.Sprintf("%s %s (%d of %d %s)", flag, value, n, all, unit)
}

// recordKTAP is record for a run with KTAP results. They are written to user and to the
// run's directory.
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

// reported drops an error that only says that the run failed.
func reported(err error) error {
	if _, failed := err.(*statusError); failed {
		return nil
	}
	return err
}
