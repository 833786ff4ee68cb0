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
	"xpsgen/vmtest/run"
)

// runBases runs the suite on each of bases and says in the end what came of
// each. The exit code is that of the worst.
func (env *environment) runBases(ctx context.Context, opt run.SuiteOptions, bases []string) error {
	out := opt.Out
	if out == "" {
		out = filepath.Join(opt.Source.Root, "out")
	}
	worst := exitPassed
	result, err := run.Bases(ctx, run.BasesOptions{
		Suite: opt,
		Bases: bases,
		Out:   out,
		KTAP:  opt.KTAP,
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
	for _, d := range result.Differences {
		env.ui.Printf("      %s", d)
		worst = max(worst, exitFailed)
	}
	if worst != exitPassed {
		return &statusError{code: worst}
	}
	return nil
}

// basesSummary is the whole run in one line.
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
	text := fmt.Sprintf("%d bases: %s", len(r.Bases), strings.Join(parts, ", "))
	if len(r.Differences) > 0 {
		text += ", not the same tests"
	}
	return text
}

// eachBase runs do for each base. With several bases it nests the results of
// each into one report, and one that fails or breaks does not keep the others
// from being tried; the error is that of the worst. do returns a [statusError]
// for a base that failed and has been reported.
func (env *environment) eachBase(ctx context.Context, bases []string, several bool, do func(base string, results io.Writer) error) error {
	if !several {
		return do(bases[0], env.results())
	}
	w := ktap.NewWriter(env.results())
	w.Plan(len(bases))
	worst := exitPassed
	for _, base := range bases {
		nested := w.Nest(base)
		err := do(base, nested)
		if ctx.Err() != nil {
			return err
		}
		status := ktap.Pass
		if err != nil {
			status = ktap.Fail
			if !errors.As(err, new(*statusError)) {
				env.ui.Error(fmt.Sprintf("base %s: %v", base, err))
			}
			worst = max(worst, exitCode(ctx, err))
		}
		_ = nested.Close() // the error sticks to w
		w.Result(base, status, "")
	}
	if err := w.Err(); err != nil {
		return err
	}
	if worst != exitPassed {
		return &statusError{code: worst}
	}
	return nil
}
