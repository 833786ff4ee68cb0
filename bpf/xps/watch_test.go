// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

func notify(typ netlink.HeaderType, payload []byte) []netlink.Message {
	return []netlink.Message{{Header: netlink.Header{Type: typ}, Data: payload}}
}

// devices is a fake kernel. The test changes its devices.
type devices struct {
	mu    sync.Mutex
	nests map[int32][]byte
	// during is called before a dump; between comes among its parts.
	during  func()
	between []netlink.Message
}

func (d *devices) set(ifindex int32, nest []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if nest == nil {
		delete(d.nests, ifindex)
		return
	}
	d.nests[ifindex] = nest
}

func (d *devices) answer(req netlink.Message) []netlink.Message {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.during != nil {
		d.during()
	}
	msgs := reply(req, 16, multi, newlink(1, detached()))
	for ifindex, nest := range d.nests {
		msgs = append(msgs, reply(req, 16, multi, newlink(ifindex, nest))...)
	}
	msgs = append(msgs, d.between...)
	return append(msgs, reply(req, 3, multi, s32(0))...)
}

func watchFake(tb testing.TB, d *devices) (*Watcher, fake) {
	tb.Helper()
	c, f := fakeClient(tb, nil, d.answer)
	w, err := newWatcher(tb.Context(), c)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { w.Close() })
	return w, f
}

func eth0State(ifindex int, id uint32) State {
	return State{Ifindex: ifindex, Name: "eth0", Attached: id != 0, ProgramID: ebpf.ProgramID(id)}
}

func eth0Event(ifindex int, old, now uint32) Event {
	return Event{Ifindex: ifindex, Name: "eth0", Old: eth0State(ifindex, old), New: eth0State(ifindex, now)}
}

