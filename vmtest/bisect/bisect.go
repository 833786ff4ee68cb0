// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package bisect builds and boots each point of both series: each patch with
// all patches before it.
package bisect

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"xpsgen/vmtest/boot"
	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/plan"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/run"
	"xpsgen/vmtest/tree"
	"xpsgen/vmtest/verdict"
)

// apart is the working tree in which kernels are built patch by patch.
const apart = "bisect"

// featurePatch is the key of the iproute2 patch from which on ip has the
// feature, and the tests can use it.
const featurePatch = "xps"

// Step is one point of a series: its first N patches, with the whole of
// the other series.
type Step struct {
	// Base is the kernel base of the walk, SeriesBase the project's.
	Base       string `json:"base"`
	SeriesBase string `json:"series_base"`
	Project    string `json:"project"`
	// Version is that of the project's base.
	Version string `json:"version"`
	// N counts patches from 1, Total is all of them.
	N     int `json:"n"`
	Total int `json:"total"`
	// Key and File are those of the patch that the step ends with.
	Key  string `json:"key"`
	File string `json:"file"`
	// Tests are what has to pass.
	Tests []string `json:"tests"`

	// Checks are what was found without booting.
	Checks []Check `json:"checks"`
	// Release is what booted; empty if nothing did.
	Release string `json:"kernel_release,omitempty"`
	// Passed is how many tests did.
	Passed int `json:"passed"`
	// Reasons are what speaks against the step, a line each.
	Reasons []string `json:"reasons,omitempty"`
	// Seconds is how long building and running took; Cached says that it was
	// done before.
	Seconds float64 `json:"seconds"`
	Cached  bool    `json:"cached"`
}

// Check is a check of a patch that needs no guest, such as whether it
// brings a warning.
type Check struct {
	Name    string `json:"name"`
	OK      bool   `json:"ok"`
	Summary string `json:"summary"`
	Cached  bool   `json:"cached"`
}

// Name is what the step is called: "linux-2-rtnetlink".
func (s *Step) Name() string { return fmt.Sprintf("%s-%d-%s", s.Project, s.N, s.Key) }

// OK reports whether nothing speaks against the step.
func (s *Step) OK() bool { return len(s.Reasons) == 0 }

// Options describe a walk through both series on one base.
type Options struct {
	Source  prepare.Source
	Machine boot.Machine
	// Checks are what was found of a patch without booting it, by the
	// project's name and the patch's number from 1. May be nil.
	Checks func(project string, n int) []Check
	// Out is a directory that gets one of results for each step.
	Out string
	// KTAP receives a test for each step. May be nil.
	KTAP io.Writer
	// Done is called as each step ends. May be nil.
	Done func(*Step)

	// run is run.Suite, builds prepare.CheckBuilds, and memo that of the cache, except
	// in tests.
	run    func(context.Context, run.SuiteOptions) (*verdict.Outcome, error)
	builds func(context.Context, prepare.Source) error
	memo   *memory
}

// Plan lists the steps of a walk through both series on the base of s,
// the kernel's first.
func Plan(ctx context.Context, s prepare.Source) ([]*Step, error) {
	kernel, err := s.OpenKernel(ctx)
	if err != nil {
		return nil, err
	}
	iproute2, err := s.OpenIPRoute2(ctx)
	if err != nil {
		return nil, err
	}
	all, err := plan.Names("")
	if err != nil {
		return nil, err
	}
	return append(steps(s.BaseName(), kernel, all), steps(s.BaseName(), iproute2, all)...), nil
}

func steps(base string, src *tree.Source, tests []string) []*Step {
	var steps []*Step
	have := map[string]bool{}
	for i, p := range src.Patches {
		have[p.Key] = true
		st := &Step{Base: base, SeriesBase: src.Base, Project: src.Project, Version: src.Version,
			N: i + 1, Total: len(src.Patches), Key: p.Key, File: p.File}
		for _, t := range tests {
			test, _ := plan.Find(t)
			needs := test.Needs
			if needs == "" || src.Project == "linux" && have[needs] || src.Project != "linux" && have[featurePatch] {
				st.Tests = append(st.Tests, t)
			}
		}
		if last := i == len(src.Patches)-1; last && len(st.Tests) < len(tests) {
			st.Reasons = append(st.Reasons, fmt.Sprintf("%d tests that no patch makes pass: %s",
				len(tests)-len(st.Tests), plan.List(missing(tests, st.Tests))))
		}
		steps = append(steps, st)
	}
	return steps
}

