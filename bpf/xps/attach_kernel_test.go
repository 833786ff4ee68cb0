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

// TestKernelWithoutHook is for kernels that the other tests skip.
func TestKernelWithoutHook(t *testing.T) {
	requireNetNS(t)
	c := mustDial(t, nil)
	if err := c.Supported(t.Context()); err == nil {
		t.Skip("this kernel has the hook")
	}
	const ifindex = 1 // the loopback device
	prog := mustProgram(t, 1)
	_, queryErr := c.Query(t.Context(), ifindex, nil)
	_, listErr := c.List(t.Context(), nil)
	w, watchErr := xps.Watch(t.Context(), nil)
	_, linkErr := xps.AttachLink(t.Context(), ifindex, prog, nil)
	if f, err := c.Features(t.Context()); f != (xps.Features{}) || err != nil {
		t.Errorf("features %+v, %v", f, err)
	}
	for op, err := range map[string]error{
		"attach": c.Attach(t.Context(), ifindex, prog, nil),
		"detach": c.Detach(t.Context(), ifindex, nil),
		"query":  queryErr,
		"list":   listErr,
		"watch":  watchErr,
		"link":   linkErr,
	} {
		if !errors.Is(err, xps.ErrNotSupported) {
			t.Errorf("%s: %v, want %v", op, err, xps.ErrNotSupported)
		}
	}
	if w != nil {
		t.Error("a watcher and an error")
	}
}

// expect fails the test unless the device has this program, or none for nil.
func expect(tb testing.TB, c *xps.Client, ifindex int, name string, prog *ebpf.Program) {
	tb.Helper()
	want := xps.State{Ifindex: ifindex, Name: name, MaxQueues: queues}
	if prog != nil {
		want.Attached, want.ProgramID = true, mustID(tb, prog)
	}
	got, err := c.Query(tb.Context(), ifindex, nil)
	if err != nil {
		tb.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("(-want +got):\n%s", diff)
	}
}

func TestKernelAttachReplaceDetach(t *testing.T) {
	var warnings []xps.Warning
	c := requireHook(t, &warnings)
	d0 := mustAdd(t, "d0")
	a, b := mustProgram(t, 1), mustProgram(t, 2)

	expect(t, c, d0, "d0", nil)
	for _, prog := range []*ebpf.Program{a, b, b, a} {
		if err := c.Attach(t.Context(), d0, prog, nil); err != nil {
			t.Fatal(err)
		}
		expect(t, c, d0, "d0", prog)
	}
	for range 2 {
		if err := c.Detach(t.Context(), d0, nil); err != nil {
			t.Fatal(err)
		}
		expect(t, c, d0, "d0", nil)
	}
	if len(warnings) != 0 {
		t.Errorf("warnings %v, want none", warnings)
	}
}

// refused fails the test unless err wraps want and errno, and has the message of the
// kernel and the name of the device.
func refused(tb testing.TB, err, want error, errno unix.Errno) {
	tb.Helper()
	e := (*xps.Error)(nil)
	if !errors.As(err, &e) {
		tb.Fatalf("%v is not an *xps.Error", err)
	}
	if !errors.Is(err, want) || e.Errno != errno {
		tb.Errorf("%v, want %v and %v", err, want, errno)
	}
	if e.Message == "" {
		tb.Errorf("%v: no message of the kernel", err)
	}
	if e.Offset == 0 {
		tb.Errorf("%v: no offset of the rejected attribute", err)
	}
	if e.Name != "d0" {
		tb.Errorf("%v: device %q, want d0", err, e.Name)
	}
}

func TestKernelConditions(t *testing.T) {
	c := requireHook(t, nil)
	d0 := mustAdd(t, "d0")
	a, b := mustProgram(t, 1), mustProgram(t, 2)

	refused(t, c.Attach(t.Context(), d0, a, &xps.AttachOptions{Expected: b}), xps.ErrUnexpectedProgram, unix.EEXIST)
	expect(t, c, d0, "d0", nil)
	refused(t, c.Detach(t.Context(), d0, &xps.DetachOptions{Expected: b}), xps.ErrUnexpectedProgram, unix.EEXIST)

	if err := c.Attach(t.Context(), d0, a, &xps.AttachOptions{NoReplace: true}); err != nil {
		t.Fatal(err)
	}
	refused(t, c.Attach(t.Context(), d0, b, &xps.AttachOptions{NoReplace: true}), xps.ErrAttached, unix.EBUSY)
	expect(t, c, d0, "d0", a)
	refused(t, c.Attach(t.Context(), d0, b, &xps.AttachOptions{Expected: b}), xps.ErrUnexpectedProgram, unix.EEXIST)
	expect(t, c, d0, "d0", a)
	if err := c.Attach(t.Context(), d0, b, &xps.AttachOptions{Expected: a}); err != nil {
		t.Fatal(err)
	}
	expect(t, c, d0, "d0", b)

	refused(t, c.Detach(t.Context(), d0, &xps.DetachOptions{Expected: a}), xps.ErrUnexpectedProgram, unix.EEXIST)
	expect(t, c, d0, "d0", b)
	if err := c.Detach(t.Context(), d0, &xps.DetachOptions{Expected: b}); err != nil {
		t.Fatal(err)
	}
	expect(t, c, d0, "d0", nil)
}

