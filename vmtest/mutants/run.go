// SPDX-License-Identifier: GPL-2.0-only OR MIT

package mutants

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"xpsgen/vmtest/boot"
	"xpsgen/vmtest/build"
	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/plan"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/run"
	"xpsgen/vmtest/tree/manifest"
	"xpsgen/vmtest/verdict"
)

// Options describe a run over mutants.
type Options struct {
	Source  prepare.Source
	Machine boot.Machine
	Mutants []Mutant
	// Out is a directory that gets a results directory for each mutant.
	Out string
	// KTAP receives one test for each mutant. May be nil.
	KTAP io.Writer

	// run is run.Suite; tests replace it.
	run func(context.Context, run.SuiteOptions) (*verdict.Outcome, error)
}

// Run applies each mutant on top of the series, one at a time, and runs the tests that
// must notice it. It returns how many mutants survived. Mutants that no longer apply or
// build count as survivors, because they prove nothing. The cache keeps the objects of
// the series, so a mutant compiles only what it touches.
func Run(ctx context.Context, opt Options) (survivors int, err error) {
	if opt.KTAP == nil {
		opt.KTAP = io.Discard
	}
	if opt.run == nil {
		opt.run = run.Suite
	}
	// The check must pass without a mutant: otherwise its failure proves nothing.
	if slices.ContainsFunc(opt.Mutants, func(m Mutant) bool { return slices.Contains(m.MustFail, MustFailBuild) }) {
		if err := prepare.CheckBuilds(ctx, opt.Source); err != nil {
			return 0, fmt.Errorf("build the series without a mutant: %w", err)
		}
	}
	w := ktap.NewWriter(opt.KTAP)
	w.Plan(len(opt.Mutants))
	for _, m := range opt.Mutants {
		start := time.Now()
		noticed, diag, err := opt.runMutant(ctx, m)
		verdict := "survived"
		if prepare.IsVerdict(err) {
			noticed, verdict = false, "does not apply or build: update the mutant"
			diag, err = strings.Split(err.Error(), "\n"), nil
		}
		if err != nil {
			return survivors, fmt.Errorf("mutant %s: %w", m.Name, err)
		}
		w.Diag("%s", m.Title)
		for _, line := range diag {
			w.Diag("%s", line)
		}
		w.Elapsed(time.Since(start).Round(time.Millisecond))
		if noticed {
			w.Result(m.Name, ktap.Pass, "")
		} else {
			survivors++
			w.Result(m.Name, ktap.Fail, verdict)
		}
	}
	return survivors, w.Err()
}

// runMutant reports whether every test that must fail did fail. diag describes the
// results, one line each.
func (opt *Options) runMutant(ctx context.Context, m Mutant) (noticed bool, diag []string, err error) {
	src := opt.Source
	src.Progress = failuresAsEnds(src.Progress)
	switch m.Part {
	case manifest.GuestKernel:
		src.KernelExtra = append(src.KernelExtra[:len(src.KernelExtra):len(src.KernelExtra)], m.Path)
	case manifest.GuestIP:
		src.IPExtra = append(src.IPExtra[:len(src.IPExtra):len(src.IPExtra)], m.Path)
	}
	noticed = true
	note := func(failed bool, what string) {
		verb := "noticed by"
		if !failed {
			verb, noticed = "NOT noticed by", false
		}
		diag = append(diag, verb+" "+what)
	}
	var tests []string
	for _, what := range m.MustFail {
		if what != MustFailBuild {
			tests = append(tests, what)
			continue
		}
		failed, err := buildFails(ctx, &src)
		if err != nil {
			return false, nil, err
		}
		note(failed, what)
	}
	if len(tests)+len(m.MustComplain) == 0 {
		return noticed, diag, nil
	}
	outcome, err := opt.run(ctx, run.SuiteOptions{
		Source:  src,
		Machine: opt.Machine,
		Run:     plan.AnyOf(slices.Concat(tests, m.MustComplain)),
		Out:     filepath.Join(opt.Out, m.Name),
	})
	if err != nil {
		return false, nil, err
	}
	for _, pattern := range tests {
		names, err := plan.Names(pattern)
		if err != nil {
			return false, nil, fmt.Errorf("%s: %w", m.Path, err)
		}
		for _, name := range names {
			status, reason := outcome.Find(name)
			note(status == ktap.Fail, strings.TrimSuffix(name+": "+reason, ": "))
		}
	}
	if len(m.MustComplain) > 0 {
		complained := false
		for _, s := range outcome.Splats {
			if len(s.Ours) > 0 {
				complained = true
				note(true, s.Reason())
			}
		}
		if !complained {
			note(false, "a checker of the kernel")
		}
	}
	return noticed, diag, nil
}

// failuresAsEnds turns failure events into ends. A mutant is meant to fail, and the
// verdict reports whether it did. An error of the workbench is returned as an error.
func failuresAsEnds(p progress.Func) progress.Func {
	return func(e progress.Event) {
		if e.State == progress.Failed {
			e.State, e.Text, e.Log = progress.Finished, strings.TrimPrefix(e.Text+", failed", ", "), ""
		}
		p.Emit(e)
	}
}

// buildFails compiles the files of the series without CONFIG_XPS and without
// CONFIG_BPF_SYSCALL. It reports whether the compiler fails.
func buildFails(ctx context.Context, s *prepare.Source) (bool, error) {
	err := prepare.CheckBuilds(ctx, *s)
	var compile *build.CompileError
	if errors.As(err, &compile) {
		return true, nil
	}
	return false, err
}
