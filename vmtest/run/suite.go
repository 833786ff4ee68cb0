// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package run boots guests from the parts that package prepare has built. It
// runs the suite in one guest or two, on one base or several. It also runs a
// program of the host, or a shell, in a guest.
//
// [Suite] returns an outcome that package verdict has judged. Errors mean that
// there is nothing to judge.
package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"xpsgen/vmtest/boot"
	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/image"
	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/plan"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/verdict"
	"xpsgen/vmtest/vm"
	"xpsgen/vmtest/workbench"
)

// SuiteOptions describe a run of the suite.
type SuiteOptions struct {
	Source  prepare.Source
	Machine boot.Machine
	// Run selects tests; empty means all.
	Run string
	// NoTests boots, reports nothing and powers off.
	NoTests bool
	// KeepReports stores the reports of the kernel's checkers as reports about the base.
	// It needs Source.Unpatched.
	KeepReports bool
	// Fault makes the guest go wrong instead of running tests.
	Fault wire.Fault
	// Seed is the seed of the suite's random choices. 0 means a new seed.
	Seed int64
	// Long runs the long variant of tests that have one. It takes a minute or
	// more.
	Long bool
	// Out is the results directory. Required.
	Out string
	// KTAP receives the results during the run. May be nil. If writing to it fails the
	// run continues, and the error is returned with the outcome.
	KTAP io.Writer
	// Timeouts of the guest; zero is the default.
	Timeouts vm.Timeouts
	// Counts has the guests count the lines that run, which needs a kernel with
	// CONFIG_GCOV_KERNEL. It is called when all guests have ended by
	// themselves, with an archive from each, see [wire.Config.Counts]. It
	// returns further reasons for a failed run. May be nil.
	Counts func(ctx context.Context, a *prepare.Artifacts, archives []string) (reasons []string, err error)
	// Guests is how many share the whole suite, 1 or 2; 0 means two if the host
	// has the CPUs and the memory.
	Guests int

	// able is the pattern of the tests that Run selects and whose patches are applied.
	// Empty means that the patches of all selected tests are applied.
	able string
}

// DrawSeed returns a seed that is short enough to type.
func DrawSeed() int64 { return 1 + rand.Int64N(999_999_999) }

// plan lists the tests that the guest must report.
func (opt *SuiteOptions) plan() ([]string, error) {
	switch {
	case opt.NoTests:
		return nil, nil
	case opt.Fault != "":
		return wire.FaultPlan(), nil
	}
	names, err := plan.Names(opt.Run)
	if err != nil || opt.Source.Unpatched {
		return names, err
	}
	keys, err := opt.Source.Patches()
	if err != nil || keys == nil {
		return names, err
	}
	able := plan.Able(names, keys)
	if opt.Source.Loader() != "" {
		able = plan.ForLoader(names)
	}
	if len(able) == 0 {
		return nil, fmt.Errorf("%w: all %d tests of %q need patches that are left out", plan.ErrNoTests, len(names), opt.Run)
	}
	if len(able) < len(names) {
		opt.able = plan.Exactly(able)
	}
	return able, nil
}

// Suite prepares a guest, runs the suite in it, judges, and leaves the results
// in opt.Out. The outcome is nil only if there is nothing to judge.
func Suite(ctx context.Context, opt SuiteOptions) (*verdict.Outcome, error) {
	o, err := opt.outcome()
	if err != nil {
		return nil, err
	}
	if err := opt.Source.Validate(); err != nil {
		return nil, err
	}
	lock, err := verdict.Lock(ctx, opt.Out, opt.Source.Cache, opt.Source.Progress)
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	if err := verdict.Clear(opt.Out); err != nil {
		return nil, err
	}
	// The guest boots vmlinux, so the image can be made while it runs.
	src := opt.Source
	src.Early = true
	a, err := prepare.All(ctx, src)
	if prepare.IsVerdict(err) {
		// Store the error as the verdict of the run, so that it is in
		// the results.
		o.Reasons, o.Ended = []string{err.Error()}, err
		o.Inputs.Base = opt.Source.BaseName()
		return nil, errors.Join(err, o.Write(opt.Out, ""))
	}
	if err != nil {
		return nil, err
	}
	if err := workbench.Remember(opt.Source.Root, opt.Source.Cache); err != nil {
		a.Kernel.Abandon()
		return nil, err
	}
	o.Steps = a.Steps
	describe := inputsLater(ctx, a, &opt.Source)
	lost, err := opt.boot(ctx, o, a)
	in, inErr := describe()
	if err := errors.Join(err, inErr); err != nil {
		return nil, err
	}
	in.QEMUCommand = o.Inputs.QEMUCommand
	o.Inputs = in
	// Results that could not be shown are still kept.
	return o, errors.Join(o.Write(opt.Out, a.Kernel.Config), lost)
}

