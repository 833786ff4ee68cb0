// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/cilium/ebpf"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xpsgen/uapi"
)

// AttachType is the attach type of programs for the hook. Set it as
// [ebpf.ProgramSpec.AttachType]. [AttachLink] needs it; [Client.Attach] takes
// programs with and without it.
const AttachType = ebpf.AttachType(uapi.BPF_XPS)

// AttachOptions are the conditions of [Client.Attach]. The zero value has none:
// the program replaces any other. At most one may be set.
type AttachOptions struct {
	// NoReplace attaches only if the device has no program.
	NoReplace bool
	// Expected, if not nil, replaces only this program. The caller keeps and
	// closes it.
	Expected *ebpf.Program
	// ExpectedID, if not 0, replaces only the program of this id.
	ExpectedID ebpf.ProgramID
}

// DetachOptions are the conditions of [Client.Detach]. The zero value has none:
// any program is detached. At most one may be set.
type DetachOptions struct {
	// Expected, if not nil, detaches only this program. The caller keeps and
	// closes it.
	Expected *ebpf.Program
	// ExpectedID, if not 0, detaches only the program of this id.
	ExpectedID ebpf.ProgramID
}

// Attach attaches prog to a device. It replaces the program that is attached, if
// any. The change is atomic: the kernel runs the old or the new program for each
// packet. A nil opt means no conditions. The caller may close prog afterwards: the
// device holds it until it is replaced or detached, or the device is deleted.
//
// It needs CAP_NET_ADMIN in the user namespace of the network namespace.
//
// The error wraps [ErrAttached] or [ErrUnexpectedProgram] if a condition in opt
// does not hold. It wraps [ErrLinked] if a link holds the program of the device, but
// ErrAttached if opt has NoReplace. It wraps [ErrBadProgram] if prog is nil, closed or
// not a socket filter. Others are [ErrBadOptions], [ErrDevice], [ErrNoDevice],
// [ErrPermission] and [ErrNotSupported].
//
// An error leaves the program of the device as it was. If ctx or [Config.Timeout] ended
// the call, the kernel may still make the change.
func (c *Client) Attach(ctx context.Context, ifindex int, prog *ebpf.Program, opt *AttachOptions) error {
	if opt == nil {
		opt = &AttachOptions{}
	}
	if err := checkIfindex(opAttach, ifindex); err != nil {
		return err
	}
	if opt.NoReplace && (opt.Expected != nil || opt.ExpectedID != 0) {
		return &Error{Op: opAttach, Ifindex: ifindex,
			Err: fmt.Errorf("%w: NoReplace and an expected program", ErrBadOptions)}
	}
	p, err := handleOf(opAttach, ifindex, prog)
	if err != nil {
		return err
	}
	ch := change{fd: p.fd}
	if opt.NoReplace {
		ch.flags = uapi.XPS_FLAGS_UPDATE_IF_NOEXIST
	}
	expected, err := ch.expect(opAttach, ifindex, opt.Expected, opt.ExpectedID)
	if err != nil {
		p.close()
		return err
	}
	return c.attach(ctx, ifindex, ch, p, expected)
}

// attach makes the change ch, which attaches p. It closes both handles.
func (c *Client) attach(ctx context.Context, ifindex int, ch change, p, expected handle) error {
	err := c.change(ctx, opAttach, ifindex, ch, p, expected)
	// The kernel answers EINVAL to malformed requests, which this package does not
	// send, and to programs of another type.
	if e := (*Error)(nil); errors.As(err, &e) && e.Errno == unix.EINVAL && p.typ != ebpf.SocketFilter {
		e.Err = fmt.Errorf("%w: its type is %s, want %s", ErrBadProgram, p.typ, ebpf.SocketFilter)
	}
	return err
}

