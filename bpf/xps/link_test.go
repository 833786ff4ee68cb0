// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"errors"
	"fmt"
	"testing"

	"github.com/cilium/ebpf"
	ebpflink "github.com/cilium/ebpf/link"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// TestLinkErrors crosses what the bpf system call may answer with operations.
func TestLinkErrors(t *testing.T) {
	sentinels := []error{
		ErrNotSupported, ErrAttached, ErrUnexpectedProgram, ErrNoDevice, ErrPermission,
		ErrBadProgram, ErrLinked, ErrDetached, ErrNotLink,
	}
	for _, tt := range []struct {
		op   string
		err  error
		want error
		text string
	}{
		{opLink, unix.EBUSY, ErrAttached,
			"link xps: ifindex 7: a program is attached already: device or resource busy"},
		{opLink, unix.ENODEV, ErrNoDevice, "link xps: ifindex 7: no such device"},
		{opLink, unix.EINVAL, ErrNotSupported,
			"link xps: ifindex 7: not an XPS kernel: invalid argument"},
		{opLink, unix.EOPNOTSUPP, ErrNotSupported,
			"link xps: ifindex 7: not an XPS kernel: operation not supported"},
		{opLink, unix.EPERM, ErrPermission,
			"link xps: ifindex 7: operation not permitted (needs CAP_NET_ADMIN)"},
		{opUpdate, unix.ENOLINK, ErrDetached,
			"update xps: ifindex 7: link is detached: link has been severed"},
		{opUpdate, unix.EBUSY, nil, "update xps: ifindex 7: call: device or resource busy: device or resource busy"},
		{opUpdate, unix.EINVAL, nil, "update xps: ifindex 7: call: invalid argument: invalid argument"},
		{opOpen, unix.ENOENT, nil, "open xps: ifindex 7: call: no such file or directory: no such file or directory"},
	} {
		err := linkError(tt.op, 7, fmt.Errorf("call: %w", tt.err))
		if err.Error() != tt.text {
			t.Errorf("%q, want %q", err, tt.text)
		}
		if !errors.Is(err, tt.err) {
			t.Errorf("%v does not wrap the errno", err)
		}
		for _, s := range sentinels {
			if errors.Is(err, s) != (s == tt.want) {
				t.Errorf("%s %v: errors.Is(%v, %v) is %t", tt.op, tt.err, err, s, errors.Is(err, s))
			}
		}
	}
	if err := linkError(opLink, 7, nil); err != nil {
		t.Errorf("%v for no error", err)
	}
	if err := linkError(opLink, 7, ebpflink.ErrNotSupported); !errors.Is(err, ErrNotSupported) {
		t.Errorf("%v, want %v", err, ErrNotSupported)
	}
}

// TestLinkArguments: what makes no sense never reaches the kernel.
func TestLinkArguments(t *testing.T) {
	for _, ifindex := range []int{0, -1, 1 << 31, 1<<32 + 1} {
		if _, err := AttachLink(ifindex, nil, nil); !errors.Is(err, ErrNoDevice) {
			t.Errorf("link %d: %v, want %v", ifindex, err, ErrNoDevice)
		}
	}
	if _, err := AttachLink(7, nil, nil); !errors.Is(err, ErrBadProgram) {
		t.Errorf("link nil: %v, want %v", err, ErrBadProgram)
	}
	if err := (&Link{}).Update(nil, nil); !errors.Is(err, ErrBadProgram) {
		t.Errorf("update nil: %v, want %v", err, ErrBadProgram)
	}
}

// TestBusyWithNoReplace: with that condition, EBUSY may be the program of
// anyone.
func TestBusyWithNoReplace(t *testing.T) {
	refuse := func(req netlink.Message) []netlink.Message {
		return reply(req, 2, 0, wire(ack(req, -int32(unix.EBUSY)), req.Data))
	}
	for flags, want := range map[uint32]error{0: ErrLinked, 1: ErrAttached, 2: ErrLinked} {
		c := fakeClient(t, nil, nil, xpsKernel(attached(3), refuse))
		err := c.attach(7, handle{fd: 5, typ: ebpf.SocketFilter}, change{fd: 5, flags: flags})
		if !errors.Is(err, want) {
			t.Errorf("flags %d: %v, want %v", flags, err, want)
		}
	}
}