// Prepared runs the suite in a guest built from a, and judges the run. In opt.Out it leaves
// the stream of results and the consoles only.
func Prepared(ctx context.Context, opt SuiteOptions, a *prepare.Artifacts) (*verdict.Outcome, error) {
	o, err := opt.outcome()
	if err != nil {
		return nil, err
	}
	lost, err := opt.boot(ctx, o, a)
	if err := errors.Join(err, lost); err != nil {
		return nil, err
	}
	return o, nil
}

// outcome returns the outcome of a run that has not begun.
func (opt *SuiteOptions) outcome() (*verdict.Outcome, error) {
	planned, err := opt.plan()
	if err != nil {
		return nil, err
	}
	checkers := opt.Source.Checkers()
	o := &verdict.Outcome{
		Planned:  planned,
		Run:      opt.Run,
		Suite:    len(plan.All()),
		Lacking:  opt.able != "",
		Seed:     opt.Seed,
		Started:  time.Now().UTC(),
		Report:   &ktap.Report{Plan: -1},
		LeakScan: checkers.Leaks,
	}
	if o.Seed == 0 {
		o.Seed = DrawSeed()
	}
	o.Inputs.Unpatched = opt.Source.Unpatched
	return o, nil
}

// boot runs the guest, or two, and fills in the reports. err is an error of the
// workbench; a failed guest is an outcome. lost is an error of writing or
// showing the results.
func (opt *SuiteOptions) boot(ctx context.Context, o *verdict.Outcome, a *prepare.Artifacts) (lost, err error) {
	const step = "run the suite"
	spec := boot.SuiteSpec(a)
	file, _, _, err := image.Cached(ctx, filepath.Join(opt.Source.Cache, "image"), spec)
	if err != nil {
		return nil, fmt.Errorf("make the guest's image: %w", err)
	}
	raw, err := os.Create(filepath.Join(opt.Out, verdict.KTAPFile))
	if err != nil {
		return nil, fmt.Errorf("results directory: %w", err)
	}
	defer func() { err = errors.Join(err, raw.Close()) }()

	shares := opt.shares()
	checkers := opt.Source.Checkers()
	log := filepath.Join(opt.Out, verdict.ConsoleFile)
	what := fmt.Sprintf("%d tests on %s, seed %d", len(o.Planned), a.Kernel.Release, o.Seed)
	if len(shares) > 1 {
		what += fmt.Sprintf(", in %d guests", len(shares))
	}
	p := opt.Source.Progress
	p.Emit(progress.Event{Step: step, State: progress.Started, Text: what, Log: log})
	counts, err := opt.countFiles(len(shares))
	if err != nil {
		return nil, err
	}
	defer closeCounts(counts)
	start := time.Now()
	sink := &results{file: raw, live: opt.KTAP, total: len(o.Planned), step: step, progress: p}
	guests, err := opt.runGuests(ctx, shares, sink, func(share string) *vm.Machine {
		m := opt.Machine.Describe(&opt.Source, a, file)
		m.Config = wire.Config{
			Mode:      wire.ModeSuite,
			Run:       share,
			NoTests:   opt.NoTests,
			Unpatched: opt.Source.Unpatched,
			Races:     checkers.Races,
			Leaks:     checkers.Leaks,
			Seed:      o.Seed,
			Long:      opt.Long,
			Loader:    opt.Source.Loader(),
		}
		if opt.Fault != "" {
			m.Config = wire.Config{Mode: wire.ModeFault, Fault: opt.Fault}
		}
		m.Timeouts = opt.Timeouts
		m.Notice = p.Notice("vm")
		if len(counts) > 0 {
			m.Config.Counts, m.Counts = true, counts[slices.Index(shares, share)]
		}
		return m
	})
	if ctx.Err() != nil {
		return nil, fmt.Errorf("%s: %w", step, context.Cause(ctx))
	}
	if err != nil {
		p.Emit(progress.Event{Step: step, State: progress.Failed, Elapsed: time.Since(start)})
		return nil, err
	}
	o.Total = time.Since(start)
	o.Report = sink.close()
	take(ctx, o, a, guests)
	if err := opt.blame(ctx, a, guests, o.Splats); err != nil {
		return nil, err
	}
	o.Judge()
	if len(counts) > 0 && o.Ended == nil {
		reasons, err := opt.Counts(ctx, a, names(counts))
		if err != nil {
			return nil, err
		}
		o.Reasons = append(o.Reasons, reasons...)
	}
	state := progress.Finished
	if !o.Passed() {
		state = progress.Failed
	}
	p.Emit(progress.Event{Step: step, State: state, Text: o.Accel, Elapsed: o.Total, Log: failedLog(state, log)})
	return sink.err, nil
}

func failedLog(state progress.State, path string) string {
	if state == progress.Failed {
		return path
	}
	return ""
}
