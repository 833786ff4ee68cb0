// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// What a caller may want to handle. Test with [errors.Is].
var (
	// ErrNotSupported: this kernel has no XPS hook.
	ErrNotSupported = errors.New("not an XPS kernel")
	// ErrAttached: the device has a program already, and was not to get
	// another one. The errno is EBUSY.
	ErrAttached = errors.New("a program is attached already")
	// ErrLinked: the program of the device is held by a link, and can be
	// replaced or detached only through that. The errno is EBUSY.
	ErrLinked = errors.New("the program is held by a link")
	// ErrDetached: the link is detached, or its device gone. The errno is
	// ENOLINK.
	ErrDetached = errors.New("link is detached")
	// ErrNotLink: this is pinned, or open, but not a link to the hook.
	ErrNotLink = errors.New("not an XPS link")
	// ErrUnexpectedProgram: the device has another program than expected, or
	// none. The errno is EEXIST, from a link EPERM.
	ErrUnexpectedProgram = errors.New("attached is not the expected program")
	// ErrNoDevice: there is no such device in this network namespace. The
	// errno is ENODEV.
	ErrNoDevice = errors.New("no such device")
	// ErrPermission: not permitted. The errno is EPERM.
	ErrPermission = errors.New("not permitted")
	// ErrBadProgram: this is no program, or not one for this hook. The errno,
	// if the kernel was asked, is EBADF or EINVAL.
	ErrBadProgram = errors.New("not a program for the XPS hook")
	// ErrBadOptions: options that contradict each other.
	ErrBadOptions = errors.New("contradicting options")
	// ErrInterrupted: the list of devices changed each time it was read.
	ErrInterrupted = errors.New("devices change too fast to be listed")
	// ErrOverrun: a [Watcher] was too slow, and notifications are lost.
	ErrOverrun = errors.New("notifications lost")
)

// Operations, as they stand in [Error.Op].
const (
	opAttach  = "attach"
	opDetach  = "detach"
	opQuery   = "query"
	opList    = "list"
	opSupport = "probe"
	opDial    = "dial"
	opWatch   = "watch"
	opLink    = "link"
	opOpen    = "open"
	opUpdate  = "update"
	opInfo    = "info"
	opPin     = "pin"
	opUnpin   = "unpin"
	opClose   = "close"
)

// Error is an operation that went wrong.
type Error struct {
	// Op is the operation: "attach", "detach", "query", "list", "probe",
	// "dial", "watch"; of links "link", "open", "update", "detach", "info",
	// "pin", "unpin" or "close".
	Op string
	// Ifindex is the device, 0 if the operation is not about one.
	Ifindex int
	// Name is the name of the device, empty if it is not known.
	Name string
	// Errno is what the kernel answered, 0 if the error is not an answer of
	// the kernel's.
	Errno unix.Errno
	// Message is what the kernel said in its extended acknowledgement, empty
	// if it said nothing.
	Message string
	// Offset is where in the request (counted from its netlink header) the
	// attribute stands that the kernel objects to, 0 if it did not tell.
	Offset int
	// Err is what to test for: one of this package's Err values or the error
	// of a system call. It is nil if Errno says it all.
	Err error
}

// Error says what was done, to which device, what the kernel said, and why.
func (e *Error) Error() string {
	var sb strings.Builder
	sb.WriteString(e.Op + " xps: ")
	switch {
	case e.Name != "":
		sb.WriteString(e.Name + ": ")
	case e.Ifindex != 0:
		fmt.Fprintf(&sb, "ifindex %d: ", e.Ifindex)
	}

	var why []string
	if e.Message != "" {
		why = append(why, e.Message)
	}
	if e.Err != nil && (e.Errno == 0 || e.Message == "" && !plain(e.Err)) {
		why = append(why, e.Err.Error())
	}
	if e.Errno != 0 {
		why = append(why, e.Errno.Error())
	}
	sb.WriteString(strings.Join(why, ": "))

	if e.Offset != 0 {
		fmt.Fprintf(&sb, " (at offset %d of the request)", e.Offset)
	}
	if errors.Is(e.Err, ErrPermission) {
		sb.WriteString(" (needs CAP_NET_ADMIN)")
	}
	return sb.String()
}

// plain tells whether err says no more than its errno does.
func plain(err error) bool {
	return errors.Is(err, ErrNoDevice) || errors.Is(err, ErrPermission)
}

// Unwrap returns Err and Errno, as far as they are set.
func (e *Error) Unwrap() []error {
	var errs []error
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	if e.Errno != 0 {
		errs = append(errs, e.Errno)
	}
	return errs
}

// newError turns what package netlink returned into an [*Error]. It returns
// nil for nil.
func newError(op string, ifindex int, err error) error {
	if err == nil {
		return nil
	}
	if e := (*Error)(nil); errors.As(err, &e) {
		return err
	}

	e := &Error{Op: op, Ifindex: ifindex, Err: err}
	oe := (*netlink.OpError)(nil)
	if !errors.As(err, &oe) {
		return e
	}

	// An answer of the kernel's is a bare errno, whereas the error of a system
	// call (which may have the same number) is an *os.SyscallError.
	errno, answer := oe.Err.(unix.Errno)
	if !answer {
		e.Err = oe.Err
		return e
	}
	e.Errno = errno
	e.Message = oe.Message
	e.Offset = oe.Offset
	e.Err = sentinel(errno)
	return e
}

// sentinel returns what errno means in an answer to a request of this
// package's, or nil if it does not mean one thing.
func sentinel(errno unix.Errno) error {
	switch errno {
	case unix.EBUSY:
		// XPS_FLAGS_UPDATE_IF_NOEXIST, and there is one.
		return ErrAttached
	case unix.EEXIST:
		// XPS_FLAGS_REPLACE, and it is not IFLA_XPS_EXPECTED_FD.
		return ErrUnexpectedProgram
	case unix.ENODEV:
		return ErrNoDevice
	case unix.EPERM, unix.EACCES:
		return ErrPermission
	case unix.EBADF:
		// The descriptor was closed under us.
		return ErrBadProgram
	case unix.EOPNOTSUPP:
		// A kernel that knows the attribute but was built without the hook.
		return ErrNotSupported
	default:
		// EINVAL above all, which is a wrong program only if the program is
		// one: see Attach.
		return nil
	}
}

// isTimeout tells whether err is a deadline of ours that has passed.
func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
