// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"xpsgen/gen/series/check"
	"xpsgen/vmtest/bisect"
	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/ktap"
)

// bisectChecks are those of gen/series/check that every patch must pass by
// itself, besides booting.
var bisectChecks = []string{"apply", "build_gcc", "sparse"}

func bisectCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:  "bisect",
		Usage: "prove every patch of both series by itself",
		Description: "Each patch has to build without a warning that its parent does not have (gcc\n" +
			"W=1, sparse C=1), to boot with all before it, and to pass the tests that can pass\n" +
			"at that point; in the end the series has to compile without CONFIG_SMP,\n" +
			"CONFIG_BPF_SYSCALL and CONFIG_NET. KTAP on stdout, a test per patch; tables on\n" +
			"stderr; out/BASE/bisect/bisect.json.\n\n" +
			"What passed is remembered: a second run does only what changed.\n\n" +
			"Examples:\n" +
			"  xpsgen bisect\n" +
			"  xpsgen bisect --base all\n" +
			"  xpsgen bisect --no-warnings      build, boot and test only",
		Flags: append(append(sourceFlags(), machineFlags()...),
			&cli.BoolFlag{Name: "no-warnings", Usage: "do not compare warnings: that compiles much"}),
		Action: env.bisect,
	}
}

func (env *environment) bisect(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	if c.String("kernel") != "" || c.String("iproute2") != "" {
		return &usageError{text: "bisect walks through the series on its own bases: no --kernel and no --iproute2", command: "xpsgen bisect"}
	}
	bases, all, err := env.bases(c)
	if err != nil {
		return err
	}
	src, err := env.anySource(c)
	if err != nil {
		return err
	}
	machine, err := env.machine(c)
	if err != nil {
		return err
	}
	results := env.results()
	var w *ktap.Writer
	if all {
		w = ktap.NewWriter(results)
		w.Plan(len(bases))
	}
	worst := exitPassed
	for _, base := range bases {
		opt := bisect.Options{Source: src, Machine: machine, KTAP: results}
		opt.Source.Base = base
		opt.Out = filepath.Join(src.Root, "out", opt.Source.Name(), "bisect")
		var nested *ktap.Nested
		if all {
			nested = w.Nest(base)
			opt.KTAP = nested
		}
		failed, err := env.bisectBase(c, opt)
		if err != nil && (!all || c.Context.Err() != nil) {
			return err
		}
		if err != nil {
			env.ui.Error(fmt.Sprintf("base %s: %v", base, err))
			worst = max(worst, exitCode(c.Context, err))
		}
		if failed > 0 {
			worst = max(worst, exitFailed)
		}
		if all {
			_ = nested.Close() // it sticks to w
			status := ktap.Pass
			if err != nil || failed > 0 {
				status = ktap.Fail
			}
			w.Result(base, status, "")
		}
	}
	if worst != exitPassed {
		return &statusError{code: worst}
	}
	return nil
}

// bisectBase walks through the series of one base and returns how many patches
// failed.
func (env *environment) bisectBase(c *cli.Context, opt bisect.Options) (failed int, err error) {
	if !c.Bool("no-warnings") {
		if opt.Checks, err = env.patchChecks(c, &opt); err != nil {
			return 0, err
		}
	}
	steps, err := bisect.Run(c.Context, opt)
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

// patchChecks compares what compilers say before and after each patch of both
// series.
func (env *environment) patchChecks(c *cli.Context, opt *bisect.Options) (func(string, int) []bisect.Check, error) {
	checks, err := check.Select(bisectChecks)
	if err != nil {
		return nil, err
	}
	plan, err := bisect.Plan(c.Context, opt.Source)
	if err != nil {
		return nil, err
	}
	all, err := allThreads(opt.Source.Root)
	if err != nil {
		return nil, err
	}
	found := map[string][]bisect.Check{}
	key := func(project string, n int) string { return fmt.Sprintf("%s %d", project, n) }
	s := &seriesChecker{env: env, cache: opt.Source.Cache}
	want := map[string]bool{}
	for _, st := range plan {
		want[st.Project+"/"+st.SeriesBase] = true
	}
	for _, t := range all {
		if !want[t.name()] {
			continue
		}
		rows, err := s.check(c.Context, t, check.Options{Checks: checks, Jobs: opt.Source.Jobs})
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			if r.Patch == 0 && !r.Code.Failed() {
				continue
			}
			k := key(r.Project, max(r.Patch, 1))
			found[k] = append(found[k], bisect.Check{
				Name: r.Check, OK: !r.Code.Failed() && r.Code != check.Blocked, Summary: r.Summary, Cached: r.Cached,
			})
		}
	}
	return func(project string, n int) []bisect.Check { return found[key(project, n)] }, nil
}

// bisectTable is a line for each step, under a heading.
func bisectTable(steps []*bisect.Step) []string {
	word := func(ok bool) string {
		if ok {
			return "ok"
		}
		return "FAIL"
	}
	lines := []string{fmt.Sprintf("%-36s %-9s %-9s %9s  %s", "patch", "warnings", "tests", "time", "verdict")}
	for _, st := range steps {
		warnings := "-"
		for _, k := range st.Checks {
			if k.Name != "builds" && warnings != "FAIL" {
				warnings = word(k.OK)
			}
		}
		when := fmt.Sprintf("%.1f s", st.Seconds)
		if st.Cached {
			when = "have"
		}
		lines = append(lines, fmt.Sprintf("%-36s %-9s %-9s %9s  %s", st.Name(), warnings,
			fmt.Sprintf("%d/%d", st.Passed, len(st.Tests)), when, word(st.OK())))
	}
	return lines
}
