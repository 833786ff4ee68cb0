// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"xpsgen/bpf/xps"
)

// requireLinks skips the test on a kernel whose hook has no links: the series that
// adds links is optional.
func requireLinks(tb testing.TB, ifindex int) {
	tb.Helper()
	l, err := xps.AttachLink(tb.Context(), ifindex, mustProgram(tb, 1), nil)
	if errors.Is(err, xps.ErrNotSupported) {
		skipUnlessRequired(tb, "xps", "this kernel has no links to the XPS hook")
	}
	if err != nil {
		tb.Fatal(err)
	}
	if err := l.Detach(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	if err := l.Close(); err != nil {
		tb.Fatal(err)
	}
}

func mustLink(tb testing.TB, ifindex int, prog *ebpf.Program) *xps.Link {
	tb.Helper()
	l, err := xps.AttachLink(tb.Context(), ifindex, prog, nil)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { l.Close() })
	return l
}

// expectLink fails the test unless the link is about this program and device.
func expectLink(tb testing.TB, l *xps.Link, ifindex int, prog *ebpf.Program) {
	tb.Helper()
	got, err := l.Info(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	if got.ID == 0 {
		tb.Error("a link without an id")
	}
	want := xps.LinkInfo{ID: got.ID, ProgramID: mustID(tb, prog), Ifindex: ifindex}
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("(-want +got):\n%s", diff)
	}
}

