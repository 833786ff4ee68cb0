// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// Errors that a caller may want to handle. Test for them with [errors.Is]. The
// package comment lists which function returns which.
var (
	// ErrNotSupported: the kernel does not have the hook, or its hook does not
	// have links and the call needs them.
	ErrNotSupported = errors.New("this kernel does not have the XPS hook for BPF programs")
	// ErrDevice: the kernel has the hook, but this device refuses programs.
	// Bonds and teams refuse them: attach to their ports instead.
	ErrDevice = errors.New("the device does not support XPS programs")
	// ErrAttached: the device has a program, and the call does not replace one:
	// [AttachLink], or [Client.Attach] with NoReplace.
	ErrAttached = errors.New("a program is attached already")
	// ErrLinked: a BPF link holds the program of the device. Only that link can
	// replace or detach the program.
	ErrLinked = errors.New("the program is held by a link")
	// ErrDetached: the link is detached, or its device is gone.
	ErrDetached = errors.New("link is detached")
	// ErrNotLink: the object, file or descriptor is not a link to the hook.
	ErrNotLink = errors.New("not an XPS link")
	// ErrUnexpectedProgram: the device has another program than expected, or
	// none.
	ErrUnexpectedProgram = errors.New("the attached program is not the expected one")
	// ErrNoDevice: there is no such device in this network namespace.
	ErrNoDevice = errors.New("no such device")
	// ErrNetNS: the descriptor is not one of a network namespace.
	ErrNetNS = errors.New("not a network namespace")
	// ErrPermission: the caller lacks a capability, or access to a file.
	// [Error.Remedy] says which, if it is known.
	ErrPermission = errors.New("not permitted")
	// ErrBadProgram: the program is nil, closed, or cannot be attached to the
	// hook.
	ErrBadProgram = errors.New("not a program for the XPS hook")
	// ErrBadOptions: options contradict each other, or a path is empty.
	ErrBadOptions = errors.New("invalid options")
	// ErrInterrupted: devices changed while their list was read.
	ErrInterrupted = errors.New("devices change too fast to be listed")
	// ErrOverrun: a [Watcher] was read too slowly. Notifications are lost.
	ErrOverrun = errors.New("notifications lost")
)

// Operations, as in [Error.Op].
const (
	opAttach   = "attach"
	opDetach   = "detach"
	opQuery    = "query"
	opList     = "list"
	opSupport  = "probe"
	opFeatures = "features"
	opDial     = "dial"
	opWatch    = "watch"
	opLink     = "link"
	opOpen     = "open"
	opUpdate   = "update"
	opInfo     = "info"
	opPin      = "pin"
	opUnpin    = "unpin"
	opDisown   = "disown"
	opClose    = "close"
)

// Error describes a failed operation. Every error of this package is or wraps one:
// get it with [errors.As].
type Error struct {
	// Op is the operation: "attach", "detach", "query", "list", "probe",
	// "features", "dial", "watch" or "close"; for links "link", "open",
	// "update", "detach", "info", "pin", "unpin", "disown" or "close".
	Op string
	// Ifindex is the index of the device, 0 if the operation has none.
	Ifindex int
	// Name is the name of the device, empty if it is not known.
	Name string
	// Call is the kernel interface that answered Errno: "RTM_SETLINK" or
	// "BPF_LINK_CREATE", for example. It is empty if Errno is 0.
	Call string
	// Errno is the kernel's answer, 0 if the kernel did not answer with one.
	Errno unix.Errno
	// Message is the text of the kernel's extended acknowledgement, empty if
	// there is none.
	Message string
	// Offset is the offset of the attribute that the kernel rejects, in
	// bytes from the netlink header of the request. It is 0 if not known.
	Offset int
	// Err is the cause: it is or wraps one of the Err values of this package, the
	// cause of a context, or an error of another package. It is nil if there is only
	// Errno.
	Err error
	// Remedy is the advice to the caller. It is empty if there is none.
	Remedy string
}

// Error returns operation, device, cause and remedy.
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
	if e.Err != nil && (e.Errno == 0 || e.Message == "" && !sameText(e.Err)) {
		why = append(why, e.Err.Error())
	}
	// The cause may be the errno itself, with words around it.
	if e.Errno != 0 && (e.Err == nil || !errors.Is(e.Err, e.Errno) || len(why) == 0) {
		why = append(why, e.Errno.Error())
	}
	sb.WriteString(strings.Join(why, ": "))

	// A message tells more than the offset.
	if e.Offset != 0 && e.Message == "" {
		fmt.Fprintf(&sb, " (at offset %d of the request)", e.Offset)
	}
	if e.Remedy != "" {
		fmt.Fprintf(&sb, " (%s)", e.Remedy)
	}
	return sb.String()
}

// sameText reports whether the text of err is that of its errno.
func sameText(err error) bool { return err == ErrNoDevice || err == ErrPermission }

// Unwrap returns Errno and Err, if they are set. Err may wrap another errno, so
// [errors.As] finds the answer to the call first.
func (e *Error) Unwrap() []error {
	var errs []error
	if e.Errno != 0 {
		errs = append(errs, e.Errno)
	}
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	return errs
}

// newError turns err into an [*Error]. It returns nil for nil.
func newError(op string, ifindex int, err error) error {
	if err == nil {
		return nil
	}
	if e := (*Error)(nil); errors.As(err, &e) {
		return err
	}
	e := &Error{Op: op, Ifindex: ifindex, Err: err}
	ce := (*callError)(nil)
	if !errors.As(err, &ce) {
		return e
	}
	m := ce.meaning()
	e.Call, e.Errno, e.Message, e.Offset = string(ce.call), ce.errno, ce.message, ce.offset
	e.Err, e.Remedy = m.err, m.remedy
	return e
}
