// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/gen/series/check"
	"xpsgen/vmtest/bisect"
	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/prove"
	"xpsgen/vmtest/runs"
	"xpsgen/vmtest/tree/manifest"
)

// bisectChecks are the checks of gen/series/check that every patch must pass by itself.
var bisectChecks = []string{"apply", "build_gcc", "sparse"}

// bisectOptions are the options of bisect.
type bisectOptions struct {
	sources    sourceOptions
	machines   machineOptions
	noWarnings bool
	noProve    bool
	series     []string
	patch      int
}

func bisectCommand(env suiteCommands) *command.Command {
	var o bisectOptions
	return &command.Command{
		Name:  "bisect",
		Short: "test every patch of every series",
		Long: "Tests each patch on top of the earlier patches, including those of the series that its series depends on. The patch must build " +
			"without a new warning (gcc W=1, sparse C=1), keep the invariants of the model of xpsgen prove, boot, and pass the tests of the features " +
			"that exist at that point. " +
			"At the end, the checks of xpsgen builds run on the whole stack. " +
			"Writes KTAP to stdout with one test per patch, tables to stderr, and out/bisect/BASE/bisect.json.\n\n" +
			"Results of passed patches are cached: the next run tests only what changed.",
		Flags: slices.Concat([]command.Flag{o.sources.baseFlag(env.environment, true)}, o.sources.buildFlags(), o.machines.flags(), []command.Flag{
			o.seriesFlag(env),
			{Name: "patch", Arg: "N", To: command.Count(&o.patch), Help: "test only patch N of the series; needs exactly one --series"},
			{Name: "no-warnings", To: command.Bool(&o.noWarnings), Help: "do not check for new warnings, which takes many builds"},
			{Name: "no-prove", To: command.Bool(&o.noProve), Help: "do not check the functions of the series in a model"},
		}),
		Examples: []command.Example{
			{Line: "bisect"},
			{Line: "bisect --base all"},
			{Line: "bisect --series hook --series tun"},
			{Line: "bisect --no-warnings --no-prove", Note: "build, boot and test only"},
		},
		Exits: []command.Exit{{Code: 1, Meaning: "a patch failed"}},
		Needs: []string{"vmtest", "series-build", "prove"},
		Valid: func([]string) error {
			if o.patch > 0 && len(o.series) != 1 {
				return command.Usagef("--patch wants one --series")
			}
			return o.machines.suite()
		},
		Run: func(ctx context.Context, _ []string) error { return env.bisect(ctx, &o) },
	}
}

// selection describes a run that leaves something out.
func (o *bisectOptions) selection() string {
	var parts []string
	if len(o.series) > 0 {
		parts = append(parts, "--series "+strings.Join(o.series, ","))
	}
	if o.patch > 0 {
		parts = append(parts, fmt.Sprintf("--patch %d", o.patch))
	}
	if o.noWarnings {
		parts = append(parts, "--no-warnings")
	}
	if o.noProve {
		parts = append(parts, "--no-prove")
	}
	return strings.Join(parts, " ")
}

// provePoint checks one point of the kernel's series in the model.
func provePoint(ctx context.Context, src prepare.Source) (bisect.Check, error) {
	p, err := prove.RunPoint(ctx, prove.Options{Source: src, Jobs: src.Jobs})
	if err != nil {
		return bisect.Check{}, err
	}
	c := bisect.Check{Name: "prove", OK: len(p.Reasons) == 0, Summary: p.Summary, Cached: p.Cached}
	if !c.OK {
		c.Summary = strings.Join(p.Reasons, "; ")
	}
	return c, nil
}

// seriesFlag chooses the series to test.
func (o *bisectOptions) seriesFlag(env suiteCommands) command.Flag {
	return command.Flag{Name: "series", Arg: "KEY", To: command.Strings(&o.series),
		Help: "test only this series; alternatives are tested only if named", Values: env.seriesKeys}
}

