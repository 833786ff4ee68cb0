// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"context"
	"fmt"

	"github.com/mdlayher/netlink"

	"xpsgen/uapi"
)

// QueryOptions are what [Client.Query] returns in addition to the program. The zero
// value means nothing.
type QueryOptions struct {
	// Links sets [State.Via] and [State.LinkID]. The kernel does not report
	// them with the state of a device, so this reads every BPF link of the system.
	// It needs CAP_SYS_ADMIN, but only if the device has a program.
	//
	// A link belongs to the device if it has the same program and ifindex. A link
	// in another network namespace with the same program and ifindex cannot be
	// distinguished.
	Links bool
}

// Query returns the state of a device. A nil opt means no options.
//
// The error wraps [ErrNoDevice] if there is no device of this index in the network
// namespace, and [ErrNotSupported] if the kernel does not have the hook. It wraps
// [ErrPermission] if [QueryOptions.Links] needs a capability that the caller lacks. Then
// the State is valid, except for Via and LinkID.
func (c *Client) Query(ctx context.Context, ifindex int, opt *QueryOptions) (State, error) {
	if opt == nil {
		opt = &QueryOptions{}
	}
	if err := checkIfindex(opQuery, ifindex); err != nil {
		return State{}, err
	}
	s, err := run(ctx, c, opQuery, ifindex, func(ctx context.Context, x *exchange) (State, error) {
		l, err := c.link(ctx, x, opQuery, ifindex)
		if err != nil {
			return State{}, err
		}
		if !l.nest {
			return State{}, &Error{Op: opQuery, Ifindex: ifindex, Name: l.state.Name, Err: ErrNotSupported}
		}
		return l.state, nil
	})
	if err != nil || !opt.Links {
		return s, err
	}
	states := []State{s}
	err = findLinks(ctx, opQuery, states)
	return states[0], err
}

// link requests the state of one device.
func (c *Client) link(ctx context.Context, x *exchange, op string, ifindex int) (link, error) {
	fail := func(err error) (link, error) { return link{}, newError(op, namedIndex(op, ifindex), err) }
	req, err := getlink(ifindex)
	if err != nil {
		return fail(err)
	}
	msgs, err := x.do(ctx, req)
	if err != nil {
		return fail(netlinkAnswered(callGetlink, err))
	}
	if len(msgs) != 1 {
		return fail(fmt.Errorf("%w: %d messages for one device", errMalformed, len(msgs)))
	}
	l, err := c.answer(msgs[0])
	if err == nil && l.state.Ifindex != ifindex {
		err = fmt.Errorf("%w: it is about ifindex %d", errMalformed, l.state.Ifindex)
	}
	if err != nil {
		return fail(err)
	}
	return l, nil
}

// answer reads a message of an answer to RTM_GETLINK.
func (c *Client) answer(m netlink.Message) (link, error) {
	if m.Header.Type != uapi.RTM_NEWLINK {
		return link{}, fmt.Errorf("%w: type %d", errMalformed, m.Header.Type)
	}
	l, err := parseLink(m.Data)
	if err == nil && l.nest {
		c.supported.Store(true)
	}
	return l, err
}

// checkIfindex rejects values that the kernel does not accept as an ifindex.
func checkIfindex(op string, ifindex int) error {
	if ifindex <= 0 || int(int32(ifindex)) != ifindex {
		return &Error{Op: op, Ifindex: ifindex, Err: fmt.Errorf("%w: not an interface index", ErrNoDevice)}
	}
	return nil
}
