// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// ListOptions say how [Client.List] reads. The zero value means a complete and
// consistent list, without links.
type ListOptions struct {
	// Links is as in [QueryOptions].
	Links bool
	// Partial reads the list once. If devices change meanwhile, List returns the
	// list and an error wrapping [ErrInterrupted]. Then the states are of different
	// moments of the call. A device that existed during the whole call is in the list
	// once. Other devices may be missing.
	Partial bool
}

// List returns the state of every device of the network namespace, in the order
// of their indices. Devices without a program are included. The list is
// consistent: all states are of one moment of the call. A nil opt means no options.
//
// If devices change while the kernel makes the list, List reads it again, together
// with the notifications about the changes. It repeats that if notifications are lost,
// until ctx or [Config.Timeout] ends the call. The error then wraps [ErrInterrupted]
// and the cause.
//
// The error wraps [ErrNotSupported] if the kernel does not have the hook. It wraps
// [ErrPermission] if [ListOptions.Links] needs a capability that the caller lacks. Then
// the list is valid, except for Via and LinkID.
func (c *Client) List(ctx context.Context, opt *ListOptions) ([]State, error) {
	if opt == nil {
		opt = &ListOptions{}
	}
	states, err := run(ctx, c, opList, 0, func(ctx context.Context, x *exchange) ([]State, error) {
		t, interrupted, err := x.dump(ctx, c)
		switch {
		case err != nil && !isOverrun(err) && !errors.Is(err, errDumping):
			return nil, err
		case err == nil && !interrupted:
			return t.states(), nil
		case err == nil && opt.Partial:
			return t.states(), &Error{Op: opList, Err: ErrInterrupted}
		}
		return x.listWithChanges(ctx, c)
	})
	if !opt.Links || err != nil && states == nil {
		return states, err
	}
	return states, errors.Join(err, findLinks(ctx, opList, states))
}

// listWithChanges reads the list while the socket gets notifications.
func (x *exchange) listWithChanges(ctx context.Context, c *Client) (_ []State, err error) {
	if err := x.conn.JoinGroup(linkGroup); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, x.conn.LeaveGroup(linkGroup)) }()
	t, err := x.snapshot(ctx, c)
	if err != nil {
		return nil, err
	}
	return t.states(), nil
}

// snapshot reads the list of devices over a socket that gets notifications. The
// kernel queues the parts of the list and the notifications in the order in
// which it makes them. So the messages up to the end of the list give the state of all
// devices at that moment. An interrupted list is good enough, because the kernel lists
// the devices by index. It sends a notification for each change of a device that it has
// listed.
//
// snapshot tries again only if notifications were lost, or if an earlier list is not
// read to its end. It waits longer before each try, and doubles the receive buffer.
func (x *exchange) snapshot(ctx context.Context, c *Client) (table, error) {
	for wait := minBackoff; ; wait = min(2*wait, maxBackoff) {
		if err := x.drain(ctx); err != nil {
			return nil, interruptedBy(ctx, err)
		}
		t, _, err := x.dump(ctx, c)
		if err == nil {
			return t, nil
		}
		if !isOverrun(err) && !errors.Is(err, errDumping) {
			return nil, interruptedBy(ctx, err)
		}
		x.growBuffer()
		select {
		case <-ctx.Done():
			return nil, interruptedBy(ctx, context.Cause(ctx))
		case <-time.After(wait):
		}
	}
}

const (
	minBackoff = time.Millisecond
	maxBackoff = 100 * time.Millisecond
)

// interruptedBy returns the error of a list that the end of ctx interrupts.
func interruptedBy(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return fmt.Errorf("%w: %w", ErrInterrupted, context.Cause(ctx))
}

// errDumping: an earlier list is not read to its end.
var errDumping = errors.New("another list is being read")

// dump reads the list once, and applies the notifications among its parts. interrupted
// says that the kernel marked the list as inconsistent.
func (x *exchange) dump(ctx context.Context, c *Client) (t table, interrupted bool, err error) {
	req, err := getlink(0)
	if err != nil {
		return nil, false, err
	}
	msgs, seq, err := x.doMixed(ctx, req)
	if err != nil {
		err = netlinkAnswered(callGetlink, err)
		if ce := (*callError)(nil); errors.As(err, &ce) && ce.errno == unix.EBUSY {
			err = errDumping
		}
		return nil, false, err
	}
	t = make(table)
	for _, m := range msgs {
		if m.Header.Sequence != seq {
			if _, err := t.note([]netlink.Message{m}); err != nil {
				return nil, false, err
			}
			continue
		}
		interrupted = interrupted || m.Header.Flags&netlink.DumpInterrupted != 0
		l, err := c.answer(m)
		if err != nil {
			return nil, false, err
		}
		if !l.nest {
			return nil, false, ErrNotSupported
		}
		t[l.state.Ifindex] = l.state
	}
	return t, interrupted, nil
}

// maxBuffer is the size in bytes above which growBuffer leaves the receive buffer.
const maxBuffer = 16 << 20

// growBuffer doubles the receive buffer, as far as that is permitted.
func (x *exchange) growBuffer() {
	// The kernel returns twice the size that was set, so this doubles it. A
	// failure does not change the size.
	if n, err := x.conn.ReadBuffer(); err == nil && n <= maxBuffer {
		_ = x.conn.SetReadBuffer(n)
	}
}

// states returns the table as a list, in the order of the indices.
func (t table) states() []State {
	states := make([]State, 0, len(t))
	for _, ifindex := range slices.Sorted(maps.Keys(t)) {
		states = append(states, t[ifindex])
	}
	return states
}