// mustNext fails unless the next event is want.
func mustNext(tb testing.TB, w *Watcher, want Event) {
	tb.Helper()
	got, err := w.Next(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWatch(t *testing.T) {
	d := &devices{nests: map[int32][]byte{7: detached(), 8: attached(80)}}
	w, group := watchFake(t, d)

	gone := eth0Event(8, 80, 0)
	gone.Removed = true
	renamed := wire(ifinfomsg(0, 7), u16(9), u16(3), []byte("eth1\x00"), zero(3), attached(71))
	group.put(
		notify(16, newlink(7, attached(70))),
		notify(16, newlink(7, attached(70))),      // a change of something else
		notify(16, wire(ifinfomsg(7, 7), eth0())), // AF_BRIDGE: now a port
		notify(17, wire(ifinfomsg(7, 7), eth0())), // AF_BRIDGE: a port no longer
		notify(16, newlink(7, nil)),               // wireless extensions have no nest
		notify(20, zero(8)),                       // RTM_NEWADDR: not about a device
		notify(16, renamed),                       // another name and program
		notify(17, newlink(9, detached())),        // removes an unknown device
		notify(17, newlink(8, attached(80))),      // removes a device with a program
		notify(16, newlink(8, detached())),        // another device of that index
		append(notify(16, newlink(8, attached(81))), notify(16, newlink(8, detached()))...),
		notify(17, newlink(8, detached())), // removes a device without a program
		notify(16, newlink(9, attached(90))),
	)
	mustNext(t, w, eth0Event(7, 0, 70))
	mustNext(t, w, Event{
		Ifindex: 7, Name: "eth1", Old: eth0State(7, 70),
		New: State{Ifindex: 7, Name: "eth1", Attached: true, ProgramID: 71},
	})
	mustNext(t, w, gone)
	mustNext(t, w, eth0Event(8, 0, 81))
	mustNext(t, w, eth0Event(8, 81, 0))
	mustNext(t, w, eth0Event(9, 0, 90))
}

// TestWatchBegins: notifications that come while the list is read are not events.
func TestWatchBegins(t *testing.T) {
	for _, when := range []string{"before", "in"} {
		t.Run(when+" the list", func(t *testing.T) {
			d := &devices{nests: map[int32][]byte{7: attached(69)}}
			c, group := fakeClient(t, nil, d.answer)
			newer := append(notify(16, newlink(7, attached(69))), notify(16, newlink(7, attached(70)))...)
			if when == "before" {
				d.nests[7] = attached(70)
				d.during = func() { group.put(newer) }
			} else {
				d.between = newer
			}
			w, err := newWatcher(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			group.put(notify(16, newlink(7, attached(71))))
			mustNext(t, w, eth0Event(7, 70, 71))
		})
	}
}

// TestWatchBeginsWithLoss: if notifications are lost while Watch reads the list, it
// reads the list again.
func TestWatchBeginsWithLoss(t *testing.T) {
	const losses = 3
	d := &devices{nests: map[int32][]byte{7: detached()}}
	c, group := fakeClient(t, nil, d.answer)
	lists := 0
	d.during = func() {
		if lists++; lists <= losses {
			group.put(overrun())
		}
	}
	w, err := newWatcher(t.Context(), c)
	if err != nil || lists != losses+1 {
		t.Fatalf("%v after %d lists", err, lists)
	}
	group.put(notify(16, newlink(7, attached(70))))
	mustNext(t, w, eth0Event(7, 0, 70))
}

// TestWatchNeverBegins: the error of Watch wraps the cause of its context.
func TestWatchNeverBegins(t *testing.T) {
	d := &devices{}
	c, group := fakeClient(t, &Config{Timeout: 5 * time.Millisecond}, d.answer)
	d.during = func() { group.put(overrun()) }
	_, err := newWatcher(t.Context(), c)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want %v", err, context.DeadlineExceeded)
	}
}

// TestWatchOverrun: after a loss, Next returns an error, then the differences,
// then new events.
func TestWatchOverrun(t *testing.T) {
	d := &devices{nests: map[int32][]byte{7: attached(70), 8: attached(80), 10: detached()}}
	w, group := watchFake(t, d)

	d.set(7, attached(71))
	d.set(8, nil)
	d.set(9, attached(90))
	group.put(overrun(), notify(16, newlink(7, attached(71))))

	if _, err := w.Next(t.Context()); !errors.Is(err, ErrOverrun) || !errors.Is(err, unix.ENOBUFS) {
		t.Fatalf("%v, want %v", err, ErrOverrun)
	}
	gone := eth0Event(8, 80, 0)
	gone.Removed = true
	mustNext(t, w, eth0Event(7, 70, 71))
	mustNext(t, w, eth0Event(9, 0, 90))
	mustNext(t, w, gone)
	group.put(notify(16, newlink(10, attached(100))))
	mustNext(t, w, eth0Event(10, 0, 100))
}

// TestWatchOverrunIsStale: after a loss, the notifications still in the socket
// are older than the list, and the last ones are missing.
func TestWatchOverrunIsStale(t *testing.T) {
	d := &devices{nests: map[int32][]byte{7: attached(70)}}
	w, group := watchFake(t, d)

	d.set(7, attached(73))
	group.put(overrun(), notify(16, newlink(7, attached(71))), overrun(), notify(16, newlink(7, attached(72))))
	if _, err := w.Next(t.Context()); !errors.Is(err, ErrOverrun) {
		t.Fatalf("%v, want %v", err, ErrOverrun)
	}
	mustNext(t, w, eth0Event(7, 70, 73))
}

// TestWatchUnreadable: after a message that cannot be decoded, Next reads the list
// again.
func TestWatchUnreadable(t *testing.T) {
	d := &devices{nests: map[int32][]byte{7: detached()}}
	w, group := watchFake(t, d)

	d.set(7, attached(70))
	group.put(notify(16, zero(3)))
	if _, err := w.Next(t.Context()); !errors.Is(err, errMalformed) {
		t.Fatalf("%v, want %v", err, errMalformed)
	}
	mustNext(t, w, eth0Event(7, 0, 70))
}

// TestWatchEnds: a context ends one call of Next, Close all.
func TestWatchEnds(t *testing.T) {
	cause := errors.New("enough")
	for _, when := range []string{"before", "while"} {
		t.Run(when+" waiting", func(t *testing.T) {
			w, group := watchFake(t, &devices{})
			ctx, cancel := context.WithCancelCause(t.Context())
			if when == "before" {
				cancel(cause)
			} else {
				time.AfterFunc(5*time.Millisecond, func() { cancel(cause) })
			}
			for range 2 {
				if _, err := w.Next(ctx); !errors.Is(err, cause) {
					t.Errorf("%v, want %v", err, cause)
				}
			}
			group.put(notify(16, newlink(7, attached(70))))
			if _, err := w.Next(ctx); !errors.Is(err, cause) {
				t.Errorf("%v, want %v", err, cause)
			}
			// Notifications that arrived meanwhile are for the next caller.
			mustNext(t, w, eth0Event(7, 0, 70))

			if when == "before" {
				w.Close()
			} else {
				time.AfterFunc(5*time.Millisecond, func() { w.Close() })
			}
			for range 2 {
				if _, err := w.Next(t.Context()); !errors.Is(err, os.ErrClosed) {
					t.Errorf("%v, want %v", err, os.ErrClosed)
				}
			}
		})
	}
}

// TestWatchEventsOnce: if callers of Next give up at any moment, no event is lost, and
// none comes twice.
func TestWatchEventsOnce(t *testing.T) {
	const events = 200
	w, group := watchFake(t, &devices{})
	go func() {
		for id := range uint32(events) {
			group.put(notify(16, newlink(7, attached(id+1))))
		}
	}()
	got := make(chan Event)
	for range 4 {
		go func() {
			for {
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Microsecond)
				e, err := w.Next(ctx)
				cancel()
				if err == nil {
					got <- e
				} else if !errors.Is(err, context.DeadlineExceeded) {
					return
				}
			}
		}()
	}
	seen := make(map[ebpf.ProgramID]bool)
	for range events {
		e := <-got
		if seen[e.New.ProgramID] {
			t.Errorf("program %d came twice", e.New.ProgramID)
		}
		seen[e.New.ProgramID] = true
	}
}

func TestWatchCloseTwice(t *testing.T) {
	w, _ := watchFake(t, &devices{})
	for range 2 {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
}
