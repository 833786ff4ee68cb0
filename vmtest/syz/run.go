// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package syz fuzzes the patched kernel with syzkaller.
//
// syz-manager runs on the host. It keeps the corpus and decides by coverage
// what to run next. Its executor runs in a guest of the workbench, which has no
// network and none of the host's files. The manager asks for guests through its
// machine type "proxyapp". A virtio port carries the executor's connection. The
// workbench judges the console, as in any other run.
package syz

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"xpsgen/vmtest/boot"
	"xpsgen/vmtest/build"
	"xpsgen/vmtest/image"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/run"
)

// Options describe a run. All fields but Progress are required.
type Options struct {
	// Source and Machine describe the guest. Its kernel should have KCOV and KASAN, as with
	// the fragment [Fragment].
	Source  prepare.Source
	Machine boot.Machine
	// Tools are the programs of syzkaller.
	Tools *Tools
	// Calls are the system calls that programs are made of.
	Calls []string
	// Time ends the fuzzing if the kernel neither panics nor warns. It begins
	// when the first guest is up.
	Time time.Duration
	// Dir is the directory of the run. It gets the manager's files, the consoles, and what
	// reproduces a crash.
	Dir      string
	Progress progress.Func

	// boot boots a guest; tests replace it.
	boot guest
}

// Fragment is the fragment of the kernel's configuration for fuzzing.
const Fragment = "syz"

// Files of a crash in the directory of a run.
const (
	// CrashFile is the panic or warning of the kernel, decoded. LogFile has the
	// last programs and the console as syz-manager saw them.
	CrashFile = "crash.txt"
	LogFile   = "crash.log"
	// ReproducerFile has the programs that make the kernel panic or warn again.
	ReproducerFile = "reproducer.syz"
	managerLog     = "manager.log"
)

// Result is the outcome of a run.
type Result struct {
	Stats
	// Elapsed is the time from the first guest's boot to the panic or warning,
	// or to the end.
	Elapsed time.Duration
	// Guests counts guests; a guest that ends is replaced.
	Guests int
	// Ended says why guests ended early without a panic or warning of the
	// kernel.
	Ended []string
	// Complaint is the panic or warning of the kernel; empty if there was none.
	Complaint string
	// Reproducer is nil if the kernel did not panic or warn, or not again.
	Reproducer *Reproducer
}

// guestDir has the files that the guest gets.
const guestDir = "/xpsgen/syz"

// ErrNothing is wrapped by the error of a run that executed no program.
var ErrNothing = errors.New("syzkaller executed no program")

// Run fuzzes until the kernel panics or warns, or the time is over. After a
// panic or warning, Run searches for the program that makes the kernel panic or
// warn again. The error is the workbench's.
func Run(ctx context.Context, opt Options) (res *Result, err error) {
	if err := opt.check(); err != nil {
		return nil, err
	}
	duplex, err := build.Guest(ctx, build.GuestOptions{Root: opt.Source.Root, Package: "./vmtest/guest/duplex",
		Cache: opt.Source.Cache, Progress: opt.Progress})
	if err != nil {
		return nil, err
	}
	// Build and unpack before the time begins.
	if _, err := run.PrepareGuest(ctx, run.GuestOptions{Source: opt.Source, Machine: opt.Machine}); err != nil {
		return nil, err
	}
	opt.boot = func(ctx context.Context, _, number int, up func(), in io.Reader, out, log, console io.Writer) error {
		executor := path.Join(guestDir, "syz-executor")
		end, err := run.Program(ctx, run.ProgramOptions{
			GuestOptions: run.GuestOptions{Source: opt.quiet(), Machine: opt.Machine, Up: up, Console: console},
			Args:         []string{duplex, executor, "runner", fmt.Sprint(number), "stdin", "1"},
			Closed:       true,
			Files:        []image.File{{Guest: executor, Host: opt.Tools.Executor, Mode: 0o755}},
			Stdin:        in, Stdout: out, Stderr: log,
		})
		if err == nil {
			err = fmt.Errorf("the executor exited with %d", end.Code)
		}
		return err
	}
	res, err = opt.fuzz(ctx)
	if err != nil || res.Complaint == "" {
		return res, err
	}
	return res, opt.reproduce(ctx, res, opt.try)
}

// check rejects a run that would do nothing, before a kernel is built.
func (opt *Options) check() error {
	if opt.Time <= 0 || len(opt.Calls) == 0 {
		return fmt.Errorf("fuzz: %d calls, %s: nothing to do", len(opt.Calls), opt.Time)
	}
	return nil
}

