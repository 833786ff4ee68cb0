// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"xpsgen/vmtest/litmus"
	"xpsgen/vmtest/runs"
)

// litmus runs the litmus tests on one base and records the run.
func (env suiteCommands) litmus(ctx context.Context, opt litmus.Options, results io.Writer) error {
	rec, err := recordSource(runs.Litmus, &opt.Source)
	if err != nil {
		return err
	}
	rec.selection = strings.Join(opt.Names, " ")
	rec.link = filepath.Join("litmus", opt.Source.Name())
	return env.recordKTAP(ctx, rec, results, func(r *runs.Run, results io.Writer) error {
		opt.KTAP, opt.Out = results, r.Dir()
		result, err := litmus.Run(ctx, opt)
		if errors.Is(err, litmus.ErrModel) {
			env.ui.Error(err.Error())
			r.Record.Reasons = append(r.Record.Reasons, err.Error())
			return &statusError{code: exitFailed}
		}
		if err != nil {
			return err
		}
		return env.judgeLitmus(opt.Source.Base, result, r)
	})
}

// judgeLitmus prints the result and turns it into the exit status.
func (env suiteCommands) judgeLitmus(base string, result *litmus.Result, r *runs.Run) error {
	for _, c := range result.Checks {
		for _, line := range c.Why {
			env.ui.Printf("      %s: %s", c.Name, line)
		}
	}
	failed := result.Failed()
	env.ui.Verdict(failed == 0, fmt.Sprintf("%s: %d litmus tests, %d twins without their ordering, %d executions; %d checks, %d failed",
		base, result.Tests, result.Twins, result.Executions(), len(result.Checks), failed))
	if failed == 0 {
		return nil
	}
	r.Record.Reasons = append(r.Record.Reasons, fmt.Sprintf("%d checks of litmus tests failed", failed))
	return &statusError{code: exitFailed}
}
