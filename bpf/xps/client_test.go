// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// socketFilter is a program for requests to a fake kernel.
func socketFilter() handle { return handle{fd: 5, typ: ebpf.SocketFilter} }

func attachFake(ctx context.Context, c *Client, flags uint32) error {
	return c.attach(ctx, 7, change{fd: 5, flags: flags}, socketFilter(), handle{fd: -1})
}

// methods are all operations of a Client that the kernel may refuse.
func methods() map[string]func(*Client) error {
	ctx := context.Background()
	return map[string]func(*Client) error{
		opAttach:  func(c *Client) error { return attachFake(ctx, c, 0) },
		opDetach:  func(c *Client) error { return c.Detach(ctx, 7, nil) },
		opQuery:   func(c *Client) error { _, err := c.Query(ctx, 7, nil); return err },
		opList:    func(c *Client) error { _, err := c.List(ctx, nil); return err },
		opSupport: func(c *Client) error { return c.Supported(ctx) },
		opWatch:   func(c *Client) error { _, err := newWatcher(ctx, c); return err },
	}
}

func sentinels() []error {
	return []error{
		ErrNotSupported, ErrDevice, ErrAttached, ErrLinked, ErrDetached, ErrNotLink, ErrUnexpectedProgram,
		ErrNoDevice, ErrNetNS, ErrPermission, ErrBadProgram, ErrBadOptions, ErrInterrupted, ErrOverrun, ErrNotBPFFS,
	}
}

// expectSentinel fails the test unless err wraps want and no other sentinel.
func expectSentinel(tb testing.TB, err, want error) {
	tb.Helper()
	for _, s := range sentinels() {
		if errors.Is(err, s) != (s == want) {
			tb.Errorf("errors.Is(%v, %v) is %t", err, s, errors.Is(err, s))
		}
	}
}

// refuse answers a request with an errno and an extack message and offset.
func refuse(req netlink.Message, errno unix.Errno) []netlink.Message {
	// NLMSGERR_ATTR_MSG "because" and NLMSGERR_ATTR_OFFS 36.
	said := wire(u16(12), u16(1), []byte("because\x00"), u16(8), u16(2), u32(36))
	return reply(req, 2, tlvs, wire(ack(req, -int32(errno)), req.Data, said))
}

// TestErrnos tests every method with every errno that the kernel may return.
func TestErrnos(t *testing.T) {
	set := map[unix.Errno]error{
		unix.EBUSY: ErrLinked, unix.EEXIST: ErrUnexpectedProgram, unix.ENODEV: ErrNoDevice,
		unix.EPERM: ErrPermission, unix.EBADF: ErrBadProgram, unix.EOPNOTSUPP: ErrDevice,
	}
	get := map[unix.Errno]error{unix.ENODEV: ErrNoDevice}
	errnos := []unix.Errno{
		unix.EBUSY, unix.EEXIST, unix.ENODEV, unix.EPERM, unix.EACCES, unix.EBADF, unix.EOPNOTSUPP,
		unix.EINVAL, unix.ENOMEM, unix.ENOBUFS,
	}
	for _, errno := range errnos {
		for op, do := range methods() {
			changes := op == opAttach || op == opDetach
			lists := op == opList || op == opWatch
			if lists && errno == unix.EBUSY {
				// EBUSY: another dump is running. The client retries, see TestListWhileDumping.
				continue
			}
			meanings, call := get, callGetlink
			if changes {
				meanings, call = set, callSetlink
			}
			t.Run(fmt.Sprintf("%s/%s", op, unix.ErrnoName(errno)), func(t *testing.T) {
				answer := func(req netlink.Message) []netlink.Message { return refuse(req, errno) }
				if changes {
					answer = xpsKernel(detached(), answer)
				}
				c, _ := fakeClient(t, nil, answer)

				err := do(c)
				e := (*Error)(nil)
				if !errors.As(err, &e) {
					t.Fatalf("%v is not an *Error", err)
				}
				got := Error{Op: e.Op, Call: e.Call, Errno: e.Errno, Message: e.Message, Offset: e.Offset}
				want := Error{Op: op, Call: string(call), Errno: errno, Message: "because", Offset: 36}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if !errors.Is(err, errno) {
					t.Errorf("%v does not wrap the errno", err)
				}
				expectSentinel(t, err, meanings[errno])
			})
		}
	}
}

