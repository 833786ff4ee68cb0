// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/ktap"
)

// Decision is the decision of a gate about a test. The zero Decision runs the test and
// keeps its outcome.
type Decision struct {
	// Skip is the reason to report the test as skipped without running it.
	Skip string
	// Fail is the reason to report the test as failed without running it.
	Fail string
	// Doubt runs the test, but turns a pass into a failure for this reason.
	Doubt string
}

// Runner runs groups of tests, one test after the other.
type Runner struct {
	// Writer receives the report. Required.
	Writer *ktap.Writer
	// Scale multiplies deadlines. Zero means 1.
	Scale float64
	// Gate decides about each test. Nil lets every test run.
	Gate func(group string, test Test) Decision
	// Isolate prepares the thread of each test, on that thread: it enters new
	// namespaces. Nil runs tests in the namespaces of the caller.
	Isolate func(t *T)
	// After is called with the full name of each test that ran, before its result is
	// reported. May be nil.
	After func(fullName string)
	// Rerun returns the command that runs one test alone. Nil leaves it out.
	Rerun func(fullName string) string
}

// Run runs all tests and returns how many failed. An error means that the report is
// incomplete: ctx ended, or the report could not be written.
func (r *Runner) Run(ctx context.Context, groups []Group) (failed int, err error) {
	if err := Validate(groups); err != nil {
		return 0, fmt.Errorf("plan the tests: %w", err)
	}
	if err := warmUp(); err != nil {
		return 0, err
	}
	r.Writer.Plan(len(groups))
	for _, g := range groups {
		sub := r.Writer.Sub(g.Name)
		sub.Plan(len(g.Tests))
		bad, skipped := 0, 0
		start := time.Now()
		for _, test := range g.Tests {
			if err := ctx.Err(); err != nil {
				return failed, fmt.Errorf("before %s: %w", FullName(g.Name, test.Name), err)
			}
			switch r.report(ctx, sub, g.Name, test) {
			case ktap.Fail:
				bad++
			case ktap.Skip:
				skipped++
			}
			if err := sub.Err(); err != nil {
				return failed + bad, err
			}
		}
		failed += bad
		r.Writer.Elapsed(time.Since(start).Round(time.Microsecond))
		switch {
		case bad > 0:
			r.Writer.Result(g.Name, ktap.Fail, fmt.Sprintf("%d of %d failed", bad, len(g.Tests)))
		case skipped == len(g.Tests):
			r.Writer.Result(g.Name, ktap.Skip, "all skipped")
		default:
			r.Writer.Result(g.Name, ktap.Pass, "")
		}
	}
	return failed, r.Writer.Err()
}

// report runs one test and writes its result.
func (r *Runner) report(ctx context.Context, w *ktap.Writer, group string, test Test) ktap.Status {
	full := FullName(group, test.Name)
	var d Decision
	if r.Gate != nil {
		d = r.Gate(group, test)
	}
	start := time.Now()
	var (
		status ktap.Status
		reason string
		lines  []string
	)
	switch {
	case d.Fail != "":
		status, reason = ktap.Fail, d.Fail
	case d.Skip != "":
		status, reason = ktap.Skip, d.Skip
	default:
		status, reason, lines = r.one(ctx, full, test, func(line string) { w.Diag("%s", line) })
		if status == ktap.Pass && d.Doubt != "" {
			status, reason = ktap.Fail, d.Doubt
		}
		if r.After != nil {
			r.After(full)
		}
	}
	for _, l := range lines {
		w.Diag("%s", l)
	}
	if status == ktap.Fail && r.Rerun != nil {
		w.Diag("rerun: %s", r.Rerun(full))
	}
	w.Elapsed(time.Since(start).Round(time.Microsecond))
	w.Result(test.Name, status, reason)
	return status
}

// one runs a test until it ends or exceeds its deadline. Messages of [T.Alive] go to live.
func (r *Runner) one(ctx context.Context, full string, test Test, live func(string)) (ktap.Status, string, []string) {
	timeout := test.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	timeout = scaled(timeout, r.Scale)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	before := takeSnapshot()
	t := &T{ctx: ctx, name: full, scale: r.Scale, live: live, alive: time.Now()}
	done := make(chan struct{})
	go r.onOwnThread(t, test, done)
	select {
	case <-done:
		t.ctx = context.WithoutCancel(ctx)
		before.check(t)
	case <-ctx.Done():
		select {
		case <-done:
			t.Errorf("exceeded the timeout of %v", timeout)
		case <-time.After(scaled(time.Second, r.Scale)):
			t.Errorf("still running %v after the timeout of %v; abandoned\n%s",
				scaled(time.Second, r.Scale), timeout, testStack())
		}
	}
	return t.result()
}

// onOwnThread runs the test on a thread that ends with it. The main thread of a process
// must not end, so it is not used.
func (r *Runner) onOwnThread(t *T, test Test, done chan<- struct{}) {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		finished := make(chan struct{})
		go r.onOwnThread(t, test, finished)
		<-finished
		runtime.UnlockOSThread()
		close(done)
		return
	}
	// NB: no UnlockOSThread. If a goroutine ends while locked, the runtime ends its
	// thread, and with it the thread's namespaces, affinity and name.
	defer close(done)
	defer r.cleanUp(t)
	defer catch(t)
	if r.Isolate != nil {
		r.Isolate(t)
	}
	test.Run(t)
}

// cleanUp runs the cleanups. Each one is guarded, so that one that ends early does not
// prevent the others.
func (r *Runner) cleanUp(t *T) {
	for f := t.popCleanup(); f != nil; f = t.popCleanup() {
		ended := make(chan struct{})
		func() {
			// A cleanup may call Fatalf and so Goexit, which cannot be
			// stopped. The deferred call runs the remaining cleanups
			// meanwhile.
			defer func() {
				select {
				case <-ended:
				default:
					r.cleanUp(t)
				}
			}()
			defer catch(t)
			f()
			close(ended)
		}()
	}
}

// catch turns a panic into a failure of the test.
func catch(t *T) {
	if p := recover(); p != nil {
		t.Errorf("panic: %v\n%s", p, trimStack(string(debug.Stack())))
	}
}

// maxStackLines limits how much of a stack is reported.
const maxStackLines = 40

// trimStack removes the runtime's frames above the panic.
func trimStack(stack string) string {
	lines := strings.Split(strings.TrimSpace(stack), "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "panic(") && i+2 < len(lines) {
			lines = lines[i+2:]
			break
		}
	}
	if len(lines) > maxStackLines {
		lines = append(lines[:maxStackLines], "...")
	}
	return strings.Join(lines, "\n")
}

// testStack returns the stack of the goroutine that runs the test, not that of an outer
// onOwnThread that waits for it.
func testStack() string {
	const runs = "check.(*Runner).onOwnThread("
	for _, g := range goroutines() {
		lines := strings.SplitN(g, "\n", 3)
		if len(lines) == 3 && !strings.Contains(lines[1], runs) && strings.Contains(lines[2], runs) {
			return trimStack(g)
		}
	}
	return "(stack not found)"
}

// goroutines returns the stacks of all goroutines.
func goroutines() []string {
	for buf := make([]byte, 16<<10); ; buf = make([]byte, 4*len(buf)) {
		if n := runtime.Stack(buf, true); n < len(buf) {
			return strings.Split(string(buf[:n]), "\n\n")
		}
	}
}

// warmUp makes the runtime open the descriptors that it keeps open, so that the first
// test does not appear to leak them.
func warmUp() error {
	rd, wr, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("warm up: %w", err)
	}
	rd.Close()
	wr.Close()
	return nil
}