// Detach detaches the program of a device. The kernel then selects queues by the XPS
// maps or the flow hash. It is not an error if the device has no program, unless opt
// expects one. A nil opt means no conditions.
//
// It needs CAP_NET_ADMIN in the user namespace of the network namespace.
//
// The error wraps [ErrUnexpectedProgram] if a condition in opt does not hold,
// [ErrLinked] if a link holds the program, [ErrBadProgram], [ErrBadOptions],
// [ErrNoDevice], [ErrPermission] or [ErrNotSupported]. An error leaves the program of
// the device as it was. If ctx or [Config.Timeout] ended the call, the kernel may
// still make the change.
func (c *Client) Detach(ctx context.Context, ifindex int, opt *DetachOptions) error {
	if opt == nil {
		opt = &DetachOptions{}
	}
	if err := checkIfindex(opDetach, ifindex); err != nil {
		return err
	}
	ch := change{fd: -1}
	expected, err := ch.expect(opDetach, ifindex, opt.Expected, opt.ExpectedID)
	if err != nil {
		return err
	}
	return c.change(ctx, opDetach, ifindex, ch, handle{fd: -1}, expected)
}

// expect makes ch conditional on prog, or on the program with the id, if one of them
// is set. The caller closes the handle.
func (ch *change) expect(op string, ifindex int, prog *ebpf.Program, id ebpf.ProgramID) (h handle, err error) {
	switch {
	case prog != nil && id != 0:
		return h, &Error{Op: op, Ifindex: ifindex, Err: fmt.Errorf("%w: Expected and ExpectedID", ErrBadOptions)}
	case prog != nil:
		h, err = handleOf(op, ifindex, prog)
	case id != 0:
		ch.flags |= uapi.XPS_FLAGS_REPLACE
		ch.expectedID = uint32(id)
		return handle{fd: -1}, nil
	default:
		return handle{fd: -1}, nil
	}
	if err != nil {
		return h, err
	}
	ch.flags |= uapi.XPS_FLAGS_REPLACE
	ch.expected = h.fd
	return h, nil
}

// change looks for the hook and requests the change. A kernel without the hook would
// ignore the attribute and report success. change closes the handles, possibly after it
// has returned.
func (c *Client) change(ctx context.Context, op string, ifindex int, ch change, handles ...handle) error {
	req, err := setlink(ifindex, ch)
	if err != nil {
		return newError(op, ifindex, err)
	}
	// The function below closes the handles. If run does not call it, change does.
	var taken atomic.Bool
	release := func() {
		for _, h := range handles {
			h.close()
		}
	}
	msgs, err := run(ctx, c, op, ifindex, func(ctx context.Context, x *exchange) ([]netlink.Message, error) {
		if taken.Swap(true) {
			return nil, context.Cause(ctx)
		}
		defer release()
		if err := c.probe(ctx, x, op, ifindex); err != nil {
			return nil, err
		}
		msgs, err := x.do(ctx, req)
		if err != nil {
			return nil, c.named(ctx, x, newError(op, ifindex, netlinkAnswered(ch.call(), err)))
		}
		return msgs, nil
	})
	if !taken.Swap(true) {
		release()
	}
	if err != nil {
		return err
	}
	c.warnings(op, ifindex, msgs)
	return nil
}

// warnings calls c.warn for each warning in the acknowledgement of a change.
func (c *Client) warnings(op string, ifindex int, msgs []netlink.Message) {
	if c.warn == nil {
		return
	}
	for _, m := range msgs {
		text, err := ackWarning(m)
		if err != nil {
			// The kernel has made the change, so this is not an error.
			text = err.Error()
		}
		if text != "" {
			c.warn(Warning{Op: op, Ifindex: ifindex, Message: text})
		}
	}
}

// named adds the name of the device to an error of the kernel, if the device
// exists.
func (c *Client) named(ctx context.Context, x *exchange, err error) error {
	e := (*Error)(nil)
	if !errors.As(err, &e) || e.Errno == 0 || e.Errno == unix.ENODEV {
		return err
	}
	// Without a name the error still says which device.
	if l, lerr := c.link(ctx, x, e.Op, e.Ifindex); lerr == nil {
		e.Name = l.state.Name
	}
	return err
}
