// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xpsgen/uapi"
)

// maxDrained is after how many notifications to give up waiting for an end.
const maxDrained = 4096

// Watcher reports changes of what is attached in one network namespace. Its
// methods are safe for use by several goroutines; an event goes to one of them.
type Watcher struct {
	ctx context.Context
	// stop ends the waiting for ctx.
	stop func() bool
	// client reads the list of devices, at the beginning and after a loss.
	client *Client
	// conn gets the notifications.
	conn groupConn

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
func newWatcher(ctx context.Context, client *Client, conn groupConn) (*Watcher, error) {
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
	return newError(opWatch, 0, errors.Join(w.conn.Close(), w.client.Close()))
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
	for range maxDumps {
		now, err := w.read()
		if errors.Is(err, ErrOverrun) {
			continue
		}
		if err != nil {
			return nil, err
		}
		w.lost = false
		return w.known.replace(now), nil
	}
	return nil, &Error{Op: opWatch, Err: ErrInterrupted}
}

// read returns what is, by the list and the notifications that came with it.
// What waits before the list is read is of no use, and in the way: once a
// socket has lost something, the kernel drops all that follows, without another
// word, until everything in its buffer has been read.
func (w *Watcher) read() (table, error) {
	forget := func([]netlink.Message) error { return nil }
	if err := w.drain(forget); err != nil {
		return nil, err
	}

	states, err := w.client.list(opWatch)
	if err != nil {
		return nil, err
	}
	now := make(table, len(states))
	for _, s := range states {
		now[s.Ifindex] = s
	}

	// What has come meanwhile may be older than the list and would later be
	// taken for a change. Taken over in order it ends with what is: all of it
	// is there, as the kernel queues a notification before it lets go of the
	// lock under which it makes the list.
	err = w.drain(func(msgs []netlink.Message) error {
		_, err := now.note(msgs)
		return err
	})
	if err != nil {
		return nil, err
	}
	return now, nil
}

// drain takes the notifications that wait.
func (w *Watcher) drain(take func([]netlink.Message) error) error {
	for range maxDrained {
		ready, err := w.conn.Ready()
		if err != nil {
			return w.failed(err)
		}
		if !ready {
			return nil
		}
		msgs, err := w.conn.Receive()
		if err != nil {
			return w.failed(err)
		}
		if err := take(msgs); err != nil {
			return newError(opWatch, 0, err)
		}
	}
	return &Error{Op: opWatch, Err: fmt.Errorf("%w: more come than can be read", ErrOverrun)}
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