// foreign are attributes of number 70 that are not the nest of the hook.
func foreign() map[string][]byte {
	return map[string][]byte{
		"none":                     nil,
		"u8":                       wire(u16(5), u16(70), u8(1), zero(3)),
		"u32":                      wire(u16(8), u16(70), u32(1)),
		"u64":                      wire(u16(12), u16(70), u32(1), u32(0)),
		"text":                     wire(u16(13), u16(70), []byte("eth0.100\x00"), zero(3)),
		"empty":                    wire(u16(4), u16(70)),
		"nest without ATTACHED":    wire(u16(12), u16(70), u16(8), u16(1), u32(5)),
		"ATTACHED of four bytes":   wire(u16(12), u16(70), u16(8), u16(2), u32(0)),
		"ATTACHED of 2":            wire(u16(12), u16(70), u16(5), u16(2), u8(2), zero(3)),
		"ATTACHED twice":           wire(u16(20), u16(70), u16(5), u16(2), u8(0), zero(3), u16(5), u16(2), u8(0), zero(3)),
		"attached without an id":   wire(u16(12), u16(70), u16(5), u16(2), u8(1), zero(3)),
		"an id without attached":   wire(u16(20), u16(70), u16(5), u16(2), u8(0), zero(3), u16(8), u16(4), u32(1)),
		"an id of 0":               wire(u16(20), u16(70), u16(5), u16(2), u8(1), zero(3), u16(8), u16(4), u32(0)),
		"an id of 0, detached":     wire(u16(20), u16(70), u16(5), u16(2), u8(0), zero(3), u16(8), u16(4), u32(0)),
		"an id of one byte":        wire(u16(20), u16(70), u16(5), u16(2), u8(1), zero(3), u16(5), u16(4), u8(1), zero(3)),
		"with an fd":               wire(u16(20), u16(70), u16(5), u16(2), u8(0), zero(3), u16(8), u16(1), s32(-1)),
		"longer than the nest":     wire(u16(12), u16(70), u16(9), u16(2), u8(0), zero(3)),
		"two bytes after ATTACHED": wire(u16(14), u16(70), u16(5), u16(2), u8(0), zero(3), u16(9), zero(2)),
	}
}

// TestNotSupported: no change is sent to a kernel where attribute 70 does not exist or
// is another one.
func TestNotSupported(t *testing.T) {
	for what, attr := range foreign() {
		for op, do := range methods() {
			t.Run(op+"/"+what, func(t *testing.T) {
				c, f := fakeClient(t, nil, func(req netlink.Message) []netlink.Message {
					if req.Header.Type == 19 {
						return succeed(req)
					}
					if req.Header.Flags&netlink.Dump != 0 {
						msgs := reply(req, 16, multi, newlink(1, attr), newlink(7, attr))
						return append(msgs, reply(req, 3, multi, s32(0))...)
					}
					return reply(req, 16, 0, newlink(int32(binary.NativeEndian.Uint32(req.Data[4:])), attr))
				})
				for range 2 {
					err := do(c)
					expectSentinel(t, err, ErrNotSupported)
				}
				for _, typ := range f.requests() {
					if typ != 18 {
						t.Errorf("sent %d to a kernel without the hook", typ)
					}
				}
			})
		}
	}
}