// mustDetachSoon waits until the device has no program. The kernel may detach in a
// worker, and the garbage collector may close a link late.
func mustDetachSoon(tb testing.TB, c *xps.Client, ifindex int) {
	tb.Helper()
	for range 6000 {
		s, err := c.Query(tb.Context(), ifindex, nil)
		if err != nil {
			tb.Fatal(err)
		}
		if !s.Attached {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	tb.Error("still attached, though nobody holds the link")
}

func TestKernelLink(t *testing.T) {
	c := requireHook(t, nil)
	d0 := mustAdd(t, "d0")
	requireLinks(t, d0)
	a, b := mustProgram(t, 1), mustProgram(t, 2)

	l := mustLink(t, d0, a)
	expect(t, c, d0, "d0", a)
	expectLink(t, l, d0, a)

	if err := l.Update(t.Context(), b, nil); err != nil {
		t.Fatal(err)
	}
	expect(t, c, d0, "d0", b)
	expectLink(t, l, d0, b)

	if err := l.Update(t.Context(), a, &xps.UpdateOptions{Expected: a}); !errors.Is(err, xps.ErrUnexpectedProgram) || !errors.Is(err, unix.EPERM) {
		t.Errorf("%v, want %v and EPERM", err, xps.ErrUnexpectedProgram)
	}
	expect(t, c, d0, "d0", b)
	if err := l.Update(t.Context(), a, &xps.UpdateOptions{Expected: b}); err != nil {
		t.Error(err)
	}
	expect(t, c, d0, "d0", a)

	xdp := mustProgramOf(t, ebpf.XDP)
	if err := l.Update(t.Context(), xdp, nil); !errors.Is(err, xps.ErrBadProgram) {
		t.Errorf("%v, want %v", err, xps.ErrBadProgram)
	}

	if err := l.Detach(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, c, d0, "d0", nil)
	expectLink(t, l, 0, a)
	if err := l.Update(t.Context(), b, nil); !errors.Is(err, xps.ErrDetached) {
		t.Errorf("%v, want %v", err, xps.ErrDetached)
	}
	if err := l.Detach(t.Context()); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestKernelLinkEndsWithItsHolder(t *testing.T) {
	c := requireHook(t, nil)
	d0 := mustAdd(t, "d0")
	requireLinks(t, d0)

	l := mustLink(t, d0, mustProgram(t, 1))
	dup, err := unix.FcntlInt(uintptr(l.FD()), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err := c.Query(t.Context(), d0, nil); err != nil || !s.Attached {
		t.Errorf("%+v, %v with another descriptor open", s, err)
	}
	unix.Close(dup)
	mustDetachSoon(t, c, d0)
}

func TestKernelLinkExcludesNetlink(t *testing.T) {
	c := requireHook(t, nil)
	d0 := mustAdd(t, "d0")
	requireLinks(t, d0)
	a, b := mustProgram(t, 1), mustProgram(t, 2)

	l := mustLink(t, d0, a)
	for name, err := range map[string]error{
		"attach":  c.Attach(t.Context(), d0, b, nil),
		"same":    c.Attach(t.Context(), d0, a, nil),
		"replace": c.Attach(t.Context(), d0, b, &xps.AttachOptions{Expected: a}),
		"detach":  c.Detach(t.Context(), d0, nil),
		"this":    c.Detach(t.Context(), d0, &xps.DetachOptions{Expected: a}),
	} {
		if !errors.Is(err, xps.ErrLinked) || !errors.Is(err, unix.EBUSY) {
			t.Errorf("%s: %v, want %v and EBUSY", name, err, xps.ErrLinked)
		}
	}
	if err := c.Attach(t.Context(), d0, b, &xps.AttachOptions{NoReplace: true}); !errors.Is(err, xps.ErrAttached) {
		t.Errorf("%v, want %v", err, xps.ErrAttached)
	}
	if _, err := xps.AttachLink(t.Context(), d0, b, nil); !errors.Is(err, xps.ErrAttached) {
		t.Errorf("%v, want %v", err, xps.ErrAttached)
	}
	expect(t, c, d0, "d0", a)
	if err := l.Detach(t.Context()); err != nil {
		t.Fatal(err)
	}

	if err := c.Attach(t.Context(), d0, b, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := xps.AttachLink(t.Context(), d0, a, nil); !errors.Is(err, xps.ErrAttached) || !errors.Is(err, unix.EBUSY) {
		t.Errorf("%v, want %v and EBUSY", err, xps.ErrAttached)
	}
	expect(t, c, d0, "d0", b)
}

func TestKernelLinkOutlivesItsDevice(t *testing.T) {
	requireHook(t, nil)
	nl := mustRtnetlink(t)
	d0 := mustAdd(t, "d0")
	requireLinks(t, d0)
	a := mustProgram(t, 1)

	l := mustLink(t, d0, a)
	if err := nl.del(d0); err != nil {
		t.Fatal(err)
	}
	expectLink(t, l, 0, a)
	if err := l.Update(t.Context(), mustProgram(t, 2), nil); !errors.Is(err, xps.ErrDetached) {
		t.Errorf("%v, want %v", err, xps.ErrDetached)
	}
}

// TestKernelClosedLink: every method of a closed Link says so.
func TestKernelClosedLink(t *testing.T) {
	requireHook(t, nil)
	d0 := mustAdd(t, "d0")
	requireLinks(t, d0)
	ctx := t.Context()
	a := mustProgram(t, 1)
	l := mustLink(t, d0, a)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, infoErr := l.Info(ctx)
	_, disownErr := l.Disown()
	for what, err := range map[string]error{
		"update": l.Update(ctx, a, nil),
		"detach": l.Detach(ctx),
		"pin":    l.Pin("/sys/fs/bpf/xps_test_closed"),
		"unpin":  l.Unpin(),
		"info":   infoErr,
		"disown": disownErr,
	} {
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: %v, want %v", what, err, os.ErrClosed)
		}
	}
	if fd := l.FD(); fd != -1 {
		t.Errorf("descriptor %d", fd)
	}
}

// TestKernelLinkWatched: a Watcher reports what links attach and detach.
func TestKernelLinkWatched(t *testing.T) {
	requireHook(t, nil)
	d0 := mustAdd(t, "d0")
	requireLinks(t, d0)
	w := mustWatch(t, t.Context(), nil)
	a, b := mustProgram(t, 1), mustProgram(t, 2)
	l := mustLink(t, d0, a)
	if err := errors.Join(l.Update(t.Context(), b, nil), l.Close()); err != nil {
		t.Fatal(err)
	}
	for _, id := range []ebpf.ProgramID{mustID(t, a), mustID(t, b), 0} {
		e, err := w.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if e.Ifindex != d0 || e.New.ProgramID != id {
			t.Errorf("%+v, want program %d", e, id)
		}
	}
}

// TestKernelLinkNetNS attaches to a device of a namespace that the calling
// thread is not in.
func TestKernelLinkNetNS(t *testing.T) {
	c := requireHook(t, nil)
	d0 := mustAdd(t, "d0")
	requireLinks(t, d0)
	a := mustProgram(t, 1)

	there, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}

	if _, err := xps.AttachLink(t.Context(), d0, a, nil); !errors.Is(err, xps.ErrNoDevice) {
		t.Errorf("%v, want %v", err, xps.ErrNoDevice)
	}
	l, err := xps.AttachLink(t.Context(), d0, a, &xps.LinkOptions{NetNS: int(there.Fd())})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	expectLink(t, l, d0, a)
	expect(t, c, d0, "d0", a)
}

func TestKernelLinkArguments(t *testing.T) {
	requireHook(t, nil)
	requireLinks(t, mustAdd(t, "d0"))
	if _, err := xps.AttachLink(t.Context(), 999, mustProgram(t, 1), nil); !errors.Is(err, xps.ErrNoDevice) {
		t.Errorf("%v, want %v", err, xps.ErrNoDevice)
	}
	if _, err := xps.AttachLink(t.Context(), 1, mustProgramOf(t, ebpf.XDP), nil); !errors.Is(err, xps.ErrBadProgram) {
		t.Errorf("%v, want %v", err, xps.ErrBadProgram)
	}
}
