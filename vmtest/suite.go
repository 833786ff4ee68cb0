// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vmtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"xpsgen/vmtest/build/image"
	"xpsgen/vmtest/guest/suite"
	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/vm"
)

// SuiteOptions describe a run of the suite.
type SuiteOptions struct {
	Source  Source
	Machine Machine
	// Run selects tests; empty means all.
	Run string
	// NoTests boots, reports nothing and powers off.
	NoTests bool
	// Fault makes the guest go wrong instead of running tests.
	Fault wire.Fault
	// Seed makes what the suite draws by lot, so that a run can be repeated; 0
	// draws one.
	Seed int64
	// Long has tests take a minute or more that can.
	Long bool
	// Out is the results directory. Required.
	Out string
	// KTAP receives the results as they come. May be nil. When writing to it
	// fails the run goes on, and the error comes back with the outcome.
	KTAP io.Writer
	// Timeouts of the guest; zero is the default.
	Timeouts vm.Timeouts
	// Guests is how many share the whole suite, 1 or 2; 0 means two if the host
	// has the CPUs and the memory.
	Guests int
}

// DrawSeed returns a seed that is short enough to type.
func DrawSeed() int64 { return 1 + rand.Int64N(999_999_999) }

// Plan lists the tests that run selects, in order.
func Plan(run string) ([]string, error) { return suite.Names(run) }

// plan lists what the guest is to report.
func (opt *SuiteOptions) plan() ([]string, error) {
	switch {
	case opt.NoTests:
		return nil, nil
	case opt.Fault != "":
		return wire.FaultPlan(), nil
	}
	return Plan(opt.Run)
}

// RunSuite prepares a guest, runs the suite in it, judges, and leaves the
// results in opt.Out. The outcome is nil only if there is nothing to judge.
func RunSuite(ctx context.Context, opt SuiteOptions) (*Outcome, error) {
	planned, err := opt.plan()
	if err != nil {
		return nil, err
	}
	if err := opt.Source.Validate(); err != nil {
		return nil, err
	}
	lock, err := lockOut(ctx, opt)
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	if err := clearOut(opt.Out); err != nil {
		return nil, err
	}
	if opt.Seed == 0 {
		opt.Seed = DrawSeed()
	}
	o := &Outcome{Planned: planned, Run: opt.Run, Seed: opt.Seed, Started: time.Now().UTC(), Report: &ktap.Report{Plan: -1}}
	if all, err := Plan(""); err == nil {
		o.Suite = len(all)
	}
	a, err := Prepare(ctx, opt.Source)
	if IsVerdict(err) {
		// Whoever collects the results finds out from them.
		o.Reasons, o.vmErr = []string{err.Error()}, err
		o.Inputs.Base = opt.Source.base()
		return nil, errors.Join(err, o.writeOut(opt.Out, ""))
	}
	if err != nil {
		return nil, err
	}
	if err := RememberRoot(opt.Source.Root, opt.Source.Cache); err != nil {
		return nil, err
	}
	o.Steps = a.Steps
	if o.Inputs, err = a.inputs(ctx, &opt.Source); err != nil {
		return nil, err
	}
	lost, err := o.boot(ctx, &opt, a)
	if err != nil {
		return nil, err
	}
	// Results that could not be shown are still kept.
	return o, errors.Join(o.writeOut(opt.Out, a.Kernel.Config), lost)
}

