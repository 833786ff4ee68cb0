// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/plan"
	"xpsgen/vmtest/run"
	"xpsgen/vmtest/runs"
	"xpsgen/vmtest/verdict"
)

// runBases runs the suite on each of bases and prints a summary. If a base did
// not pass, it returns a [statusError] with the worst exit code.
func (env suiteCommands) runBases(ctx context.Context, opt run.SuiteOptions, bases []string) error {
	planned, err := plan.Names(opt.Run)
	if err != nil {
		return err
	}
	if opt.Seed == 0 {
		opt.Seed = run.DrawSeed()
	}
	rec, err := recordSource(runs.Bases, &opt.Source)
	if err != nil {
		return err
	}
	rec.seed, rec.dir, rec.fileLink, rec.file = opt.Seed, opt.Out, run.SummaryFile, run.SummaryFile
	if opt.Run != "" {
		rec.selection = partOf("--run", opt.Run, len(planned), len(plan.All()), "tests")
	}
	return env.record(ctx, rec, func(r *runs.Run) error {
		return env.recordBases(ctx, opt, bases, r)
	})
}

// recordBases runs the suite on each of bases, writes a record of each run, and
// summarizes them in r.
func (env suiteCommands) recordBases(ctx context.Context, opt run.SuiteOptions, bases []string, r *runs.Run) error {
	out, named := opt.Out, opt.Out != ""
	if !named {
		out = filepath.Join(opt.Source.Root, "out")
	}
	worst := exitPassed
	result, err := run.Bases(ctx, run.BasesOptions{
		Suite:   opt,
		Bases:   bases,
		Out:     out,
		Summary: r.Dir(),
		KTAP:    opt.KTAP,
		Run: func(ctx context.Context, one run.SuiteOptions) (*verdict.Outcome, error) {
			if !named {
				one.Out = ""
			}
			o, _, err := env.recordSuite(ctx, one)
			return o, err
		},
		Done: func(r *run.BaseResult) {
			if r.Outcome != nil {
				env.summary(r.Outcome, r.Out)
				if !r.Outcome.Passed() {
					worst = max(worst, exitFailed)
				}
			}
			if r.Err != nil {
				env.ui.Error(fmt.Sprintf("base %s: %v", r.Base, r.Err))
				worst = max(worst, exitCode(ctx, r.Err))
			}
		},
	})
	if err != nil {
		return err
	}
	env.ui.Verdict(result.Passed(), basesSummary(result))
	for _, b := range result.Bases {
		if !b.Passed() {
			r.Record.Reasons = append(r.Record.Reasons, b.Base+" did not pass")
		}
	}
	r.Record.Reasons = append(r.Record.Reasons, result.Differences...)
	for _, d := range result.Differences {
		env.ui.Printf("      %s", d)
		worst = max(worst, exitFailed)
	}
	if worst != exitPassed {
		return &statusError{code: worst}
	}
	return nil
}

// basesSummary summarises the run in one line.
func basesSummary(r *run.BasesResult) string {
	var parts []string
	for _, b := range r.Bases {
		switch {
		case b.Outcome == nil:
			parts = append(parts, b.Base+" not run")
		case b.Passed():
			c := b.Outcome.Report.Counts()
			parts = append(parts, fmt.Sprintf("%s %d passed", b.Base, c.Pass))
		default:
			c := b.Outcome.Report.Counts()
			parts = append(parts, fmt.Sprintf("%s failed (%d of %d passed)", b.Base, c.Pass, len(b.Outcome.Planned)))
		}
	}
	partial := ""
	for _, b := range r.Bases {
		if b.Outcome != nil && b.Outcome.Run != "" {
			partial = " (PARTIAL)"
		}
	}
	text := fmt.Sprintf("%d bases%s: %s", len(r.Bases), partial, strings.Join(parts, ", "))
	if len(r.Differences) > 0 {
		text += ", not the same tests"
	}
	return text
}

// eachBase runs do for each base. It continues after a base that fails or
// breaks, and returns the worst error. do returns a [statusError] for a base
// that failed and has been reported.
func (env *console) eachBase(ctx context.Context, bases []string, do func(base string) error) error {
	if len(bases) == 1 {
		return do(bases[0])
	}
	worst := exitPassed
	for _, base := range bases {
		err := do(base)
		if ctx.Err() != nil {
			return err
		}
		if err != nil && !errors.As(err, new(*statusError)) {
			env.ui.Error(fmt.Sprintf("base %s: %v", base, err))
		}
		worst = max(worst, exitCode(ctx, err))
	}
	if worst != exitPassed {
		return &statusError{code: worst}
	}
	return nil
}

// eachBaseKTAP is eachBase for a command that writes results. With several
// bases, it nests the results of each base into one report.
func (env *console) eachBaseKTAP(ctx context.Context, bases []string, several bool, do func(base string, results io.Writer) error) error {
	if !several {
		return do(bases[0], env.results())
	}
	w := ktap.NewWriter(env.results())
	w.Plan(len(bases))
	worst := env.eachBase(ctx, bases, func(base string) error {
		nested := w.Nest(base)
		err := do(base, nested)
		if ctx.Err() != nil {
			return err
		}
		status := ktap.Pass
		if err != nil {
			status = ktap.Fail
		}
		_ = nested.Close() // the error sticks to w
		w.Result(base, status, "")
		return err
	})
	if err := w.Err(); err != nil && ctx.Err() == nil {
		return err
	}
	return worst
}
