// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"xpsgen/vmtest/ktap"
)

// T is the state of a running test. Its methods may be called from any goroutine, but
// Fatalf and Skipf end only the calling goroutine.
type T struct {
	ctx   context.Context
	name  string
	scale float64

	mu       sync.Mutex
	failed   bool
	skipped  bool
	reason   string
	lines    []string
	notes    []string
	steps    []string
	live     func(line string)
	alive    time.Time
	cleanups []func()
}

// Context ends at the test's deadline.
func (t *T) Context() context.Context { return t.ctx }

// Name returns the full name of the test.
func (t *T) Name() string { return t.name }

// Scaled multiplies d by the slowdown of the guest compared with real hardware.
func (t *T) Scaled(d time.Duration) time.Duration { return scaled(d, t.scale) }

func scaled(d time.Duration, scale float64) time.Duration {
	if scale <= 0 {
		scale = 1
	}
	return time.Duration(float64(d) * scale)
}

// Logf adds a line to the report. It is shown only if the test does not pass.
func (t *T) Logf(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.logLocked(format, args...)
}

// Notef adds a line to the report, even if the test passes. Use it for counts,
// measurements and seeds.
func (t *T) Notef(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

// aliveInterval is the interval between messages of Alive.
const aliveInterval = 10 * time.Second

// Alive reports the progress of a long test, at most once per interval. The host takes a
// guest that is silent for long for a hang.
func (t *T) Alive(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.live == nil || time.Since(t.alive) < aliveInterval {
		return
	}
	t.alive = time.Now()
	t.live(t.name + ": " + fmt.Sprintf(format, args...))
}

func (t *T) logLocked(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if len(t.steps) > 0 {
		text = strings.Join(t.steps, ": ") + ": " + text
	}
	t.lines = append(t.lines, strings.Split(strings.TrimRight(text, "\n"), "\n")...)
}

// Errorf records a failure; the test continues.
func (t *T) Errorf(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.failed {
		text := fmt.Sprintf(format, args...)
		if len(t.steps) > 0 {
			text = strings.Join(t.steps, ": ") + ": " + text
		}
		t.reason, _, _ = strings.Cut(text, "\n")
	}
	t.failed = true
	t.logLocked(format, args...)
}

// Fatalf records a failure and ends the test. Cleanups still run.
func (t *T) Fatalf(format string, args ...any) {
	t.Errorf(format, args...)
	runtime.Goexit()
}

// Skipf ends the test as skipped. The reason should say what is missing and how to supply
// it. A test that already failed stays failed.
func (t *T) Skipf(format string, args ...any) {
	t.mu.Lock()
	t.skipped = true
	if !t.failed {
		t.reason = fmt.Sprintf(format, args...)
	}
	t.mu.Unlock()
	runtime.Goexit()
}

// Failed reports whether the test has failed so far.
func (t *T) Failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed
}

// Cleanup registers f, which runs on the test's thread after the test. The last
// registered runs first. A cleanup may fail the test.
func (t *T) Cleanup(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cleanups = append(t.cleanups, f)
}

// Step runs f and prefixes its failures and log lines with name.
func (t *T) Step(name string, f func()) {
	t.mu.Lock()
	t.steps = append(t.steps, name)
	t.mu.Unlock()
	defer func() {
		t.mu.Lock()
		t.steps = t.steps[:len(t.steps)-1]
		t.mu.Unlock()
	}()
	f()
}

// pollInterval is how often Eventually calls done.
const pollInterval = 500 * time.Microsecond

// Eventually calls done until it returns true. If within (scaled) passes first, the test
// fails and ends; what describes the condition. It calls done once more after the
// deadline, so that a slow machine alone does not fail the test.
func (t *T) Eventually(within time.Duration, what string, done func() bool) {
	if !t.Poll(within, done) {
		t.Fatalf("%s: did not happen within %v", what, t.Scaled(within))
	}
}

// Poll is Eventually without the failure. It reports whether done returned true.
func (t *T) Poll(within time.Duration, done func() bool) bool {
	deadline := time.Now().Add(t.Scaled(within))
	for {
		last := time.Now().After(deadline)
		if done() {
			return true
		}
		if last || t.ctx.Err() != nil {
			return false
		}
		time.Sleep(pollInterval)
	}
}

// Equal fails the test if got differs from expected. The test continues.
func Equal[V comparable](t *T, what string, expected, got V) bool {
	if got == expected {
		return true
	}
	t.Errorf("%s\n  expected: %v\n  seen:     %v", what, expected, got)
	return false
}

// Must ends the test if err is not nil. what names the step.
func (t *T) Must(err error, what string) {
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// result returns the status of a finished test with its reason and diagnostics.
func (t *T) result() (ktap.Status, string, []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := append(append([]string(nil), t.notes...), t.lines...)
	switch {
	case t.failed:
		return ktap.Fail, t.reason, lines
	case t.skipped:
		return ktap.Skip, t.reason, lines
	default:
		return ktap.Pass, "", append([]string(nil), t.notes...)
	}
}

// popCleanup removes and returns the last registered cleanup.
func (t *T) popCleanup() func() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.cleanups) == 0 {
		return nil
	}
	last := len(t.cleanups) - 1
	f := t.cleanups[last]
	t.cleanups = t.cleanups[:last]
	return f
}
