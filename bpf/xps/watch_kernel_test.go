// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"xpsgen/bpf/xps"
)

func TestKernelList(t *testing.T) {
	c := requireHook(t, nil)
	d0, d1, d2 := mustAdd(t, "d0"), mustAdd(t, "d1"), mustAdd(t, "d2")
	prog := mustProgram(t, 1)
	if err := c.Attach(t.Context(), d1, prog, nil); err != nil {
		t.Fatal(err)
	}
	got, err := c.List(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []xps.State{
		{Ifindex: 1, Name: "lo", MaxQueues: 1},
		{Ifindex: d0, Name: "d0", MaxQueues: queues},
		{Ifindex: d1, Name: "d1", MaxQueues: queues, Attached: true, ProgramID: mustID(t, prog)},
		{Ifindex: d2, Name: "d2", MaxQueues: queues},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func mustWatch(tb testing.TB, ctx context.Context, cfg *xps.Config) *xps.Watcher {
	tb.Helper()
	w, err := xps.Watch(ctx, cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := w.Close(); err != nil {
			tb.Error(err)
		}
	})
	return w
}

func TestKernelWatch(t *testing.T) {
	c := requireHook(t, nil)
	rtnl := mustRtnetlink(t)
	d0 := mustAdd(t, "d0")
	a, b := mustProgram(t, 1), mustProgram(t, 2)
	if err := c.Attach(t.Context(), d0, a, nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	w := mustWatch(t, ctx, nil)

	d1 := mustAdd(t, "d1")
	for _, err := range []error{
		c.Attach(t.Context(), d0, b, nil),
		c.Attach(t.Context(), d0, b, nil), // no change
		c.Detach(t.Context(), d0, nil),
		c.Detach(t.Context(), d0, nil), // no change
		c.Attach(t.Context(), d1, a, nil),
		rtnl.del(d1),
		c.Attach(t.Context(), d0, a, nil),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}

	none := func(ifindex int, name string) xps.State {
		return xps.State{Ifindex: ifindex, Name: name, MaxQueues: queues}
	}
	withA, withB := none(d0, "d0"), none(d0, "d0")
	withA.Attached, withA.ProgramID = true, mustID(t, a)
	withB.Attached, withB.ProgramID = true, mustID(t, b)
	d1WithA := none(d1, "d1")
	d1WithA.Attached, d1WithA.ProgramID = true, mustID(t, a)

	for _, want := range []xps.Event{
		{Ifindex: d0, Name: "d0", Old: withA, New: withB},
		{Ifindex: d0, Name: "d0", Old: withB, New: none(d0, "d0")},
		{Ifindex: d1, Name: "d1", Old: none(d1, "d1"), New: d1WithA},
		{Ifindex: d1, Name: "d1", Old: d1WithA, New: none(d1, "d1"), Removed: true},
		{Ifindex: d0, Name: "d0", Old: none(d0, "d0"), New: withA},
	} {
		got, err := w.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// TestKernelWatchOverrun: a watcher that is not read loses notifications, returns
// ErrOverrun, and then the difference.
func TestKernelWatchOverrun(t *testing.T) {
	c := requireHook(t, nil)
	d0 := mustAdd(t, "d0")
	a, b := mustProgram(t, 1), mustProgram(t, 2)
	if err := c.Attach(t.Context(), d0, a, nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	w := mustWatch(t, ctx, nil)

	// A notification takes more than a kilobyte of a buffer of 208 KiB.
	for range 500 {
		if err := errors.Join(c.Attach(t.Context(), d0, b, nil), c.Attach(t.Context(), d0, a, nil)); err != nil {
			t.Fatal(err)
		}
	}
	if e, err := w.Next(t.Context()); !errors.Is(err, xps.ErrOverrun) {
		t.Fatalf("%+v, %v, want %v", e, err, xps.ErrOverrun)
	}
	// After an overrun, the kernel does not queue the notification of this change.
	if err := c.Detach(t.Context(), d0, nil); err != nil {
		t.Fatal(err)
	}

	none := xps.State{Ifindex: d0, Name: "d0", MaxQueues: queues}
	withA := xps.State{Ifindex: d0, Name: "d0", MaxQueues: queues, Attached: true, ProgramID: mustID(t, a)}
	want := xps.Event{Ifindex: d0, Name: "d0", Old: withA, New: none}
	for range 2 {
		got, err := w.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		// Watching continues.
		if err := c.Attach(t.Context(), d0, a, nil); err != nil {
			t.Fatal(err)
		}
		want = xps.Event{Ifindex: d0, Name: "d0", Old: none, New: withA}
	}
}

func TestKernelWatchEnds(t *testing.T) {
	requireHook(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancelled, closed := mustWatch(t, ctx, nil), mustWatch(t, t.Context(), nil)
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := cancelled.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
	time.AfterFunc(20*time.Millisecond, func() { closed.Close() })
	if _, err := closed.Next(t.Context()); !errors.Is(err, os.ErrClosed) {
		t.Errorf("%v, want %v", err, os.ErrClosed)
	}
}

// TestKernelNetNS: a client works in the given namespace and not in that of
// its callers, also after the descriptor is closed.
func TestKernelNetNS(t *testing.T) {
	requireHook(t, nil)
	fd, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	d0 := mustAdd(t, "in-here")

	type result struct {
		states []xps.State
		event  xps.Event
		err    error
	}
	results := make(chan result)
	go func() {
		var r result
		defer func() { results <- r }()
		runtime.LockOSThread()
		if r.err = unix.Unshare(unix.CLONE_NEWNET); r.err != nil {
			return
		}
		c, err := xps.Dial(&xps.Config{NetNS: fd})
		if err != nil {
			r.err = err
			return
		}
		defer c.Close()
		w, err := xps.Watch(t.Context(), &xps.Config{NetNS: fd})
		if err != nil {
			r.err = err
			return
		}
		defer w.Close()
		if r.err = unix.Close(fd); r.err != nil {
			return
		}
		if r.err = c.Attach(t.Context(), d0, mustProgram(t, 1), nil); r.err != nil {
			return
		}
		if r.event, r.err = w.Next(t.Context()); r.err != nil {
			return
		}
		r.states, r.err = c.List(t.Context(), nil)
	}()
	r := <-results
	if r.err != nil {
		t.Fatal(r.err)
	}
	if len(r.states) != 2 || r.states[1].Name != "in-here" || !r.states[1].Attached {
		t.Errorf("%+v, want lo and in-here with a program", r.states)
	}
	if r.event.Ifindex != d0 {
		t.Errorf("event %+v, want one of in-here", r.event)
	}
}

func TestKernelClose(t *testing.T) {
	c := requireHook(t, nil)
	for range 2 {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.List(t.Context(), nil); !errors.Is(err, os.ErrClosed) {
		t.Errorf("%v, want %v", err, os.ErrClosed)
	}
}
