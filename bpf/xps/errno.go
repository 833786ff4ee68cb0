// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"errors"
	"os"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// call is a kernel interface. The meaning of an errno depends on it.
type call string

const (
	callGetlink call = "RTM_GETLINK"
	callSetlink call = "RTM_SETLINK"
	// callSetlinkEmpty is an RTM_SETLINK that attaches only if there is no program.
	callSetlinkEmpty call = "RTM_SETLINK with XPS_FLAGS_UPDATE_IF_NOEXIST"
	callSetns        call = "setns"
	callLinkCreate   call = "BPF_LINK_CREATE"
	callLinkUpdate   call = "BPF_LINK_UPDATE"
	// callLinkReplace is a BPF_LINK_UPDATE that replaces only an expected program.
	callLinkReplace call = "BPF_LINK_UPDATE with BPF_F_REPLACE"
	callLinkDetach  call = "BPF_LINK_DETACH"
	callLinkByID    call = "BPF_LINK_GET_FD_BY_ID"
	callObjInfo     call = "BPF_OBJ_GET_INFO_BY_FD"
	callObjGet      call = "BPF_OBJ_GET"
	callObjPin      call = "BPF_OBJ_PIN"
	callProgLoad    call = "BPF_PROG_LOAD"
)

// callError is an errno with the call that answered it.
type callError struct {
	call    call
	errno   unix.Errno
	message string
	offset  int
}

func (e *callError) Error() string { return string(e.call) + ": " + e.errno.Error() }
func (e *callError) Unwrap() error { return e.errno }

// answered returns err as the error of a call: with the errno that it wraps, if
// it wraps one.
func answered(c call, err error) error {
	errno := unix.Errno(0)
	if err == nil || !errors.As(err, &errno) {
		return err
	}
	return &callError{call: c, errno: errno}
}

// netlinkAnswered is answered for errors of package netlink. There, an answer of the
// kernel is a bare errno. The error of a system call, which may have the same number,
// is an *os.SyscallError.
func netlinkAnswered(c call, err error) error {
	oe := (*netlink.OpError)(nil)
	if !errors.As(err, &oe) {
		return err
	}
	errno, ok := oe.Err.(unix.Errno)
	if !ok {
		return err
	}
	return &callError{call: c, errno: errno, message: oe.Message, offset: oe.Offset}
}

// meaning is the meaning of an errno.
type meaning struct {
	// err is nil if the errno says everything.
	err    error
	remedy string
}

const (
	needNetAdmin = "needs CAP_NET_ADMIN"
	needSysAdmin = "needs CAP_SYS_ADMIN"
	needBPF      = "needs CAP_BPF"
)

// meaning explains the errno of e. It returns the zero meaning if the errno has no
// special meaning for the call.
func (e *callError) meaning() meaning {
	switch e.call {
	case callGetlink:
		if e.errno == unix.ENODEV {
			return meaning{err: ErrNoDevice}
		}
	case callSetlink, callSetlinkEmpty:
		return e.setlinkMeaning()
	case callSetns:
		switch e.errno {
		case unix.EPERM:
			return meaning{ErrPermission, "entering a network namespace needs CAP_SYS_ADMIN"}
		case unix.EBADF, unix.EINVAL:
			return meaning{ErrNetNS, "open /run/netns/NAME or /proc/PID/ns/net"}
		}
	case callLinkCreate:
		switch e.errno {
		case unix.EBUSY:
			return meaning{err: ErrAttached}
		case unix.ENODEV:
			return meaning{err: ErrNoDevice}
		case unix.EPERM:
			return meaning{ErrPermission, needNetAdmin}
		case unix.EBADF:
			return meaning{err: ErrBadProgram}
		}
		// EINVAL and EOPNOTSUPP depend on whether the kernel has links: see
		// explainCreate.
	case callLinkUpdate, callLinkReplace:
		switch {
		case e.errno == unix.ENOLINK:
			return meaning{err: ErrDetached}
		case e.errno == unix.EPERM && e.call == callLinkReplace:
			return meaning{err: ErrUnexpectedProgram}
		case e.errno == unix.EPERM:
			return meaning{err: ErrPermission}
		case e.errno == unix.EINVAL:
			return meaning{ErrBadProgram, needAttachType}
		}
	case callLinkByID:
		if e.errno == unix.EPERM {
			return meaning{ErrPermission, needSysAdmin}
		}
	case callProgLoad:
		if e.errno == unix.EPERM {
			return meaning{ErrPermission, needBPF}
		}
	case callObjPin:
		if e.errno == unix.EPERM || e.errno == unix.EACCES {
			return meaning{ErrPermission, "needs write permission in the directory"}
		}
	}
	return meaning{}
}

func (e *callError) setlinkMeaning() meaning {
	switch e.errno {
	case unix.EBUSY:
		// Without XPS_FLAGS_UPDATE_IF_NOEXIST only a link makes a device busy.
		if e.call == callSetlinkEmpty {
			return meaning{err: ErrAttached}
		}
		return meaning{ErrLinked, "detach or update the link"}
	case unix.EEXIST:
		// XPS_FLAGS_REPLACE, and the attached program is not the expected one.
		return meaning{err: ErrUnexpectedProgram}
	case unix.ENODEV:
		return meaning{err: ErrNoDevice}
	case unix.EPERM:
		return meaning{ErrPermission, needNetAdmin}
	case unix.EBADF:
		return meaning{err: ErrBadProgram}
	case unix.EOPNOTSUPP:
		// Requests go only to kernels that have shown the hook.
		return meaning{err: ErrDevice}
	}
	// EINVAL means a malformed request, or a program of another type: see
	// Client.attach.
	return meaning{}
}

// needAttachType is the remedy for a program that cannot be linked.
const needAttachType = "load it as a socket filter with the attach type xps.AttachType"

// isOverrun reports whether the receive buffer of a socket was full: recvmsg(2)
// failed with ENOBUFS. ENOBUFS in an answer means that the kernel lacks memory.
func isOverrun(err error) bool {
	se := (*os.SyscallError)(nil)
	return errors.As(err, &se) && se.Err == unix.ENOBUFS
}
