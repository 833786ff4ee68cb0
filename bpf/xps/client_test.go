// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// methods are all operations that the kernel may refuse.
func methods() map[string]func(*Client) error {
	socketFilter := handle{fd: 5, typ: ebpf.SocketFilter}
	return map[string]func(*Client) error{
		opAttach:  func(c *Client) error { return c.attach(7, socketFilter, change{fd: 5}) },
		opDetach:  func(c *Client) error { return c.Detach(7, nil) },
		opQuery:   func(c *Client) error { _, err := c.Query(7); return err },
		opList:    func(c *Client) error { _, err := c.List(); return err },
		opSupport: func(c *Client) error { return c.Supported() },
	}
}

// TestErrnos crosses what the kernel may answer with every method.
func TestErrnos(t *testing.T) {
	sentinels := []error{
		ErrNotSupported, ErrAttached, ErrUnexpectedProgram, ErrNoDevice, ErrPermission, ErrBadProgram,
		ErrBadOptions, ErrInterrupted, ErrOverrun, ErrLinked, ErrDetached, ErrNotLink,
	}
	errnos := map[unix.Errno]error{
		unix.EBUSY:      ErrAttached,
		unix.EEXIST:     ErrUnexpectedProgram,
		unix.ENODEV:     ErrNoDevice,
		unix.EPERM:      ErrPermission,
		unix.EACCES:     ErrPermission,
		unix.EBADF:      ErrBadProgram,
		unix.EOPNOTSUPP: ErrNotSupported,
		unix.EINVAL:     nil,
		unix.ENOMEM:     nil,
	}
	for errno, want := range errnos {
		for op, call := range methods() {
			want := want
			if errno == unix.EBUSY && (op == opAttach || op == opDetach) {
				// Neither asks for a device without a program.
				want = ErrLinked
			}
			t.Run(fmt.Sprintf("%s/%s", op, unix.ErrnoName(errno)), func(t *testing.T) {
				// NLMSGERR_ATTR_MSG "because" and NLMSGERR_ATTR_OFFS 36.
				said := wire(u16(12), u16(1), []byte("because\x00"), u16(8), u16(2), u32(36))
				refuse := func(req netlink.Message) []netlink.Message {
					whole := wire(ack(req, -int32(errno)), req.Data, said)
					return reply(req, 2, tlvs, whole)
				}
				c := fakeClient(t, nil, nil, refuse)
				if op == opAttach || op == opDetach {
					c = fakeClient(t, nil, nil, xpsKernel(detached(), refuse))
				}

				err := call(c)
				e := (*Error)(nil)
				if !errors.As(err, &e) {
					t.Fatalf("%v is not an *Error", err)
				}
				got := Error{Op: e.Op, Errno: e.Errno, Message: e.Message, Offset: e.Offset}
				wantErr := Error{Op: op, Errno: errno, Message: "because", Offset: 36}
				if diff := cmp.Diff(wantErr, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if !errors.Is(err, errno) {
					t.Errorf("%v does not wrap the errno", err)
				}
				for _, s := range sentinels {
					if errors.Is(err, s) != (s == want) {
						t.Errorf("errors.Is(%v, %v) is %t", err, s, errors.Is(err, s))
					}
				}
			})
		}
	}
}

// TestNotSupported: a kernel without the hook takes everything and says so.
func TestNotSupported(t *testing.T) {
	for op, call := range methods() {
		t.Run(op, func(t *testing.T) {
			var sent []netlink.Message
			c := fakeClient(t, nil, &sent, func(req netlink.Message) []netlink.Message {
				if req.Header.Type == 19 {
					return succeed(req)
				}
				if req.Header.Flags&netlink.Dump != 0 {
					msgs := reply(req, 16, multi, newlink(1, nil), newlink(7, nil))
					return append(msgs, reply(req, 3, multi, s32(0))...)
				}
				return reply(req, 16, 0, newlink(int32(req.Data[4]), nil))
			})
			for range 2 {
				if err := call(c); !errors.Is(err, ErrNotSupported) {
					t.Errorf("%v, want %v", err, ErrNotSupported)
				}
			}
			for _, m := range sent {
				if m.Header.Type == 19 {
					t.Error("RTM_SETLINK sent to a kernel that would ignore it")
				}
			}
		})
	}
}

// TestSupportIsAskedForOnce: the good path costs nothing.
func TestSupportIsAskedForOnce(t *testing.T) {
	var sent []netlink.Message
	c := fakeClient(t, nil, &sent, xpsKernel(detached(), succeed))
	for range 3 {
		if err := c.Detach(7, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Supported(); err != nil {
		t.Fatal(err)
	}
	var types []netlink.HeaderType
	for _, m := range sent {
		types = append(types, m.Header.Type)
	}
	if diff := cmp.Diff([]netlink.HeaderType{18, 19, 19, 19}, types); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestArguments(t *testing.T) {
	c := fakeClient(t, nil, nil, func(req netlink.Message) []netlink.Message {
		t.Errorf("sent %v", req)
		return succeed(req)
	})
	for _, ifindex := range []int{0, -1, 1 << 31, 1<<32 + 1} {
		for name, err := range map[string]error{
			"attach": c.Attach(ifindex, nil, nil),
			"detach": c.Detach(ifindex, nil),
			"query":  func() error { _, err := c.Query(ifindex); return err }(),
		} {
			if !errors.Is(err, ErrNoDevice) {
				t.Errorf("%s %d: %v, want %v", name, ifindex, err, ErrNoDevice)
			}
		}
	}
	if err := c.Attach(7, nil, nil); !errors.Is(err, ErrBadProgram) {
		t.Errorf("attach nil: %v, want %v", err, ErrBadProgram)
	}
	opt := &AttachOptions{NoReplace: true, Expected: &ebpf.Program{}}
	if err := c.Attach(7, nil, opt); !errors.Is(err, ErrBadOptions) {
		t.Errorf("attach: %v, want %v", err, ErrBadOptions)
	}
}

func TestBadProgramNamesItsType(t *testing.T) {
	refuse := func(req netlink.Message) []netlink.Message {
		return reply(req, 2, 0, wire(ack(req, -int32(unix.EINVAL)), req.Data))
	}
	c := fakeClient(t, nil, nil, xpsKernel(detached(), refuse))
	err := c.attach(7, handle{fd: 5, typ: ebpf.XDP}, change{fd: 5})
	if !errors.Is(err, ErrBadProgram) || !errors.Is(err, unix.EINVAL) {
		t.Errorf("%v, want %v and EINVAL", err, ErrBadProgram)
	}
	const want = "attach xps: eth0: not a program for the XPS hook: its type is XDP: invalid argument"
	if err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
}

func TestQueryAndList(t *testing.T) {
	c := fakeClient(t, nil, nil, xpsKernel(attached(300), nil))
	got, err := c.Query(7)
	if err != nil {
		t.Fatal(err)
	}
	want := State{Ifindex: 7, Name: "eth0", Attached: true, ProgramID: 300}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}

	list, err := c.List()
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

// TestListInterrupted: the kernel marks a list that changed while it was read.
func TestListInterrupted(t *testing.T) {
	for _, marked := range []int{1, maxDumps - 1, maxDumps} {
		dumps := 0
		c := fakeClient(t, nil, nil, func(req netlink.Message) []netlink.Message {
			dumps++
			flags := netlink.HeaderFlags(multi)
			if dumps <= marked {
				flags |= intr
			}
			msgs := reply(req, 16, multi, newlink(1, detached()))
			msgs = append(msgs, reply(req, 16, flags, newlink(2, detached()))...)
			return append(msgs, reply(req, 3, multi, s32(0))...)
		})
		list, err := c.List()
		if marked < maxDumps && (err != nil || len(list) != 2 || dumps != marked+1) {
			t.Errorf("%d marked: %v, %v after %d dumps", marked, list, err, dumps)
		}
		if marked == maxDumps && !errors.Is(err, ErrInterrupted) {
			t.Errorf("%d marked: %v, want %v", marked, err, ErrInterrupted)
		}
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
		"cut short": func(req netlink.Message) []netlink.Message {
			return reply(req, 16, 0, zero(4))
		},
	}
	for name, answer := range tests {
		if s, err := fakeClient(t, nil, nil, answer).Query(7); !errors.Is(err, errMalformed) || s != (State{}) {
			t.Errorf("%s: %+v, %v, want %v", name, s, err, errMalformed)
		}
	}
}

func TestWarnings(t *testing.T) {
	var got []Warning
	warn := wire(u16(11), u16(1), []byte("hollow\x00"), zero(1))
	var c *Client
	c = fakeClient(t, &Config{Warn: func(w Warning) {
		got = append(got, w)
		// The callback may use the client.
		if _, err := c.Query(w.Ifindex); err != nil {
			t.Error(err)
		}
	}}, nil, xpsKernel(detached(), func(req netlink.Message) []netlink.Message {
		return reply(req, 2, capped|tlvs, ack(req, 0, warn))
	}))
	if err := c.attach(7, handle{fd: 5, typ: ebpf.SocketFilter}, change{fd: 5}); err != nil {
		t.Fatal(err)
	}
	want := []Warning{{Op: "attach", Ifindex: 7, Message: "hollow"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestUnreadableWarningIsNoFailure: the change has been made by then.
func TestUnreadableWarningIsNoFailure(t *testing.T) {
	var got []Warning
	c := fakeClient(t, &Config{Warn: func(w Warning) { got = append(got, w) }}, nil,
		xpsKernel(detached(), func(req netlink.Message) []netlink.Message {
			return reply(req, 2, capped|tlvs, ack(req, 0, u16(99)))
		}))
	if err := c.Detach(7, nil); err != nil {
		t.Error(err)
	}
	if len(got) != 1 {
		t.Errorf("warnings %v, want one", got)
	}
}

// TestConcurrentUse is for the race detector.
func TestConcurrentUse(t *testing.T) {
	c := fakeClient(t, nil, nil, xpsKernel(attached(9), succeed))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 20 {
				if s, err := c.Query(i + 1); err != nil || s.Ifindex != i+1 {
					t.Errorf("query %d: %+v, %v", i+1, s, err)
				}
				if err := c.Detach(i+1, nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
