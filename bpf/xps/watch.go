// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"xpsgen/uapi"
)

const (
	// drainWait is how long to wait for a notification that is there.
	drainWait = 2 * time.Millisecond
	// maxDrained is when to stop waiting for an end of notifications.
	maxDrained = 4096
)

// Watcher reports changes of what is attached in one network namespace. Its
// methods are safe for use by several goroutines; an event goes to one of them.
type Watcher struct {
	ctx context.Context
	// stop ends the waiting for ctx.
	stop func() bool
	// client reads the list of devices, at the beginning and after a loss.
	client *Client
	// conn gets the notifications.
	conn conn

	// mu is held while waiting for an event.
	mu     sync.Mutex
	known  table
	events []Event // found, not yet reported
	lost   bool    // known is out of date
}

// Watch begins to watch the network namespace of cfg. A nil cfg means the
// defaults. Changes made after Watch has returned are reported by
// [Watcher.Next] until ctx is done or the Watcher is closed. Close it after
// use, even if ctx is done.
//
// The error wraps [ErrNotSupported] if the kernel has no hook.
func Watch(ctx context.Context, cfg *Config) (*Watcher, error) {
	if cfg == nil {
		cfg = &Config{}
	}
	conn, err := dial(cfg, uapi.RTMGRP_LINK)
	if err != nil {
		return nil, newError(opWatch, 0, err)
	}
	client, err := Dial(cfg)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	w, err := newWatcher(ctx, client, conn)
	if err != nil {
		return nil, errors.Join(err, client.Close(), conn.Close())
	}
	return w, nil
}

// newWatcher takes over client and conn unless it fails. conn must have joined
// the group, so that nothing is missed between the list and the first event.
func newWatcher(ctx context.Context, client *Client, conn conn) (*Watcher, error) {
	w := &Watcher{ctx: ctx, client: client, conn: conn, known: make(table)}
	if _, err := w.list(); err != nil {
		return nil, err
	}
	w.stop = context.AfterFunc(ctx, w.wake)
	return w, nil
}

// wake ends all waiting, now and later.
func (w *Watcher) wake() {
	// An error means that the connection is closed, which does the same.
	_ = w.conn.SetReadDeadline(time.Unix(1, 0))
}

// Close ends the watching. Calls of Next that wait end with an error wrapping
// [os.ErrClosed]. Closing twice does no harm.
func (w *Watcher) Close() error {
	w.stop()
	return errors.Join(closeConn(opWatch, w.conn), w.client.Close())
}

// Next waits for a change and returns it. Changes come in the order in which
// they were made, none is reported twice.
//
// The error wraps the cause of the context that was given to [Watch] when that is
// done, and [os.ErrClosed] after [Watcher.Close]. It wraps [ErrOverrun] if
// the kernel had more to say than was read in time: then the next calls report
// the difference between what was known and what is, and watching goes on.
func (w *Watcher) Next() (Event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()

	for {
		if w.ctx.Err() != nil {
			return Event{}, newError(opWatch, 0, context.Cause(w.ctx))
		}
		if len(w.events) != 0 {
			e := w.events[0]
			w.events = w.events[1:]
			return e, nil
		}
		if err := w.wait(); err != nil {
			return Event{}, err
		}
	}
}

// wait waits for notifications, or after a loss reads the list, and notes the
// events.
func (w *Watcher) wait() error {
	if w.lost {
		events, err := w.list()
		w.events = append(w.events, events...)
		return err
	}

	msgs, err := w.conn.Receive()
	if err != nil {
		return w.failed(err)
	}
	events, err := w.known.note(msgs)
	w.events = append(w.events, events...)
	if err != nil {
		// What the message said is lost, so the list has to be read.
		w.lost = true
		return newError(opWatch, 0, err)
	}
	return nil
}

// list compares what is known with what is, and returns the difference.
func (w *Watcher) list() ([]Event, error) {
	states, err := w.client.list(opWatch)
	if err != nil {
		return nil, err
	}
	now := make(table, len(states))
	for _, s := range states {
		now[s.Ifindex] = s
	}
	if err := w.drain(now); err != nil {
		return nil, err
	}
	w.lost = false
	return w.known.replace(now), nil
}

// drain takes over into now what notifications wait. Those that are older than
// the list would otherwise be taken for changes since. All of them are there
// when the list is: the kernel queues a notification before it lets go of the
// lock under which it makes the list.
func (w *Watcher) drain(now table) error {
	defer w.unhurry()
	for range maxDrained {
		if err := w.conn.SetReadDeadline(time.Now().Add(drainWait)); err != nil {
			return newError(opWatch, 0, err)
		}
		msgs, err := w.conn.Receive()
		if isTimeout(err) {
			return nil
		}
		if err != nil {
			return w.failed(err)
		}
		if _, err := now.note(msgs); err != nil {
			return newError(opWatch, 0, err)
		}
	}
	return nil
}

// unhurry lets reads wait again, unless ctx is done: whichever of the two
// deadlines was set last, it is then the one of wake.
func (w *Watcher) unhurry() {
	_ = w.conn.SetReadDeadline(time.Time{}) // as in wake
	if w.ctx.Err() != nil {
		w.wake()
	}
}

// failed says what it means that a notification could not be received.
func (w *Watcher) failed(err error) error {
	switch {
	case errors.Is(err, unix.ENOBUFS):
		w.lost = true
		return &Error{Op: opWatch, Err: fmt.Errorf("%w: %w", ErrOverrun, err)}
	case w.ctx.Err() != nil && isTimeout(err):
		return newError(opWatch, 0, context.Cause(w.ctx))
	default:
		return newError(opWatch, 0, err)
	}
}