// TestSupportIsProbedOnce: only the first change of a client looks for the hook.
func TestSupportIsProbedOnce(t *testing.T) {
	c, f := fakeClient(t, nil, xpsKernel(detached(), succeed))
	for range 3 {
		if err := c.Detach(t.Context(), 7, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Supported(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]netlink.HeaderType{18, 19, 19, 19}, f.requests()[:4]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestArguments(t *testing.T) {
	ctx := t.Context()
	c, f := fakeClient(t, nil, succeed)
	for _, ifindex := range []int{0, -1, 1 << 31, 1<<32 + 1} {
		for name, err := range map[string]error{
			"attach": c.Attach(ctx, ifindex, nil, nil),
			"detach": c.Detach(ctx, ifindex, nil),
			"query":  func() error { _, err := c.Query(ctx, ifindex, nil); return err }(),
		} {
			if !errors.Is(err, ErrNoDevice) {
				t.Errorf("%s %d: %v, want %v", name, ifindex, err, ErrNoDevice)
			}
		}
	}
	some := &ebpf.Program{}
	for name, tt := range map[string]struct{ err, want error }{
		"attach nil":          {c.Attach(ctx, 7, nil, nil), ErrBadProgram},
		"no replace, program": {c.Attach(ctx, 7, nil, &AttachOptions{NoReplace: true, Expected: some}), ErrBadOptions},
		"no replace, id":      {c.Attach(ctx, 7, nil, &AttachOptions{NoReplace: true, ExpectedID: 3}), ErrBadOptions},
		"program, id":         {c.Detach(ctx, 7, &DetachOptions{Expected: some, ExpectedID: 3}), ErrBadOptions},
	} {
		if !errors.Is(tt.err, tt.want) {
			t.Errorf("%s: %v, want %v", name, tt.err, tt.want)
		}
	}
	if sent := f.requests(); sent != nil {
		t.Errorf("sent %v", sent)
	}
}

func TestBadProgramNamesItsType(t *testing.T) {
	invalid := func(req netlink.Message) []netlink.Message {
		return reply(req, 2, 0, wire(ack(req, -int32(unix.EINVAL)), req.Data))
	}
	c, _ := fakeClient(t, nil, xpsKernel(detached(), invalid))
	err := c.attach(t.Context(), 7, change{fd: 5}, handle{fd: 5, typ: ebpf.XDP}, handle{fd: -1})
	if !errors.Is(err, ErrBadProgram) || !errors.Is(err, unix.EINVAL) {
		t.Errorf("%v, want %v and EINVAL", err, ErrBadProgram)
	}
	const want = "attach xps: eth0: not a program for the XPS hook: its type is XDP, want SocketFilter: invalid argument"
	if err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
}

// TestBusyWithNoReplace: EBUSY means ErrAttached with NoReplace, else ErrLinked.
func TestBusyWithNoReplace(t *testing.T) {
	busy := func(req netlink.Message) []netlink.Message { return refuse(req, unix.EBUSY) }
	for flags, want := range map[uint32]error{0: ErrLinked, 1: ErrAttached, 2: ErrLinked} {
		c, _ := fakeClient(t, nil, xpsKernel(attached(3), busy))
		expectSentinel(t, attachFake(t.Context(), c, flags), want)
	}
}

func TestQueryAndList(t *testing.T) {
	c, _ := fakeClient(t, nil, xpsKernel(attached(300), nil))
	got, err := c.Query(t.Context(), 7, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := State{Ifindex: 7, Name: "eth0", Attached: true, ProgramID: 300}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}

	list, err := c.List(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	wantList := []State{
		{Ifindex: 1, Name: "eth0"},
		{Ifindex: 2, Name: "eth0", Attached: true, ProgramID: 300},
	}
	if diff := cmp.Diff(wantList, list); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMalformedAnswers(t *testing.T) {
	tests := map[string]func(req netlink.Message) []netlink.Message{
		"two messages": func(req netlink.Message) []netlink.Message {
			return reply(req, 16, 0, newlink(7, detached()), newlink(7, detached()))
		},
		"another device": func(req netlink.Message) []netlink.Message {
			return reply(req, 16, 0, newlink(8, detached()))
		},
		"another type": func(req netlink.Message) []netlink.Message {
			return reply(req, 17, 0, newlink(7, detached()))
		},
		"truncated": func(req netlink.Message) []netlink.Message {
			return reply(req, 16, 0, zero(4))
		},
	}
	for name, answer := range tests {
		c, _ := fakeClient(t, nil, answer)
		if s, err := c.Query(t.Context(), 7, nil); !errors.Is(err, errMalformed) || s != (State{}) {
			t.Errorf("%s: %+v, %v, want %v", name, s, err, errMalformed)
		}
	}
}

func TestWarnings(t *testing.T) {
	var got []Warning
	warn := wire(u16(11), u16(1), []byte("hollow\x00"), zero(1))
	var c *Client
	c, _ = fakeClient(t, &Config{Warn: func(w Warning) {
		got = append(got, w)
		// The callback may use the client.
		if _, err := c.Query(t.Context(), w.Ifindex, nil); err != nil {
			t.Error(err)
		}
	}}, xpsKernel(detached(), func(req netlink.Message) []netlink.Message {
		return reply(req, 2, capped|tlvs, ack(req, 0, warn))
	}))
	if err := attachFake(t.Context(), c, 0); err != nil {
		t.Fatal(err)
	}
	want := []Warning{{Op: "attach", Ifindex: 7, Message: "hollow"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestUnreadableWarningIsNoFailure: the kernel has made the change, so a
// malformed warning is no error.
func TestUnreadableWarningIsNoFailure(t *testing.T) {
	var got []Warning
	c, _ := fakeClient(t, &Config{Warn: func(w Warning) { got = append(got, w) }},
		xpsKernel(detached(), func(req netlink.Message) []netlink.Message {
			return reply(req, 2, capped|tlvs, ack(req, 0, u16(99)))
		}))
	if err := c.Detach(t.Context(), 7, nil); err != nil {
		t.Error(err)
	}
	if len(got) != 1 {
		t.Errorf("warnings %v, want one", got)
	}
}

// TestClosedClient: every method of a closed Client or Watcher says so.
func TestClosedClient(t *testing.T) {
	for op, do := range methods() {
		c, _ := fakeClient(t, nil, xpsKernel(detached(), succeed))
		for range 2 {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
		err := do(c)
		e := (*Error)(nil)
		if !errors.Is(err, os.ErrClosed) || !errors.As(err, &e) {
			t.Errorf("%s: %v, want an *Error with %v", op, err, os.ErrClosed)
		}
		expectSentinel(t, err, nil)
	}
}

// TestCloseEndsCalls: Close ends calls that wait for the kernel, and calls that wait
// for another call.
func TestCloseEndsCalls(t *testing.T) {
	c, f := fakeClient(t, nil, func(netlink.Message) []netlink.Message { return nil })
	errs := make(chan error)
	for range 3 {
		go func() { _, err := c.Query(context.Background(), 7, nil); errs <- err }()
	}
	waitUntil(t, func() bool { return len(f.requests()) == 1 })
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	for range 3 {
		if err := <-errs; !errors.Is(err, os.ErrClosed) {
			t.Errorf("%v, want %v", err, os.ErrClosed)
		}
	}
}

func waitUntil(tb testing.TB, ok func() bool) {
	tb.Helper()
	for !ok() {
		if tb.Context().Err() != nil {
			tb.Fatal("the test ended first")
		}
		time.Sleep(time.Millisecond)
	}
}

// TestConcurrentUse is for the race detector.
func TestConcurrentUse(t *testing.T) {
	c, _ := fakeClient(t, nil, xpsKernel(attached(9), succeed))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 20 {
				if s, err := c.Query(t.Context(), i+1, nil); err != nil || s.Ifindex != i+1 {
					t.Errorf("query %d: %+v, %v", i+1, s, err)
				}
				if err := c.Detach(t.Context(), i+1, nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
