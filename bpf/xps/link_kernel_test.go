// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	ebpflink "github.com/cilium/ebpf/link"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"xpsgen/bpf/xps"
)

// requireLinks skips the test on a kernel whose hook has no links: the patch
// that adds them is one that a series may do without.
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

// mustDetachSoon waits for what a worker of the kernel does when the last
// descriptor of a link is closed.
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

func TestKernelLinkPin(t *testing.T) {
	c := requireHook(t, nil)
	d0 := mustAdd(t, "d0")
	requireLinks(t, d0)
	a := mustProgram(t, 1)

	const bpffs = "/sys/fs/bpf"
	path := filepath.Join(bpffs, "xps_test_link")
	l := mustLink(t, d0, a)
	if err := l.Pin(path); err != nil {
		skipUnlessRequired(t, "xps", "cannot pin in "+bpffs+": "+err.Error())
	}
	t.Cleanup(func() { os.Remove(path) })
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	expect(t, c, d0, "d0", a)

	again, err := xps.OpenLink(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	expectLink(t, again, d0, a)
	if err := again.Unpin(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v: still pinned", err)
	}
	expect(t, c, d0, "d0", a)
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	mustDetachSoon(t, c, d0)

	if _, err := xps.OpenLink(t.Context(), path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v, want %v", err, os.ErrNotExist)
	}
}

// TestKernelNotALink: whatever a path, an id or a descriptor refers to.
func TestKernelNotALink(t *testing.T) {
	requireHook(t, nil)
	requireLinks(t, mustAdd(t, "d0"))
	dir := mustBPFFS(t)
	pin := func(name string, pin func(string) error) string {
		path := filepath.Join(dir, name)
		if err := pin(path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	prog := mustProgram(t, 1)
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	other := mustOtherLink(t)
	plain := filepath.Join(t.TempDir(), "plain")
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := errors.Join(os.WriteFile(plain, nil, 0o600), unix.Mkfifo(fifo, 0o600)); err != nil {
		t.Fatal(err)
	}
	for what, path := range map[string]string{
		"program":    pin("prog", prog.Pin),
		"map":        pin("map", m.Pin),
		"other link": pin("other", other.Pin),
		"BPF folder": dir,
		"file":       plain,
		"fifo":       fifo,
		"folder":     t.TempDir(),
		"device":     "/dev/null",
		"/proc":      "/proc/self/status",
	} {
		l, err := xps.OpenLink(t.Context(), path)
		if !errors.Is(err, xps.ErrNotLink) || errors.Is(err, xps.ErrPermission) || l != nil {
			t.Errorf("%s: %v, want %v alone", what, err, xps.ErrNotLink)
		}
		var e *xps.Error
		if errors.As(err, &e) && e.Remedy != "" {
			t.Errorf("%s: remedy %q", what, e.Remedy)
		}
	}
	if _, err := xps.OpenLink(t.Context(), filepath.Join(dir, "nothing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v, want %v", err, os.ErrNotExist)
	}

	null, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for what, fd := range map[string]int{
		"program": prog.FD(), "map": m.FD(), "other link": other.FD(), "file": int(null.Fd()),
	} {
		if _, err := xps.LinkFromFD(t.Context(), fd); !errors.Is(err, xps.ErrNotLink) {
			t.Errorf("descriptor of a %s: %v, want %v", what, err, xps.ErrNotLink)
		}
	}
	if _, err := xps.LinkFromFD(t.Context(), -1); !errors.Is(err, unix.EBADF) {
		t.Errorf("%v, want %v", err, unix.EBADF)
	}

	info, err := other.Info()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := xps.OpenLinkID(t.Context(), info.ID); !errors.Is(err, xps.ErrNotLink) {
		t.Errorf("%v, want %v", err, xps.ErrNotLink)
	}
	if _, err := xps.OpenLinkID(t.Context(), 1<<30); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v, want %v", err, os.ErrNotExist)
	}
}

// mustBPFFS returns a directory in a BPF file system.
func mustBPFFS(tb testing.TB) string {
	tb.Helper()
	const bpffs = "/sys/fs/bpf"
	dir, err := os.MkdirTemp(bpffs, "xps-test-")
	if err != nil {
		skipUnlessRequired(tb, "xps", "no BPF file system at "+bpffs+": "+err.Error())
	}
	tb.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// mustOtherLink returns a link that is not to the hook: to XDP of the loopback
// device.
func mustOtherLink(tb testing.TB) *ebpflink.RawLink {
	tb.Helper()
	l, err := ebpflink.AttachRawLink(ebpflink.RawLinkOptions{
		Target: 1, Program: mustProgramOf(tb, ebpf.XDP), Attach: ebpf.AttachXDP, Flags: uint32(ebpflink.XDPGenericMode),
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { l.Close() })
	return l
}

// TestKernelLinkCollected: a Link that nothing refers to ends, and what was said
// to keep an attachment keeps it.
func TestKernelLinkCollected(t *testing.T) {
	c := requireHook(t, nil)
	d0 := mustAdd(t, "d0")
	requireLinks(t, d0)
	a := mustProgram(t, 1)
	collect := func() {
		for range 5 {
			runtime.GC()
			time.Sleep(20 * time.Millisecond)
		}
	}
	attachLink := func() *xps.Link {
		l, err := xps.AttachLink(t.Context(), d0, a, nil)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}

	attachLink()
	collect()
	mustDetachSoon(t, c, d0)

	l := attachLink()
	collect()
	expect(t, c, d0, "d0", a)
	path := filepath.Join(mustBPFFS(t), "link")
	if err := l.Pin(path); err != nil {
		t.Fatal(err)
	}
	l = nil
	collect()
	expect(t, c, d0, "d0", a)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	mustDetachSoon(t, c, d0)

	l = attachLink()
	fd, err := l.Disown()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Disown(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("%v, want %v", err, os.ErrClosed)
	}
	collect()
	expect(t, c, d0, "d0", a)
	again, err := xps.LinkFromFD(t.Context(), fd)
	if err != nil {
		t.Fatal(err)
	}
	expectLink(t, again, d0, a)
	if err := errors.Join(again.Close(), unix.Close(fd)); err != nil {
		t.Fatal(err)
	}
	mustDetachSoon(t, c, d0)
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

// TestKernelVia: how a program was attached, and by which link.
func TestKernelVia(t *testing.T) {
	c := requireHook(t, nil)
	ctx := t.Context()
	d0, d1, d2 := mustAdd(t, "d0"), mustAdd(t, "d1"), mustAdd(t, "d2")
	requireLinks(t, d0)
	a := mustProgram(t, 1)
	l := mustLink(t, d0, a)
	info, err := l.Info(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Attach(ctx, d1, a, nil); err != nil {
		t.Fatal(err)
	}
	states, err := c.List(ctx, &xps.ListOptions{Links: true})
	if err != nil {
		t.Fatal(err)
	}
	want := map[int]xps.State{
		d0: {Via: xps.ViaLink, LinkID: info.ID}, d1: {Via: xps.ViaNetlink}, d2: {}, 1: {},
	}
	for _, s := range states {
		if s.Via != want[s.Ifindex].Via || s.LinkID != want[s.Ifindex].LinkID {
			t.Errorf("%s: via %s %d, want %s %d", s.Name, s.Via, s.LinkID, want[s.Ifindex].Via, want[s.Ifindex].LinkID)
		}
		one, err := c.Query(ctx, s.Ifindex, &xps.QueryOptions{Links: true})
		if err != nil || one != s {
			t.Errorf("query %+v, %v, list %+v", one, err, s)
		}
	}
	links, err := xps.Links(ctx)
	if err != nil || !slices.Contains(links, info) {
		t.Errorf("links %+v, %v, want %+v among them", links, err, info)
	}
	again, err := xps.OpenLinkID(ctx, info.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	expectLink(t, again, d0, a)
}

func TestKernelFeatures(t *testing.T) {
	c := requireHook(t, nil)
	requireLinks(t, mustAdd(t, "d0"))
	got, err := c.Features(t.Context())
	if want := (xps.Features{Hook: true, Links: true}); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

// TestKernelLinkWatched: a Watcher sees what links do.
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