func (env suiteCommands) bisect(ctx context.Context, o *bisectOptions) error {
	bases, all, err := o.sources.bases(env.environment)
	if err != nil {
		return err
	}
	src, err := o.sources.anySource(env.environment)
	if err != nil {
		return err
	}
	return env.eachBaseKTAP(ctx, bases, all, func(base string, results io.Writer) error {
		opt := bisect.Options{Source: src, Machine: o.machines.machine(), Series: o.series, Patch: o.patch, KTAP: results}
		opt.Source.Base = base
		rec, err := recordSource(runs.Bisect, &opt.Source)
		if err != nil {
			return err
		}
		rec.link = filepath.Join("bisect", opt.Source.Name())
		rec.selection = o.selection()
		if !o.noProve {
			opt.Prove = provePoint
		}
		return env.recordKTAP(ctx, rec, results, func(r *runs.Run, results io.Writer) error {
			opt.KTAP, opt.Out = results, r.Dir()
			if !o.noWarnings {
				if opt.Checks, err = env.patchChecks(ctx, &opt); err != nil {
					return err
				}
			}
			failed, err := env.bisectBase(ctx, opt)
			if err == nil && failed > 0 {
				r.Record.Reasons = append(r.Record.Reasons, fmt.Sprintf("patches that failed: %d", failed))
				err = &statusError{code: exitFailed}
			}
			return err
		})
	})
}

// bisectBase tests the series of one base and returns the number of failed patches.
func (env suiteCommands) bisectBase(ctx context.Context, opt bisect.Options) (failed int, err error) {
	steps, err := bisect.Run(ctx, opt)
	if err != nil {
		return 0, err
	}
	data, err := json.MarshalIndent(steps, "", "\t")
	if err != nil {
		return 0, fmt.Errorf("render bisect.json: %w", err)
	}
	if err := cache.WriteFile(filepath.Join(opt.Out, "bisect.json"), append(data, '\n'), 0o644); err != nil {
		return 0, err
	}
	for _, line := range bisectTable(steps) {
		env.ui.Printf("%s", line)
	}
	for _, st := range steps {
		if !st.OK() {
			failed++
			for _, r := range st.Reasons {
				env.ui.Printf("      %s: %s", st.Name(), r)
			}
		}
	}
	env.ui.Verdict(failed == 0, fmt.Sprintf("%s: %d patches, %d failed", opt.Source.Base, len(steps), failed))
	env.ui.Printf("      results in %s", relative(opt.Out))
	return failed, nil
}

// patchChecks runs bisectChecks on the series. It returns a function that looks
// up the results for a patch: the key of its series, and its number from 1.
func (env suiteCommands) patchChecks(ctx context.Context, opt *bisect.Options) (func(string, int) []bisect.Check, error) {
	checks, err := check.Select(bisectChecks)
	if err != nil {
		return nil, err
	}
	plan, err := bisect.Plan(ctx, opt.Source, opt.Series...)
	if err != nil {
		return nil, err
	}
	change, err := manifest.LoadChange(opt.Source.Root)
	if err != nil {
		return nil, err
	}
	found := map[string][]bisect.Check{}
	key := func(series string, n int) string { return fmt.Sprintf("%s %d", series, n) }
	s := &seriesChecker{env: env.environment, cache: opt.Source.Cache}
	want := map[string]bool{}
	for _, st := range plan {
		want[st.Series+"/"+st.SeriesBase] = true
	}
	for _, t := range change.Threads() {
		if !want[t.Name()] {
			continue
		}
		rows, err := s.check(ctx, t, check.Options{Checks: checks, Patch: opt.Patch, Jobs: opt.Source.Jobs})
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			if r.Patch == 0 && !r.Code.Failed() {
				continue
			}
			k := key(r.Series, max(r.Patch, 1))
			found[k] = append(found[k], bisect.Check{
				Name: r.Check, OK: !r.Code.Failed() && r.Code != check.Blocked, Summary: r.Summary, Cached: r.Cached,
			})
		}
	}
	return func(series string, n int) []bisect.Check { return found[key(series, n)] }, nil
}

// bisectTable returns a heading and one line per step.
func bisectTable(steps []*bisect.Step) []string {
	word := func(ok bool) string {
		if ok {
			return "ok"
		}
		return "FAIL"
	}
	lines := []string{fmt.Sprintf("%-36s %-9s %-6s %-9s %9s  %s", "patch", "warnings", "model", "tests", "time", "verdict")}
	for _, st := range steps {
		warnings, model := "-", "-"
		for _, k := range st.Checks {
			switch {
			case k.Name == "prove":
				model = word(k.OK)
			case k.Name != "builds" && warnings != "FAIL":
				warnings = word(k.OK)
			}
		}
		when := fmt.Sprintf("%.1f s", st.Seconds)
		if st.Cached {
			when = "cached"
		}
		lines = append(lines, fmt.Sprintf("%-36s %-9s %-6s %-9s %9s  %s", st.Name(), warnings, model,
			fmt.Sprintf("%d/%d", st.Passed, len(st.Tests)), when, word(st.OK())))
	}
	return lines
}
