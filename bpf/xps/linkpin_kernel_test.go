// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	ebpflink "github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"xpsgen/bpf/xps"
)

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

// TestKernelNotALink: a path, an id or a descriptor of something else is an error.
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

// TestKernelLinkCollected: the garbage collector closes an unreachable Link. A pinned
// or disowned attachment stays.
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

// TestKernelLinkPinMoves: a second pin moves the file, and replaces no other.
func TestKernelLinkPinMoves(t *testing.T) {
	requireHook(t, nil)
	d0 := mustAdd(t, "d0")
	requireLinks(t, d0)
	dir := mustBPFFS(t)
	a, b, other := filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "other")
	prog := mustProgram(t, 1)
	if err := prog.Pin(other); err != nil {
		t.Fatal(err)
	}
	l := mustLink(t, d0, prog)
	for _, path := range []string{a, a, b} {
		if err := l.Pin(path); err != nil {
			t.Fatal(err)
		}
	}
	again, err := xps.OpenLink(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := again.Pin(other); !errors.Is(err, os.ErrExist) {
		t.Errorf("%v, want %v", err, os.ErrExist)
	}
	if err := again.Pin(a); err != nil {
		t.Error(err)
	}
	// The file that l knows is gone.
	if err := l.Unpin(); err != nil {
		t.Error(err)
	}
	if err := l.Pin(b); err != nil {
		t.Error(err)
	}
	for _, path := range []string{a, b} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	if err := errors.Join(again.Unpin(), l.Unpin(), again.Unpin()); err != nil {
		t.Error(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "other" {
		t.Errorf("%v, %v, want other alone", entries, err)
	}
}

// TestKernelOpenLinkOfMountNamespace opens a link in a BPF file system that only the
// calling thread sees, under a context that can end.
func TestKernelOpenLinkOfMountNamespace(t *testing.T) {
	requireHook(t, nil)
	d0 := mustAdd(t, "d0")
	requireLinks(t, d0)
	a := mustProgram(t, 1)
	dir := t.TempDir()
	// mustAdd has locked the thread, which ends with the test.
	if err := errors.Join(unix.Unshare(unix.CLONE_NEWNS), unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""),
		unix.Mount("bpf", dir, "bpf", 0, "")); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	path := filepath.Join(dir, "link")
	if err := mustLink(t, d0, a).Pin(path); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	again, err := xps.OpenLink(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	expectLink(t, again, d0, a)
	if err := again.Unpin(); err != nil {
		t.Error(err)
	}
}

// TestKernelOpenLinkGivenUp: a call with a cancelled context leaves no descriptor open.
func TestKernelOpenLinkGivenUp(t *testing.T) {
	requireHook(t, nil)
	d0 := mustAdd(t, "d0")
	requireLinks(t, d0)
	l := mustLink(t, d0, mustProgram(t, 1))
	path := filepath.Join(mustBPFFS(t), "link")
	if err := l.Pin(path); err != nil {
		t.Fatal(err)
	}
	before := openFiles(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 10 {
		_, fdErr := xps.LinkFromFD(ctx, l.FD())
		_, pathErr := xps.OpenLink(ctx, path)
		for _, err := range []error{fdErr, pathErr} {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%v, want %v", err, context.Canceled)
			}
		}
	}
	waitForFiles(t, before)
}