// TestKernelExpectedID: conditions by the id of a program.
func TestKernelExpectedID(t *testing.T) {
	c := requireHook(t, nil)
	d0 := mustAdd(t, "d0")
	a, b := mustProgram(t, 1), mustProgram(t, 2)
	ctx, idA, idB := t.Context(), mustID(t, a), mustID(t, b)
	if err := c.Attach(ctx, d0, a, nil); err != nil {
		t.Fatal(err)
	}
	refused(t, c.Attach(ctx, d0, b, &xps.AttachOptions{ExpectedID: idB}), xps.ErrUnexpectedProgram, unix.EEXIST)
	expect(t, c, d0, "d0", a)
	if err := c.Attach(ctx, d0, b, &xps.AttachOptions{ExpectedID: idA}); err != nil {
		t.Fatal(err)
	}
	expect(t, c, d0, "d0", b)
	refused(t, c.Detach(ctx, d0, &xps.DetachOptions{ExpectedID: idA}), xps.ErrUnexpectedProgram, unix.EEXIST)
	err := c.Detach(ctx, d0, &xps.DetachOptions{ExpectedID: 1 << 30})
	if !errors.Is(err, xps.ErrUnexpectedProgram) {
		t.Errorf("an id of no program: %v, want %v", err, xps.ErrUnexpectedProgram)
	}
	if err := c.Detach(ctx, d0, &xps.DetachOptions{ExpectedID: idB}); err != nil {
		t.Fatal(err)
	}
	expect(t, c, d0, "d0", nil)
}

// TestWrongNetNS: a descriptor that is not a network namespace is not mistaken for a
// kernel without the hook.
func TestWrongNetNS(t *testing.T) {
	requireNetNS(t)
	null, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	mnt, err := os.Open("/proc/self/ns/mnt")
	if err != nil {
		t.Fatal(err)
	}
	defer mnt.Close()
	for what, fd := range map[string]int{"a file": int(null.Fd()), "another namespace": int(mnt.Fd()), "nothing": 1 << 20} {
		_, dialErr := xps.Dial(&xps.Config{NetNS: fd})
		_, watchErr := xps.Watch(t.Context(), &xps.Config{NetNS: fd})
		_, linkErr := xps.AttachLink(t.Context(), 1, mustProgram(t, 1), &xps.LinkOptions{NetNS: fd})
		for op, err := range map[string]error{"dial": dialErr, "watch": watchErr, "link": linkErr} {
			if !errors.Is(err, xps.ErrNetNS) || errors.Is(err, xps.ErrNotSupported) || errors.Is(err, xps.ErrBadProgram) {
				t.Errorf("%s in %s: %v, want %v", op, what, err, xps.ErrNetNS)
			}
		}
	}
}

func TestKernelWrongPrograms(t *testing.T) {
	c := requireHook(t, nil)
	d0 := mustAdd(t, "d0")
	a := mustProgram(t, 1)
	if err := c.Attach(t.Context(), d0, a, nil); err != nil {
		t.Fatal(err)
	}
	for _, typ := range []ebpf.ProgramType{ebpf.XDP, ebpf.SchedCLS} {
		refused(t, c.Attach(t.Context(), d0, mustProgramOf(t, typ), nil), xps.ErrBadProgram, unix.EINVAL)
	}
	expect(t, c, d0, "d0", a)
}

// TestKernelClosedProgram: a closed program is rejected. Its descriptor is -1, which
// in a request means to detach.
func TestKernelClosedProgram(t *testing.T) {
	c := requireHook(t, nil)
	d0 := mustAdd(t, "d0")
	a, closed := mustProgram(t, 1), mustProgram(t, 2)
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}

	if err := c.Attach(t.Context(), d0, a, &xps.AttachOptions{Expected: closed}); !errors.Is(err, xps.ErrBadProgram) {
		t.Errorf("in place of a closed program: %v, want %v", err, xps.ErrBadProgram)
	}
	expect(t, c, d0, "d0", nil)
	if err := c.Attach(t.Context(), d0, a, nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Attach(t.Context(), d0, closed, nil); !errors.Is(err, xps.ErrBadProgram) {
		t.Errorf("a closed program: %v, want %v", err, xps.ErrBadProgram)
	}
	if err := c.Detach(t.Context(), d0, &xps.DetachOptions{Expected: closed}); !errors.Is(err, xps.ErrBadProgram) {
		t.Errorf("detach a closed program: %v, want %v", err, xps.ErrBadProgram)
	}
	expect(t, c, d0, "d0", a)
}

