// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"fmt"
	"slices"

	"github.com/mdlayher/netlink"

	"xpsgen/uapi"
)

// maxDumps is how often the list of devices is read, while it changes under
// the reading, before giving up.
const maxDumps = 10

// Query returns the state of a device. The error wraps [ErrNoDevice] if there is
// none of this index, and [ErrNotSupported] if the kernel has no hook.
func (c *Client) Query(ifindex int) (State, error) {
	if err := checkIfindex(opQuery, ifindex); err != nil {
		return State{}, err
	}
	l, err := c.link(opQuery, ifindex)
	if err != nil {
		return State{}, err
	}
	if !l.nest {
		return State{}, &Error{Op: opQuery, Ifindex: ifindex, Name: l.state.Name, Err: ErrNotSupported}
	}
	return l.state, nil
}

// List returns the state of all devices of the network namespace, those without
// a program included, in the order of their indices. The error wraps
// [ErrNotSupported] if the kernel has no hook, and [ErrInterrupted] if no
// consistent list could be had.
func (c *Client) List() ([]State, error) { return c.list(opList) }

func (c *Client) list(op string) ([]State, error) {
	req, err := getlink(0)
	if err != nil {
		return nil, newError(op, 0, err)
	}
	for range maxDumps {
		msgs, err := c.execute(req)
		if err != nil {
			return nil, newError(op, 0, err)
		}
		// A list that changed while it was read may lack devices that were
		// there all the time.
		if slices.ContainsFunc(msgs, interrupted) {
			continue
		}
		return c.states(op, msgs)
	}
	return nil, &Error{Op: op, Err: ErrInterrupted}
}

func interrupted(m netlink.Message) bool {
	return m.Header.Flags&netlink.DumpInterrupted != 0
}

func (c *Client) states(op string, msgs []netlink.Message) ([]State, error) {
	states := make([]State, 0, len(msgs))
	for _, m := range msgs {
		l, err := c.answer(m)
		if err != nil {
			return nil, newError(op, 0, err)
		}
		if !l.nest {
			return nil, &Error{Op: op, Err: ErrNotSupported}
		}
		states = append(states, l.state)
	}
	slices.SortFunc(states, func(a, b State) int { return a.Ifindex - b.Ifindex })
	return states, nil
}

// link asks for one device.
func (c *Client) link(op string, ifindex int) (link, error) {
	req, err := getlink(ifindex)
	if err != nil {
		return link{}, newError(op, ifindex, err)
	}
	msgs, err := c.execute(req)
	if err != nil {
		return link{}, newError(op, ifindex, err)
	}
	if len(msgs) != 1 {
		return link{}, newError(op, ifindex, fmt.Errorf("%w: %d messages for one device", errMalformed, len(msgs)))
	}
	l, err := c.answer(msgs[0])
	if err == nil && l.state.Ifindex != ifindex {
		err = fmt.Errorf("%w: it is about ifindex %d", errMalformed, l.state.Ifindex)
	}
	if err != nil {
		return link{}, newError(op, ifindex, err)
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

// checkIfindex refuses what the kernel would take for something else than the
// index of a device.
func checkIfindex(op string, ifindex int) error {
	if ifindex <= 0 || int(int32(ifindex)) != ifindex {
		return &Error{Op: op, Ifindex: ifindex, Err: fmt.Errorf("%w: not an interface index", ErrNoDevice)}
	}
	return nil
}