// boot runs the guest, or two, and fills in what was said. The error is that of the
// workbench; a guest that went wrong is an outcome. lost is why results could
// not be written or shown as they came.
func (o *Outcome) boot(ctx context.Context, opt *SuiteOptions, a *Artifacts) (lost, err error) {
	const step = "run the suite"
	spec, err := a.suiteSpec()
	if err != nil {
		return nil, err
	}
	file, _, _, err := image.Cached(ctx, filepath.Join(opt.Source.Cache, "image"), spec)
	if err != nil {
		return nil, fmt.Errorf("make the guest's image: %w", err)
	}
	raw, err := os.Create(filepath.Join(opt.Out, KTAPFile))
	if err != nil {
		return nil, fmt.Errorf("results directory: %w", err)
	}
	defer func() { err = errors.Join(err, raw.Close()) }()

	shares := opt.shares()
	log := filepath.Join(opt.Out, ConsoleFile)
	what := fmt.Sprintf("%d tests on %s, seed %d", len(o.Planned), a.Kernel.Release, o.Seed)
	if len(shares) > 1 {
		what += fmt.Sprintf(", in %d guests", len(shares))
	}
	p := opt.Source.Progress
	p.Emit(progress.Event{Step: step, State: progress.Started, Text: what, Log: log})
	start := time.Now()
	sink := &results{file: raw, live: opt.KTAP, total: len(o.Planned), step: step, progress: p}
	guests, err := opt.runGuests(ctx, shares, sink, func(share string) *vm.Machine {
		m := opt.Machine.describe(&opt.Source, a, file)
		m.Config = wire.Config{
			Mode:      wire.ModeSuite,
			Run:       share,
			NoTests:   opt.NoTests,
			Unpatched: opt.Source.Unpatched,
			Debug:     opt.Source.Debug(),
			Seed:      o.Seed,
			Long:      opt.Long,
		}
		if opt.Fault != "" {
			m.Config = wire.Config{Mode: wire.ModeFault, Fault: opt.Fault}
		}
		m.Timeouts = opt.Timeouts
		m.Notice = func(text string) {
			p.Emit(progress.Event{Step: "vm", State: progress.Notice, Text: text})
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
	o.take(ctx, a, guests)
	o.Reasons = judge(evidence{
		report:    o.Report,
		planned:   o.Planned,
		vmErr:     o.vmErr,
		splats:    o.Splats,
		debug:     opt.Source.Debug(),
		leaks:     o.Leaks,
		unpatched: opt.Source.Unpatched,
	})
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

// results takes the guest's KTAP to the file, the parser and whoever watches.
type results struct {
	file     io.Writer
	live     io.Writer
	parser   ktap.Parser
	total    int
	step     string
	progress progress.Func
	done     int
	err      error
}

// Write never fails for the guest's sake: a reader who went away must not cost
// the results.
func (r *results) Write(b []byte) (int, error) {
	if _, err := r.file.Write(b); err != nil && r.err == nil {
		r.err = fmt.Errorf("keep the results: %w", err)
	}
	if r.live != nil {
		if _, err := r.live.Write(b); err != nil {
			r.live = nil
			if r.err == nil {
				r.err = fmt.Errorf("print the results: %w", err)
			}
		}
	}
	if n := countResults(b); n > 0 {
		r.done += n
		r.progress.Emit(progress.Event{Step: r.step, State: progress.Advanced,
			Done: int64(r.done), Total: int64(r.total), Unit: "tests"})
	}
	return r.parser.Write(b)
}

func (r *results) close() *ktap.Report { return r.parser.Close() }

// inputs names all that will run.
func (a *Artifacts) inputs(ctx context.Context, s *Source) (Inputs, error) {
	in := Inputs{
		Base:            s.base(),
		Unpatched:       s.Unpatched,
		KernelVersion:   a.Kernel.Version,
		KernelRelease:   a.Kernel.Release,
		KernelSource:    a.Kernel.Origin,
		KernelCommit:    a.Kernel.Commit,
		KernelHash:      a.Kernel.Hash,
		KernelPatches:   a.kernelPatches,
		IPRoute2Version: a.IPRoute2.Version,
		IPRoute2Source:  a.IPRoute2.Origin,
		IPRoute2Commit:  a.IPRoute2.Commit,
		IPRoute2Hash:    a.IPRoute2.Hash,
		IPRoute2Patches: a.iproute2Patches,
		Compiler:        a.Kernel.Compiler,
		Go:              runtime.Version(),
	}
	for _, f := range []struct {
		to   *string
		path string
	}{
		{&in.KernelConfig, a.Kernel.Config},
		{&in.BzImage, a.Kernel.BzImage},
		// This is what boots where its PVH entry can be used.
		{&in.Vmlinux, a.Kernel.Vmlinux},
		{&in.IP, a.IPRoute2.IP},
		{&in.Bpftool, a.Bpftool.Bpftool},
		{&in.Guest, a.Init},
	} {
		var err error
		if *f.to, err = fileSum(f.path); err != nil {
			return in, err
		}
	}
	var err error
	in.QEMU, err = qemuVersion(ctx, "qemu-system-x86_64")
	return in, err
}
