// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/cilium/ebpf"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xpsgen/uapi"
)

// AttachOptions are the conditions of [Client.Attach]. The zero value means
// none: whatever is attached is replaced.
type AttachOptions struct {
	// NoReplace attaches only if the device has no program.
	NoReplace bool
	// Expected, if not nil, attaches only in place of this very program. It
	// remains the caller's.
	Expected *ebpf.Program
}

// DetachOptions are the conditions of [Client.Detach]. The zero value means
// none: whatever is attached is detached.
type DetachOptions struct {
	// Expected, if not nil, detaches only this very program. It remains the
	// caller's.
	Expected *ebpf.Program
}

// Attach makes prog choose the tx queues of a device, at once and in place of
// the program that did so before, of which no packet is lost. A nil opt means no
// conditions. prog remains the caller's and may be closed afterwards: the device
// holds it until it is replaced, detached, or the device goes.
//
// The error wraps [ErrAttached] or [ErrUnexpectedProgram] if a condition in opt
// does not hold, [ErrLinked] if a link holds the program that is attached,
// [ErrBadProgram] if prog is not a socket filter, [ErrNoDevice], [ErrPermission]
// or [ErrNotSupported]. After an error, what was attached before still is, except
// that after a time-out it is not known.
func (c *Client) Attach(ifindex int, prog *ebpf.Program, opt *AttachOptions) error {
	if opt == nil {
		opt = &AttachOptions{}
	}
	if err := checkIfindex(opAttach, ifindex); err != nil {
		return err
	}
	if opt.NoReplace && opt.Expected != nil {
		return &Error{Op: opAttach, Ifindex: ifindex,
			Err: fmt.Errorf("%w: NoReplace and Expected", ErrBadOptions)}
	}
	p, err := handleOf(opAttach, ifindex, prog)
	if err != nil {
		return err
	}

	ch := change{fd: p.fd}
	if opt.NoReplace {
		ch.flags = uapi.XPS_FLAGS_UPDATE_IF_NOEXIST
	}
	if opt.Expected != nil {
		if err := ch.expect(opAttach, ifindex, opt.Expected); err != nil {
			return err
		}
	}
	err = c.attach(ifindex, p, ch)
	// The numbers in the request stand for the programs only as long as
	// neither is closed by its finalizer.
	runtime.KeepAlive(opt.Expected)
	runtime.KeepAlive(prog)
	return err
}

// attach asks for ch, by which p is attached.
func (c *Client) attach(ifindex int, p handle, ch change) error {
	err := c.change(opAttach, ifindex, ch)
	// EINVAL is the answer to all that is wrong with a request. Ours are well
	// formed, so it is the program if that is of another type.
	if e := (*Error)(nil); errors.As(err, &e) && e.Errno == unix.EINVAL && p.typ != ebpf.SocketFilter {
		e.Err = fmt.Errorf("%w: its type is %s", ErrBadProgram, p.typ)
	}
	return err
}

// Detach takes the program off a device, whose queues are then chosen as if
// there had never been one. It is no error if there is none, unless opt expects
// one. A nil opt means no conditions.
//
// The error wraps [ErrUnexpectedProgram] if a condition in opt does not hold,
// [ErrLinked] if a link holds the program, [ErrNoDevice], [ErrPermission] or
// [ErrNotSupported].
func (c *Client) Detach(ifindex int, opt *DetachOptions) error {
	if opt == nil {
		opt = &DetachOptions{}
	}
	if err := checkIfindex(opDetach, ifindex); err != nil {
		return err
	}
	ch := change{fd: -1}
	if opt.Expected != nil {
		if err := ch.expect(opDetach, ifindex, opt.Expected); err != nil {
			return err
		}
	}
	err := c.change(opDetach, ifindex, ch)
	runtime.KeepAlive(opt.Expected)
	return err
}

// handle is a program as a request knows it.
type handle struct {
	fd  int
	typ ebpf.ProgramType
}

// handleOf returns the handle of a program, good for as long as prog is alive.
//
// NB: the descriptor of a closed program is -1, which in a request means
// something else: to detach, or to expect that there is no program.
func handleOf(op string, ifindex int, prog *ebpf.Program) (handle, error) {
	if prog == nil {
		return handle{}, &Error{Op: op, Ifindex: ifindex, Err: fmt.Errorf("%w: it is nil", ErrBadProgram)}
	}
	h := handle{fd: prog.FD(), typ: prog.Type()}
	if h.fd < 0 {
		return handle{}, &Error{Op: op, Ifindex: ifindex, Err: fmt.Errorf("%w: it is closed", ErrBadProgram)}
	}
	return h, nil
}

// expect makes the change one that is only made in place of prog.
func (ch *change) expect(op string, ifindex int, prog *ebpf.Program) error {
	h, err := handleOf(op, ifindex, prog)
	if err != nil {
		return err
	}
	ch.flags |= uapi.XPS_FLAGS_REPLACE
	ch.expected = h.fd
	return nil
}

// change asks the kernel for a change, having made sure that it has the hook:
// one that has not would ignore what it does not know and report success.
func (c *Client) change(op string, ifindex int, ch change) error {
	if !c.supported.Load() {
		l, err := c.link(op, ifindex)
		if err != nil {
			return err
		}
		if !l.nest {
			return &Error{Op: op, Ifindex: ifindex, Name: l.state.Name, Err: ErrNotSupported}
		}
	}

	req, err := setlink(ifindex, ch)
	if err != nil {
		return newError(op, ifindex, err)
	}
	msgs, err := c.execute(req)
	if err != nil {
		err = newError(op, ifindex, err)
		// Nothing but a link makes a device busy for a request that does not
		// ask for one without a program.
		if e := (*Error)(nil); errors.As(err, &e) && e.Errno == unix.EBUSY && ch.flags&uapi.XPS_FLAGS_UPDATE_IF_NOEXIST == 0 {
			e.Err = ErrLinked
		}
		return c.named(err)
	}
	c.warnings(op, ifindex, msgs)
	return nil
}

// warnings hands on what the kernel said about a change that it made.
func (c *Client) warnings(op string, ifindex int, msgs []netlink.Message) {
	if c.warn == nil {
		return
	}
	for _, m := range msgs {
		text, err := ackWarning(m)
		if err != nil {
			// The change is made: no reason to report a failure.
			text = err.Error()
		}
		if text != "" {
			c.warn(Warning{Op: op, Ifindex: ifindex, Message: text})
		}
	}
}

// named puts the name of the device into an error of the kernel's, if the
// device is there to be asked for it.
func (c *Client) named(err error) error {
	e := (*Error)(nil)
	if !errors.As(err, &e) || e.Errno == 0 || e.Errno == unix.ENODEV {
		return err
	}
	// Failing to find the name out is no reason to report less than is known.
	if l, lerr := c.link(e.Op, e.Ifindex); lerr == nil {
		e.Name = l.state.Name
	}
	return err
}