func TestKernelNoDevice(t *testing.T) {
	c := requireHook(t, nil)
	const ifindex = 9999
	_, queryErr := c.Query(t.Context(), ifindex, nil)
	for op, err := range map[string]error{
		"attach": c.Attach(t.Context(), ifindex, mustProgram(t, 1), nil),
		"detach": c.Detach(t.Context(), ifindex, nil),
		"query":  queryErr,
	} {
		if !errors.Is(err, xps.ErrNoDevice) || !errors.Is(err, unix.ENODEV) {
			t.Errorf("%s: %v, want %v", op, err, xps.ErrNoDevice)
		}
	}
}

// TestKernelPermission: without CAP_NET_ADMIN, queries succeed and changes
// fail.
func TestKernelPermission(t *testing.T) {
	privileged := requireHook(t, nil)
	d0 := mustAdd(t, "d0")
	a, b := mustProgram(t, 1), mustProgram(t, 2)
	if err := privileged.Attach(t.Context(), d0, a, nil); err != nil {
		t.Fatal(err)
	}

	// Only this thread loses its capabilities. It ends with the test.
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var caps [2]unix.CapUserData
	if err := unix.Capget(&header, &caps[0]); err != nil {
		t.Fatal(err)
	}
	caps[unix.CAP_NET_ADMIN/32].Effective &^= 1 << (unix.CAP_NET_ADMIN % 32)
	if err := unix.Capset(&header, &caps[0]); err != nil {
		t.Fatal(err)
	}

	c := mustDial(t, nil)
	for op, err := range map[string]error{
		"attach": c.Attach(t.Context(), d0, b, nil),
		"detach": c.Detach(t.Context(), d0, nil),
	} {
		if !errors.Is(err, xps.ErrPermission) || !errors.Is(err, unix.EPERM) {
			t.Errorf("%s: %v, want %v", op, err, xps.ErrPermission)
		}
	}
	expect(t, c, d0, "d0", a)
	if _, err := c.List(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// TestKernelHoldsTheProgram: the device holds a program while it is attached, and
// releases it afterwards.
func TestKernelHoldsTheProgram(t *testing.T) {
	c := requireHook(t, nil)
	releases := map[string]func(ifindex int) error{
		"detach":  func(ifindex int) error { return c.Detach(t.Context(), ifindex, nil) },
		"replace": func(ifindex int) error { return c.Attach(t.Context(), ifindex, mustProgram(t, 9), nil) },
		"delete":  mustRtnetlink(t).del,
	}
	for how, release := range releases {
		d := mustAdd(t, "d-"+how)
		prog := mustProgram(t, 1)
		id := mustID(t, prog)
		if err := c.Attach(t.Context(), d, prog, nil); err != nil {
			t.Fatal(err)
		}
		if err := prog.Close(); err != nil {
			t.Fatal(err)
		}
		// Long enough for the kernel to free an unreferenced program.
		time.Sleep(50 * time.Millisecond)
		if !exists(t, id) {
			t.Fatalf("%s: program %d is gone while attached", how, id)
		}
		if err := release(d); err != nil {
			t.Fatalf("%s: %v", how, err)
		}
		deadline := time.Now().Add(2 * time.Minute)
		for exists(t, id) {
			if time.Now().After(deadline) {
				t.Errorf("%s: program %d is still there", how, id)
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

func exists(tb testing.TB, id ebpf.ProgramID) bool {
	tb.Helper()
	prog, err := ebpf.NewProgramFromID(id)
	if errors.Is(err, unix.ENOENT) {
		return false
	}
	if err != nil {
		tb.Fatal(err)
	}
	prog.Close()
	return true
}

// TestKernelBond: a bond refuses a program, by netlink and by a link.
func TestKernelBond(t *testing.T) {
	c := requireHook(t, nil)
	requireLinks(t, mustAdd(t, "d0"))
	bond := mustBond(t, mustRtnetlink(t))
	prog := mustProgram(t, 1)
	_, linkErr := xps.AttachLink(t.Context(), bond, prog, nil)
	for how, err := range map[string]error{"netlink": c.Attach(t.Context(), bond, prog, nil), "link": linkErr} {
		if !errors.Is(err, xps.ErrDevice) || errors.Is(err, xps.ErrNotSupported) {
			t.Errorf("%s: %v, want %v", how, err, xps.ErrDevice)
		}
	}
}
