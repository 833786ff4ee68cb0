// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"xpsgen/uapi"
)

// Client attaches, detaches and queries programs by rtnetlink. Several
// goroutines may use it; it makes their calls one after the other.
type Client struct {
	timeout time.Duration
	warn    func(Warning)

	// turn holds a value while a goroutine uses conn.
	turn chan struct{}
	conn conn
	// closed is closed by Close.
	closed  chan struct{}
	closing atomic.Bool

	// supported is set once an answer of the kernel has shown the hook. A
	// kernel does not lose it.
	supported atomic.Bool
}

// Dial opens a connection to the kernel. A nil cfg means the defaults. It does
// not check that the kernel has the hook: [Client.Supported] does. The caller
// closes the Client.
//
// The error wraps [ErrNetNS] if [Config.NetNS] is not a network namespace, and
// [ErrPermission] if entering it is not permitted (CAP_SYS_ADMIN).
func Dial(cfg *Config) (*Client, error) {
	if cfg == nil {
		cfg = &Config{}
	}
	c, err := dial(cfg)
	if err != nil {
		return nil, newError(opDial, 0, err)
	}
	return newClient(c, cfg), nil
}

func newClient(c conn, cfg *Config) *Client {
	timeout := cfg.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	return &Client{
		timeout: timeout,
		warn:    cfg.Warn,
		turn:    make(chan struct{}, 1),
		conn:    c,
		closed:  make(chan struct{}),
	}
}

// Close closes the connection. Programs stay attached. Calls in progress end,
// and all later ones fail, with an error wrapping [os.ErrClosed]. Closing twice
// does nothing.
func (c *Client) Close() error {
	if c.closing.Swap(true) {
		return nil
	}
	close(c.closed)
	// A call that waits for an answer ends at once. One that waits inside the
	// kernel for another change of devices cannot be ended: the connection is
	// closed when it returns.
	_ = c.conn.SetReadDeadline(past)
	select {
	case c.turn <- struct{}{}:
		return newError(opClose, 0, c.conn.Close())
	case <-time.After(closeGrace):
		go func() {
			c.turn <- struct{}{}
			_ = c.conn.Close()
		}()
		return nil
	}
}

// closeGrace is how long Close waits for a call in progress.
const closeGrace = 100 * time.Millisecond

// Supported returns nil if the kernel has the hook. The error wraps
// [ErrNotSupported] if the kernel does not have it. After any other error, it is
// unknown whether the kernel has the hook.
func (c *Client) Supported(ctx context.Context) error {
	_, err := run(ctx, c, opSupport, 0, func(ctx context.Context, x *exchange) (struct{}, error) {
		return struct{}{}, c.probe(ctx, x, opSupport, loopback)
	})
	return err
}

// loopback is the index of the loopback device in every network namespace.
const loopback = 1

// probe looks for the hook in the state of a device.
func (c *Client) probe(ctx context.Context, x *exchange, op string, ifindex int) error {
	if c.supported.Load() {
		return nil
	}
	l, err := c.link(ctx, x, op, ifindex)
	if err != nil {
		return err
	}
	if !l.nest {
		return &Error{Op: op, Ifindex: namedIndex(op, ifindex), Name: namedDevice(op, l), Err: ErrNotSupported}
	}
	return nil
}

// The error of a probe does not name the device that it read.
func namedIndex(op string, ifindex int) int {
	if op == opSupport {
		return 0
	}
	return ifindex
}

func namedDevice(op string, l link) string {
	if op == opSupport {
		return ""
	}
	return l.state.Name
}

// limit applies the timeout of the client to ctx.
func (c *Client) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.timeout < 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, c.timeout,
		fmt.Errorf("no answer of the kernel within %s: %w", c.timeout, context.DeadlineExceeded))
}

// run waits until no other call uses the connection, and calls f with it. It returns
// early when ctx is done or the client is closed. Sending a request blocks in the kernel
// while somebody else changes devices, and nothing can interrupt that. So f continues,
// its result is dropped, and later calls wait for it.
func run[T any](ctx context.Context, c *Client, op string, ifindex int, f func(context.Context, *exchange) (T, error)) (T, error) {
	v, err := runBare(ctx, c, f)
	return v, newError(op, ifindex, err)
}

func runBare[T any](ctx context.Context, c *Client, f func(context.Context, *exchange) (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	var none T
	ctx, cancel := c.limit(ctx)
	defer cancel()

	if c.closing.Load() {
		return none, errClosed
	}
	if ctx.Err() != nil {
		return none, context.Cause(ctx)
	}
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return none, context.Cause(ctx)
	case <-c.closed:
		return none, errClosed
	}

	caller, err := currentThread()
	if err != nil {
		<-c.turn
		return none, err
	}
	done := make(chan result)
	go func() {
		defer func() { <-c.turn }()
		var r result
		x := &exchange{conn: c.conn}
		r.err = caller.do(func() (err error) {
			stop := x.begin(ctx)
			defer stop()
			r.value, err = f(ctx, x)
			return err
		})
		select {
		case done <- r:
			if x.taken != nil {
				x.taken()
			}
		case <-ctx.Done():
		}
	}()

	select {
	case r := <-done:
		if r.err != nil && c.closing.Load() && isTimeout(r.err) {
			return none, errClosed
		}
		return r.value, r.err
	case <-c.closed:
		return none, errClosed
	case <-ctx.Done():
		// Prefer an answer that came at the same moment.
		select {
		case r := <-done:
			if r.err == nil {
				return r.value, nil
			}
		default:
		}
		return none, context.Cause(ctx)
	}
}

// errClosed is the error of calls after Close.
var errClosed = fmt.Errorf("use of a closed connection: %w", os.ErrClosed)

// isTimeout reports whether err is a read deadline that has passed.
func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// dial opens a socket with extended acknowledgements and strict checking.
// Linux has both from 4.20.
func dial(cfg *Config) (*socket, error) {
	s, err := newSocket(cfg.NetNS)
	if err != nil {
		return nil, err
	}
	if cfg.ReceiveBuffer > 0 {
		if err := s.SetReadBuffer(cfg.ReceiveBuffer); err != nil {
			return nil, errors.Join(fmt.Errorf("receive buffer of %d bytes: %w", cfg.ReceiveBuffer, err), s.Close())
		}
	}
	return s, nil
}

// linkGroup is the multicast group of notifications about devices.
const linkGroup = uapi.RTNLGRP_LINK