// fuzz runs syz-manager.
func (opt *Options) fuzz(ctx context.Context) (res *Result, err error) {
	defer opt.Progress.Step("fuzz", opt.Time.String())(&err)
	log, err := os.Create(filepath.Join(opt.Dir, managerLog))
	if err != nil {
		return nil, fmt.Errorf("fuzz: %w", err)
	}
	defer log.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("fuzz: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	f := &fuzzing{opt: opt, cancel: cancel, result: &Result{}}
	f.counter = &counter{each: f.executed, calls: opt.Calls}
	p := &pool{ctx: ctx, boot: f.boot, ended: f.ended}
	px := &proxy{pool: p, failed: cancel}
	var serving sync.WaitGroup
	serving.Go(func() { px.serve(ctx, l) })
	m := &manager{tools: opt.Tools, workdir: filepath.Join(opt.Dir, "syz"), calls: opt.Calls, procs: 2, log: log}
	// The manager lives until it has written the crash.
	alive, end := context.WithCancel(context.WithoutCancel(ctx))
	managed := make(chan error, 1)
	go func() { managed <- m.run(alive, l.Addr(), f.counter) }()
	select {
	case err = <-managed:
		cancel(err)
	case <-ctx.Done():
	}
	p.running.Wait()
	f.mu.Lock()
	crashed := f.result.Complaint != ""
	f.mu.Unlock()
	if crashed && err == nil {
		f.log, err = waitCrash(alive, m.workdir)
		if err != nil {
			// syz-manager does not take every warning for a crash.
			f.result.Ended = append(f.result.Ended, err.Error())
			err = nil
		}
	}
	end()
	if err == nil {
		<-managed
	}
	serving.Wait()
	return f.finish(ctx, p, err)
}

// errDone ends the fuzzing.
var errDone = errors.New("the time is over")

// errCrash ends the fuzzing because the kernel panicked or warned.
var errCrash = errors.New("the kernel panicked or warned")

// fuzzing is the state of a run.
type fuzzing struct {
	opt     *Options
	cancel  context.CancelCauseFunc
	counter *counter
	log     []byte

	mu     sync.Mutex
	first  time.Time
	result *Result
}

// begin starts the clock when the first guest is up.
func (f *fuzzing) begin() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.first.IsZero() {
		f.first = time.Now()
		time.AfterFunc(f.opt.Time, func() { f.cancel(errDone) })
	}
}

// executed receives the manager's numbers.
func (f *fuzzing) executed(s Stats) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.first.IsZero() {
		f.opt.Progress.Emit(progress.Event{Step: "fuzz", State: progress.Advanced, Done: int64(s.Executed), Unit: "programs",
			Elapsed: time.Since(f.first)})
	}
}

// boot runs the executor in a new guest.
func (f *fuzzing) boot(ctx context.Context, index, number int, up func(), in io.Reader, out, log, console io.Writer) error {
	file, err := os.Create(filepath.Join(f.opt.Dir, fmt.Sprintf("console-%d.log", index+1)))
	if err != nil {
		return err
	}
	defer file.Close()
	return f.opt.boot(ctx, index, number, func() { f.begin(); up() }, in, out, log, io.MultiWriter(file, console))
}

// quiet returns the source without progress, since it is already built.
func (opt *Options) quiet() prepare.Source {
	s := opt.Source
	s.Progress = nil
	return s
}

// ended handles the end of a guest.
func (f *fuzzing) ended(index int, started time.Time, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var kernel *run.KernelError
	switch {
	case errors.As(err, &kernel):
		if f.result.Complaint == "" {
			f.result.Complaint = kernel.Error()
			if !f.first.IsZero() {
				f.result.Elapsed = time.Since(f.first)
			}
		}
		f.cancel(errCrash)
	case err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, errDone) && !errors.Is(err, errCrash):
		f.result.Ended = append(f.result.Ended, fmt.Sprintf("guest %d after %s: %v", index+1, time.Since(started).Round(time.Second), err))
		if len(f.result.Ended) >= maxEnded {
			f.cancel(fmt.Errorf("guests end early: %w", err))
		}
	}
}

// maxEnded is how many guests may end early, for reasons that are not the kernel's.
const maxEnded = 5

// finish completes the result. failed is an error of the manager.
func (f *fuzzing) finish(ctx context.Context, p *pool, failed error) (*Result, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.result
	r.Stats, r.Guests = f.counter.stats(), p.count()
	if seeds := f.counter.brokenSeeds(); len(seeds) > 0 {
		return r, fmt.Errorf("syz-manager cannot read the corpus: %s", strings.Join(seeds, "; "))
	}
	if calls := f.counter.disabledCalls(); len(calls) > 0 {
		return r, fmt.Errorf("syz-manager does not use all calls: %s", strings.Join(calls, "; "))
	}
	if r.Complaint != "" {
		return r, errors.Join(os.WriteFile(filepath.Join(f.opt.Dir, CrashFile), []byte(r.Complaint+"\n"), 0o644),
			os.WriteFile(filepath.Join(f.opt.Dir, LogFile), f.log, 0o644))
	}
	if !f.first.IsZero() {
		r.Elapsed = time.Since(f.first)
	}
	cause := context.Cause(ctx)
	switch {
	case failed != nil:
		return r, failed
	case !errors.Is(cause, errDone):
		return r, cause
	case r.Executed == 0:
		return r, ErrNothing
	}
	return r, nil
}
