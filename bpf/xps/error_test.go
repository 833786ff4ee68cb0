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
			"attach xps: eth0: XPS program is attached already: device or resource busy",
		},
		{
			Error{Op: opAttach, Ifindex: 7, Name: "eth0", Errno: unix.EINVAL, Offset: 32},
			"attach xps: eth0: invalid argument (at offset 32 of the request)",
		},
		{
			Error{Op: opAttach, Ifindex: 7, Errno: unix.EBUSY, Err: ErrAttached},
			"attach xps: ifindex 7: a program is attached already: device or resource busy",
		},
		{
			Error{Op: opDetach, Ifindex: 7, Errno: unix.EPERM, Err: ErrPermission, Remedy: needNetAdmin},
			"detach xps: ifindex 7: operation not permitted (needs CAP_NET_ADMIN)",
		},
		{Error{Op: opQuery, Ifindex: 7, Errno: unix.ENODEV, Err: ErrNoDevice}, "query xps: ifindex 7: no such device"},
		{Error{Op: opSupport, Err: ErrNotSupported}, "probe xps: this kernel does not have the XPS hook for BPF programs"},
		{Error{Op: opQuery, Ifindex: 7, Errno: unix.ENOMEM}, "query xps: ifindex 7: cannot allocate memory"},
		{
			Error{Op: opPin, Errno: unix.EEXIST, Err: fmt.Errorf("pin /sys/fs/bpf/x: %w", unix.EEXIST)},
			"pin xps: pin /sys/fs/bpf/x: file exists",
		},
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

// TestErrnoOfCallFirst: the cause may wrap an errno that is not the answer to the call.
func TestErrnoOfCallFirst(t *testing.T) {
	err := &Error{Op: opLink, Errno: unix.EINVAL, Err: fmt.Errorf("remove the file: %w", unix.EACCES)}
	errno := unix.Errno(0)
	if !errors.As(err, &errno) || errno != unix.EINVAL {
		t.Errorf("errno %v, want %v", errno, unix.EINVAL)
	}
}

// TestMeanings crosses every call with every errno that means something anywhere.
func TestMeanings(t *testing.T) {
	type pair struct {
		call  call
		errno unix.Errno
	}
	want := map[pair]error{
		{callGetlink, unix.ENODEV}:          ErrNoDevice,
		{callSetlink, unix.EBUSY}:           ErrLinked,
		{callSetlink, unix.EEXIST}:          ErrUnexpectedProgram,
		{callSetlink, unix.ENODEV}:          ErrNoDevice,
		{callSetlink, unix.EPERM}:           ErrPermission,
		{callSetlink, unix.EBADF}:           ErrBadProgram,
		{callSetlink, unix.EOPNOTSUPP}:      ErrDevice,
		{callSetlinkEmpty, unix.EBUSY}:      ErrAttached,
		{callSetlinkEmpty, unix.EEXIST}:     ErrUnexpectedProgram,
		{callSetlinkEmpty, unix.ENODEV}:     ErrNoDevice,
		{callSetlinkEmpty, unix.EPERM}:      ErrPermission,
		{callSetlinkEmpty, unix.EBADF}:      ErrBadProgram,
		{callSetlinkEmpty, unix.EOPNOTSUPP}: ErrDevice,
		{callSetns, unix.EPERM}:             ErrPermission,
		{callSetns, unix.EINVAL}:            ErrNetNS,
		{callSetns, unix.EBADF}:             ErrNetNS,
		{callLinkCreate, unix.EBUSY}:        ErrAttached,
		{callLinkCreate, unix.ENODEV}:       ErrNoDevice,
		{callLinkCreate, unix.EPERM}:        ErrPermission,
		{callLinkCreate, unix.EBADF}:        ErrBadProgram,
		{callLinkUpdate, unix.ENOLINK}:      ErrDetached,
		{callLinkUpdate, unix.EPERM}:        ErrPermission,
		{callLinkUpdate, unix.EINVAL}:       ErrBadProgram,
		{callLinkReplace, unix.ENOLINK}:     ErrDetached,
		{callLinkReplace, unix.EPERM}:       ErrUnexpectedProgram,
		{callLinkReplace, unix.EINVAL}:      ErrBadProgram,
		{callLinkByID, unix.EPERM}:          ErrPermission,
		{callProgLoad, unix.EPERM}:          ErrPermission,
		{callObjPin, unix.EPERM}:            ErrPermission,
		{callObjPin, unix.EACCES}:           ErrPermission,
	}
	calls := []call{
		callGetlink, callSetlink, callSetlinkEmpty, callSetns, callLinkCreate, callLinkUpdate, callLinkReplace,
		callLinkDetach, callLinkByID, callObjInfo, callObjGet, callObjPin, callProgLoad,
	}
	errnos := []unix.Errno{
		unix.EPERM, unix.ENOENT, unix.EBADF, unix.EACCES, unix.EBUSY, unix.EEXIST, unix.ENODEV, unix.EINVAL,
		unix.EOPNOTSUPP, unix.ENOLINK, unix.ENOBUFS, unix.ENOMEM,
	}
	for _, c := range calls {
		for _, errno := range errnos {
			err := newError(opInfo, 0, answered(c, fmt.Errorf("call: %w", errno)))
			expectSentinel(t, err, want[pair{c, errno}])
			e := (*Error)(nil)
			if !errors.As(err, &e) || e.Errno != errno || e.Call != string(c) || !errors.Is(err, errno) {
				t.Errorf("%s: %#v", c, err)
			}
		}
	}
}

// TestSystemCallIsNoAnswer: an errno of recvmsg is not an answer to a request. ENOBUFS
// of recvmsg is an overrun, ENOBUFS in an answer is not.
func TestSystemCallIsNoAnswer(t *testing.T) {
	syscall := &netlink.OpError{Op: "receive", Err: os.NewSyscallError("recvmsg", unix.EPERM)}
	err := newError(opQuery, 7, netlinkAnswered(callSetlink, syscall))
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
	if !isOverrun(&netlink.OpError{Op: "receive", Err: overrun()}) {
		t.Error("ENOBUFS of recvmsg is not an overrun")
	}
	if isOverrun(&netlink.OpError{Op: "receive", Err: unix.ENOBUFS}) {
		t.Error("ENOBUFS in an answer is an overrun")
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
