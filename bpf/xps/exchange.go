// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/mdlayher/netlink"
)

// exchange sends requests and receives their answers, for one call.
type exchange struct {
	conn conn
	// taken, if set, is called when the caller has the result, and before
	// another call uses the connection.
	taken func()
}

// begin ends every wait of x when ctx is done. The caller calls stop before
// another call uses the connection.
func (x *exchange) begin(ctx context.Context) (stop func()) {
	// An error means that the connection is closed; Send and Receive say so.
	_ = x.conn.SetReadDeadline(time.Time{})
	woken := make(chan struct{})
	end := context.AfterFunc(ctx, func() {
		_ = x.conn.SetReadDeadline(past)
		close(woken)
	})
	return func() {
		// The deadline must not pass to the next call.
		if !end() {
			<-woken
		}
	}
}

// do sends a request and returns the messages of its answer.
func (x *exchange) do(ctx context.Context, req netlink.Message) ([]netlink.Message, error) {
	msgs, seq, err := x.doMixed(ctx, req)
	return slices.DeleteFunc(msgs, func(m netlink.Message) bool { return m.Header.Sequence != seq }), err
}

// doMixed is do, but also returns the notifications among the parts of the answer.
// They are in the order in which the kernel queued them. seq distinguishes them.
func (x *exchange) doMixed(ctx context.Context, req netlink.Message) (msgs []netlink.Message, seq uint32, err error) {
	// After this, the kernel may act on the request.
	if ctx.Err() != nil {
		return nil, 0, context.Cause(ctx)
	}
	req, err = x.conn.Send(req)
	if err != nil {
		return nil, 0, err
	}
	for {
		msgs, err := x.conn.Receive()
		if err != nil {
			// Skip an error that answers an earlier request: the caller of
			// that request has stopped waiting.
			oe := (*netlink.OpError)(nil)
			if errors.As(err, &oe) && oe.Sequence != 0 && oe.Sequence != req.Header.Sequence {
				continue
			}
			return nil, 0, err
		}
		// Skip notifications, and the rest of answers to earlier requests. No
		// request of this package has an empty answer: there is always a
		// loopback device.
		for _, m := range msgs {
			if m.Header.Sequence == req.Header.Sequence {
				return msgs, m.Header.Sequence, nil
			}
		}
	}
}

// drain discards all messages in the receive buffer. Notifications cannot keep it
// busy: after an overrun, the kernel queues none until the buffer is empty.
func (x *exchange) drain(ctx context.Context) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		ready, err := x.conn.Ready()
		if err != nil || !ready {
			return err
		}
		_, err = x.conn.Receive()
		oe := (*netlink.OpError)(nil)
		switch {
		case err == nil, isOverrun(err):
		case errors.As(err, &oe) && oe.Sequence != 0:
			// An answer to a request that nobody waits for.
		default:
			return err
		}
	}
}