// missing are those of all that some does not have.
func missing(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(t string) bool { return slices.Contains(some, t) })
}

// Run builds and boots each point of both series on one base, and then
// compiles the whole kernel series where what it depends on is missing. A step
// that fails does not keep the later ones from being tried.
//
// The error is that the workbench broke down; what speaks against the series
// is in the steps.
func Run(ctx context.Context, opt Options) ([]*Step, error) {
	if opt.KTAP == nil {
		opt.KTAP = io.Discard
	}
	if opt.run == nil {
		opt.run, opt.builds = run.Suite, prepare.CheckBuilds
	}
	steps, err := Plan(ctx, opt.Source)
	if err != nil {
		return nil, err
	}
	if opt.memo == nil {
		if opt.memo, err = newMemory(ctx, &opt.Source); err != nil {
			return nil, err
		}
	}
	w := ktap.NewWriter(opt.KTAP)
	w.Plan(len(steps))
	for _, st := range steps {
		if err := opt.step(ctx, st); err != nil {
			return nil, fmt.Errorf("%s: %w", st.Name(), err)
		}
		st.report(w)
		if opt.Done != nil {
			opt.Done(st)
		}
	}
	return steps, w.Err()
}

// step does one step and fills in what came of it.
func (opt *Options) step(ctx context.Context, st *Step) error {
	start := time.Now()
	if opt.Checks != nil {
		st.Checks = opt.Checks(st.Project, st.N)
	}
	for _, c := range st.Checks {
		if !c.OK {
			st.Reasons = append(st.Reasons, c.Name+": "+c.Summary)
		}
	}
	src := opt.Source
	src.Apart = apart
	if st.N < st.Total { // the whole is what everybody else builds too
		if st.Project == "linux" {
			src.KernelFirst = st.N
		} else {
			src.Apart, src.IPRoute2First = "", st.N
		}
	} else {
		src.Apart = ""
	}
	before := len(st.Reasons)
	err := opt.boot(ctx, st, &src)
	if prepare.IsVerdict(err) {
		line, _, _ := strings.Cut(err.Error(), "\n")
		st.Reasons, err = append(st.Reasons, line), nil
	}
	if err != nil {
		return err
	}
	if st.Project == "linux" && st.N == st.Total && len(st.Reasons) == before {
		c := Check{Name: "builds", OK: true, Summary: "without " + strings.Join(prepare.Withouts(), ", ")}
		switch err := opt.builds(ctx, opt.Source); {
		case prepare.IsVerdict(err):
			line, _, _ := strings.Cut(err.Error(), "\n")
			c.OK, c.Summary = false, line
			st.Reasons = append(st.Reasons, c.Name+": "+line)
		case err != nil:
			return err
		}
		st.Checks = append(st.Checks, c)
	}
	if !st.Cached {
		st.Seconds = time.Since(start).Round(100 * time.Millisecond).Seconds()
	}
	return nil
}

// boot builds the point that src describes, boots it and runs its tests, or
// finds that this was done.
func (opt *Options) boot(ctx context.Context, st *Step, src *prepare.Source) error {
	key, err := opt.memo.key(ctx, src, st.Tests)
	if err != nil {
		return err
	}
	if opt.memo.load(key, st) {
		src.Progress.Emit(progress.Event{Step: "bisect " + st.Name(), State: progress.Cached,
			Text: fmt.Sprintf("%d tests passed on %s", st.Passed, st.Release)})
		return nil
	}
	o, err := opt.run(ctx, run.SuiteOptions{
		Source: *src, Machine: opt.Machine, Run: plan.Exactly(st.Tests), Out: filepath.Join(opt.Out, st.Name()),
	})
	if err != nil {
		return err
	}
	st.Release, st.Passed = o.Inputs.KernelRelease, o.Report.Counts().Pass
	if !o.Passed() {
		st.Reasons = append(st.Reasons, o.Reasons...)
		return nil
	}
	return opt.memo.store(key, st)
}

func (s *Step) report(w *ktap.Writer) {
	for _, c := range s.Checks {
		w.Diag("%s: %s", c.Name, c.Summary)
	}
	w.Diag("%d of %d tests passed on %s", s.Passed, len(s.Tests), s.Release)
	w.Elapsed(time.Duration(s.Seconds * float64(time.Second)))
	if s.OK() {
		w.Result(s.Name(), ktap.Pass, "")
		return
	}
	for _, r := range s.Reasons {
		w.Diag("%s", r)
	}
	w.Result(s.Name(), ktap.Fail, s.Reasons[0])
}
