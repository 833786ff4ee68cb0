// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package bisect builds and boots each point of each series. A point is a patch with all
// patches before it. Below them are only the series that this series is based on.
package bisect

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"xpsgen/vmtest/boot"
	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/plan"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/run"
	"xpsgen/vmtest/tree/manifest"
	"xpsgen/vmtest/verdict"
)

// apart is the working tree for building kernels patch by patch.
const apart = "bisect"

// Step is one point of a series: its first N patches, on top of the series that it is
// based on.
type Step struct {
	// Base is the kernel base of the walk. SeriesBase is the base of the project.
	Base       string `json:"base"`
	SeriesBase string `json:"series_base"`
	Project    string `json:"project"`
	Series     string `json:"series"`
	// Version is the version of the project's base.
	Version string `json:"version"`
	// N counts patches from 1; Total is their number.
	N     int `json:"n"`
	Total int `json:"total"`
	// Key and File belong to the last patch of the step.
	Key  string `json:"key"`
	File string `json:"file"`
	// Tests are the tests that must pass.
	Tests []string `json:"tests"`

	// Checks are results that need no boot.
	Checks []Check `json:"checks"`
	// Release is the booted kernel release; empty if nothing booted.
	Release string `json:"kernel_release,omitempty"`
	// Passed is the number of tests that passed.
	Passed int `json:"passed"`
	// Reasons say why the step fails, one line each.
	Reasons []string `json:"reasons,omitempty"`
	// Seconds is how long building and running took. Cached says that the result is
	// from an earlier run.
	Seconds float64 `json:"seconds"`
	Cached  bool    `json:"cached"`

	// isKernel says that the series is for the kernel.
	isKernel bool
	// selection is the series. first is the number of patches to apply, and counts those
	// of the series that it depends on.
	selection manifest.Selection
	first     int
	// kernel selects the kernel's series for a step of another project; bare means none.
	kernel manifest.Selection
	bare   bool
	// whole says that the step has all patches of the stack.
	whole bool
}

// Check is a check of a patch that needs no guest, for example for new warnings.
type Check struct {
	Name    string `json:"name"`
	OK      bool   `json:"ok"`
	Summary string `json:"summary"`
	Cached  bool   `json:"cached"`
}

// Name identifies the step: "hook-2-rtnetlink".
func (s *Step) Name() string { return fmt.Sprintf("%s-%d-%s", s.Series, s.N, s.Key) }

// source returns the source to build for the step.
func (s *Step) source(src prepare.Source) prepare.Source {
	switch {
	case s.isKernel && !s.whole:
		src.Select, src.KernelFirst, src.Apart = s.selection, s.first, apart
	case !s.isKernel:
		src.Select, src.Unpatched, src.Apart = s.kernel, s.bare, ""
		if !s.kernel.IsZero() {
			src.Apart = apart
		}
		if !s.whole {
			src.IPSelect, src.IPFirst = s.selection, s.first
		}
	}
	return src
}

// OK reports whether the step has no reason to fail.
func (s *Step) OK() bool { return len(s.Reasons) == 0 }

// Options describe a walk through the series of one base.
type Options struct {
	Source  prepare.Source
	Machine boot.Machine
	// Series are the keys of the series to walk through; empty means all series of
	// the stacks.
	Series []string
	// Patch is the number of the only patch of the series to test, from 1; 0 means all.
	// It needs one series.
	Patch int
	// Checks returns the results for a patch that need no boot. The arguments are the
	// series' key and the patch's number from 1. May be nil.
	Checks func(series string, n int) []Check
	// Prove checks the functions of a point of the kernel in a model. May be nil.
	Prove func(ctx context.Context, src prepare.Source) (Check, error)
	// Out is a directory that gets a results directory for each step.
	Out string
	// KTAP receives a test for each step. May be nil.
	KTAP io.Writer
	// Done is called at the end of each step. May be nil.
	Done func(*Step)

	// run is run.Suite, builds is prepare.CheckBuilds, and memo is that of the cache.
	// Tests replace them.
	run    func(context.Context, run.SuiteOptions) (*verdict.Outcome, error)
	builds func(context.Context, prepare.Source) error
	memo   *memory
}

// Run builds and boots each point of each series on one base. At the last patch of the
// kernel's stack it compiles the whole stack without the options that it depends on. A
// failing step does not stop the walk.
//
// The error means that the workbench could not do its work. Failures of a series are in
// its steps.
func Run(ctx context.Context, opt Options) ([]*Step, error) {
	if opt.KTAP == nil {
		opt.KTAP = io.Discard
	}
	if opt.run == nil {
		opt.run, opt.builds = run.Suite, prepare.CheckBuilds
	}
	steps, err := Plan(ctx, opt.Source, opt.Series...)
	if err != nil {
		return nil, err
	}
	if opt.memo == nil {
		if opt.memo, err = newMemory(ctx, &opt.Source); err != nil {
			return nil, err
		}
	}
	w := ktap.NewWriter(opt.KTAP)
	var last *Step
	for _, st := range steps {
		if st.isKernel {
			last = st
		}
	}
	if steps, err = opt.only(steps); err != nil {
		return nil, err
	}
	w.Plan(len(steps))
	for _, st := range steps {
		// One patch alone is the end of the walk only if it completes the stack.
		if err := opt.step(ctx, st, st == last && (opt.Patch == 0 || st.whole)); err != nil {
			return nil, fmt.Errorf("%s: %w", st.Name(), err)
		}
		st.report(w)
		if opt.Done != nil {
			opt.Done(st)
		}
	}
	return steps, w.Err()
}

// only returns the steps of the chosen patch.
func (opt *Options) only(steps []*Step) ([]*Step, error) {
	if opt.Patch == 0 {
		return steps, nil
	}
	for _, st := range steps {
		if st.N == opt.Patch {
			return []*Step{st}, nil
		}
	}
	return nil, fmt.Errorf("%w: series %s has no patch %d", manifest.ErrNoThread, strings.Join(opt.Series, ", "), opt.Patch)
}

// step runs one step and fills in its result. If last is true, it also compiles the whole
// stack without the options that it depends on.
func (opt *Options) step(ctx context.Context, st *Step, last bool) error {
	start := time.Now()
	if opt.Checks != nil {
		st.Checks = opt.Checks(st.Series, st.N)
	}
	for _, c := range st.Checks {
		if !c.OK {
			st.Reasons = append(st.Reasons, c.Name+": "+c.Summary)
		}
	}
	src := st.source(opt.Source)
	before := len(st.Reasons)
	if err := opt.prove(ctx, st, src); err != nil {
		return err
	}
	err := opt.boot(ctx, st, &src)
	if prepare.IsVerdict(err) {
		line, _, _ := strings.Cut(err.Error(), "\n")
		st.Reasons, err = append(st.Reasons, line), nil
	}
	if err != nil {
		return err
	}
	if last && len(st.Reasons) == before {
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

// prove checks a point of the kernel in a model.
func (opt *Options) prove(ctx context.Context, st *Step, src prepare.Source) error {
	if opt.Prove == nil || !st.isKernel {
		return nil
	}
	c, err := opt.Prove(ctx, src)
	if prepare.IsVerdict(err) {
		return nil // boot meets the same error
	}
	if err != nil {
		return err
	}
	st.Checks = append(st.Checks, c)
	if !c.OK {
		st.Reasons = append(st.Reasons, c.Name+": "+c.Summary)
	}
	return nil
}

// boot builds and boots the point that src describes and runs its tests. It takes the
// result from the cache if there is one.
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
