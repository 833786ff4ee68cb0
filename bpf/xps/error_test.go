// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

func TestErrorText(t *testing.T) {
	tests := []struct {
		err  Error
		want string
	}{
		{
			Error{Op: opAttach, Ifindex: 7, Name: "eth0", Errno: unix.EBUSY, Err: ErrAttached,
				Message: "XPS program is attached already", Offset: 32},
			"attach xps: eth0: XPS program is attached already: device or resource busy (at offset 32 of the request)",
		},
		{
			Error{Op: opAttach, Ifindex: 7, Errno: unix.EBUSY, Err: ErrAttached},
			"attach xps: ifindex 7: a program is attached already: device or resource busy",
		},
		{
			Error{Op: opDetach, Ifindex: 7, Errno: unix.EPERM, Err: ErrPermission},
			"detach xps: ifindex 7: operation not permitted (needs CAP_NET_ADMIN)",
		},
		{Error{Op: opQuery, Ifindex: 7, Errno: unix.ENODEV, Err: ErrNoDevice}, "query xps: ifindex 7: no such device"},
		{Error{Op: opSupport, Err: ErrNotSupported}, "probe xps: not an XPS kernel"},
		{Error{Op: opQuery, Ifindex: 7, Errno: unix.ENOMEM}, "query xps: ifindex 7: cannot allocate memory"},
		{
			Error{Op: opList, Err: fmt.Errorf("%w: 3 bytes", errMalformed)},
			"list xps: malformed link message: 3 bytes",
		},
	}
	for _, tt := range tests {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("%q\nwant %q", got, tt.want)
		}
	}
}

// TestSystemCallIsNoAnswer: ENOBUFS of recvmsg, or EPERM of socket, are not
// what the kernel answered to a request.
func TestSystemCallIsNoAnswer(t *testing.T) {
	err := newError(opQuery, 7, &netlink.OpError{Op: "receive", Err: os.NewSyscallError("recvmsg", unix.EPERM)})
	e := (*Error)(nil)
	if !errors.As(err, &e) {
		t.Fatalf("%v is not an *Error", err)
	}
	if e.Errno != 0 || errors.Is(err, ErrPermission) {
		t.Errorf("%+v: taken for an answer", e)
	}
	if !errors.Is(err, unix.EPERM) {
		t.Errorf("%v does not wrap its cause", err)
	}
}

func TestErrorIsWrappedOnce(t *testing.T) {
	inner := &Error{Op: opQuery, Ifindex: 7, Err: ErrNoDevice}
	if got := newError(opWatch, 0, inner); got != error(inner) {
		t.Errorf("%v, want it as it was", got)
	}
	if err := newError(opQuery, 7, nil); err != nil {
		t.Errorf("%v out of nil", err)
	}
}
