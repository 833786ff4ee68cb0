// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"context"
	"errors"
	"fmt"
)

// Watcher reports changes of programs in one network namespace. Several goroutines may
// use it; each event goes to one of them.
type Watcher struct {
	client *Client

	// The rest is used by one call at a time.

	known  table
	events []Event // found, not yet returned
	lost   bool    // known is out of date
}

// Watch starts watching the network namespace of cfg. A nil cfg means the
// defaults. [Watcher.Next] returns every change after Watch has returned,
// until [Watcher.Close]. ctx and [Config.Timeout] limit only the call of Watch.
// The caller closes the Watcher.
//
// Watch reads the list of devices as [Client.List] does. If ctx or Config.Timeout ends
// that, the error wraps [ErrInterrupted] and the cause. The error wraps
// [ErrNotSupported] if the kernel does not have the hook. Other errors are those of
// [Dial].
func Watch(ctx context.Context, cfg *Config) (*Watcher, error) {
	if cfg == nil {
		cfg = &Config{}
	}
	conn, err := dial(cfg)
	if err != nil {
		return nil, newError(opWatch, 0, err)
	}
	w, err := newWatcher(ctx, newClient(conn, cfg))
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return w, nil
}

// newWatcher returns a Watcher that owns client.
func newWatcher(ctx context.Context, client *Client) (*Watcher, error) {
	w := &Watcher{client: client, known: make(table)}
	_, err := run(ctx, client, opWatch, 0, func(ctx context.Context, x *exchange) (struct{}, error) {
		// Join before the list is read: a later change is a notification.
		if err := x.conn.JoinGroup(linkGroup); err != nil {
			return struct{}{}, err
		}
		_, err := w.read(ctx, x)
		return struct{}{}, err
	})
	if err != nil {
		return nil, err
	}
	// Only its context limits a call of Next.
	client.timeout = -1
	return w, nil
}

// Close ends the watching. Calls of Next that wait, and all later ones, return an
// error wrapping [os.ErrClosed]. Closing twice does nothing.
func (w *Watcher) Close() error { return w.client.Close() }

// Next waits for a change and returns it. Changes come in the order in which they
// were made, and none comes twice.
//
// The error wraps the cause of ctx if ctx is done; the Watcher remains usable. It
// wraps [os.ErrClosed] after [Watcher.Close].
//
// The error wraps [ErrOverrun] if the receive buffer was full and some changes are
// lost. The next calls return the differences between the last known and the current
// state; then watching continues. A larger [Config.ReceiveBuffer] makes losses less
// likely.
func (w *Watcher) Next(ctx context.Context) (Event, error) {
	return run(ctx, w.client, opWatch, 0, func(ctx context.Context, x *exchange) (Event, error) {
		for {
			// Do not take an event for a caller that has already returned.
			if ctx.Err() != nil {
				return Event{}, context.Cause(ctx)
			}
			if len(w.events) != 0 {
				x.taken = func() { w.events = w.events[1:] }
				return w.events[0], nil
			}
			if err := w.wait(ctx, x); err != nil {
				return Event{}, err
			}
		}
	})
}

// wait waits for notifications and stores the events. After a loss, it reads the list
// instead.
func (w *Watcher) wait(ctx context.Context, x *exchange) error {
	if w.lost {
		events, err := w.read(ctx, x)
		w.events = append(w.events, events...)
		return err
	}

	msgs, err := x.conn.Receive()
	if isOverrun(err) {
		w.lost = true
		return fmt.Errorf("%w: %w", ErrOverrun, err)
	}
	if err != nil {
		return err
	}
	events, err := w.known.note(msgs)
	w.events = append(w.events, events...)
	if err != nil {
		// The message cannot be decoded, so read the list again.
		w.lost = true
	}
	return err
}

// read reads the list of devices. It returns the differences from the known state.
func (w *Watcher) read(ctx context.Context, x *exchange) ([]Event, error) {
	now, err := x.snapshot(ctx, w.client)
	if err != nil {
		return nil, err
	}
	w.lost = false
	return w.known.replace(now), nil
}
