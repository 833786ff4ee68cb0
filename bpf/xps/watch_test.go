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

// fakeGroup is a connection that has joined the group: it receives what the
// test puts into its queue, and heeds deadlines that have passed.
type fakeGroup struct {
	mu       sync.Mutex
	changed  *sync.Cond
	queue    []any // []netlink.Message or error
	deadline time.Time
	closed   bool
}

func newGroup(queue ...any) *fakeGroup {
	c := &fakeGroup{queue: queue}
	c.changed = sync.NewCond(&c.mu)
	return c
}

func (c *fakeGroup) put(items ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = append(c.queue, items...)
	c.changed.Broadcast()
}

func (c *fakeGroup) Receive() ([]netlink.Message, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case c.closed:
			return nil, &netlink.OpError{Op: "receive", Err: os.ErrClosed}
		case !c.deadline.IsZero() && !c.deadline.After(time.Now()):
			return nil, &netlink.OpError{Op: "receive", Err: os.ErrDeadlineExceeded}
		case len(c.queue) != 0:
			item := c.queue[0]
			c.queue = c.queue[1:]
			if err, bad := item.(error); bad {
				return nil, err
			}
			return item.([]netlink.Message), nil
		}
		c.changed.Wait()
	}
}

func (c *fakeGroup) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	c.changed.Broadcast()
	return nil
}

func (c *fakeGroup) Ready() (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.queue) != 0, nil
}

func (c *fakeGroup) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.changed.Broadcast()
	return nil
}

func (c *fakeGroup) Send(netlink.Message) (netlink.Message, error) {
	return netlink.Message{}, errors.New("nothing is sent to a group")
}

func notify(typ netlink.HeaderType, payload []byte) []netlink.Message {
	return []netlink.Message{{Header: netlink.Header{Type: typ}, Data: payload}}
}

func overrun() error {
	return &netlink.OpError{Op: "receive", Err: os.NewSyscallError("recvmsg", unix.ENOBUFS)}
}

// devices is a kernel whose devices the test changes.
type devices struct {
	mu    sync.Mutex
	nests map[int32][]byte
	// during is called while a list is read, before it is made.
	during func()
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
	return append(msgs, reply(req, 3, multi, s32(0))...)
}

func watchFake(tb testing.TB, ctx context.Context, d *devices, group *fakeGroup) *Watcher {
	tb.Helper()
	w, err := newWatcher(ctx, fakeClient(tb, nil, nil, d.answer), group)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { w.Close() })
	return w
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
	got, err := w.Next()
	if err != nil {
		tb.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWatch(t *testing.T) {
	group := newGroup()
	d := &devices{nests: map[int32][]byte{7: detached(), 8: attached(80)}}
	w := watchFake(t, context.Background(), d, group)

	gone := eth0Event(8, 80, 0)
	gone.Removed = true
	renamed := wire(ifinfomsg(0, 7), u16(9), u16(3), []byte("eth1\x00"), zero(3), attached(71))
	group.put(
		notify(16, newlink(7, attached(70))),
		notify(16, newlink(7, attached(70))),      // something else has changed
		notify(16, wire(ifinfomsg(7, 7), eth0())), // AF_BRIDGE: now a port
		notify(17, wire(ifinfomsg(7, 7), eth0())), // AF_BRIDGE: a port no longer
		notify(16, newlink(7, nil)),               // wireless extensions have no nest
		notify(20, zero(8)),                       // RTM_NEWADDR is none of ours
		notify(16, renamed),                       // and replaced
		notify(17, newlink(9, detached())),        // never heard of
		notify(17, newlink(8, attached(80))),      // gone with its program
		notify(16, newlink(8, detached())),        // another one of that index
		append(notify(16, newlink(8, attached(81))), notify(16, newlink(8, detached()))...),
		notify(17, newlink(8, detached())), // gone without one
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

// TestWatchBegins: what waits when the list has been read is older than it.
func TestWatchBegins(t *testing.T) {
	older := []any{
		notify(16, newlink(7, attached(69))),
		notify(16, newlink(7, attached(70))),
	}
	for _, when := range []string{"before", "while"} {
		t.Run(when+" the list is read", func(t *testing.T) {
			group := newGroup()
			d := &devices{nests: map[int32][]byte{7: attached(70)}}
			if when == "before" {
				group.put(older...)
			} else {
				d.during = func() { group.put(older...) }
			}
			w := watchFake(t, context.Background(), d, group)
			group.put(notify(16, newlink(7, attached(71))))
			mustNext(t, w, eth0Event(7, 70, 71))
		})
	}
}

// TestWatchBeginsWithLoss: a loss while the list is read is made up for by
// another list, and a list that never comes to rest is an error.
func TestWatchBeginsWithLoss(t *testing.T) {
	for _, losses := range []int{1, maxDumps} {
		group := newGroup()
		d := &devices{nests: map[int32][]byte{7: detached()}}
		lists := 0
		d.during = func() {
			if lists++; lists <= losses {
				group.put(overrun())
			}
		}
		w, err := newWatcher(context.Background(), fakeClient(t, nil, nil, d.answer), group)
		switch {
		case losses == maxDumps:
			if !errors.Is(err, ErrInterrupted) {
				t.Errorf("%d losses: %v, want %v", losses, err, ErrInterrupted)
			}
		case err != nil:
			t.Errorf("%d losses: %v", losses, err)
		default:
			group.put(notify(16, newlink(7, attached(70))))
			mustNext(t, w, eth0Event(7, 0, 70))
			w.Close()
		}
	}
}

func TestWatchNotSupported(t *testing.T) {
	d := &devices{nests: map[int32][]byte{7: eth0()}}
	w, err := newWatcher(context.Background(), fakeClient(t, nil, nil, d.answer), newGroup())
	if !errors.Is(err, ErrNotSupported) || w != nil {
		t.Errorf("%v, %v, want %v", w, err, ErrNotSupported)
	}
}

// TestWatchOverrun: after a loss comes an error, then the difference, then
// what is new.
func TestWatchOverrun(t *testing.T) {
	group := newGroup()
	d := &devices{nests: map[int32][]byte{7: attached(70), 8: attached(80), 10: detached()}}
	w := watchFake(t, context.Background(), d, group)

	d.set(7, attached(71))
	d.set(8, nil)
	d.set(9, attached(90))
	group.put(overrun(), notify(16, newlink(7, attached(71))))

	if _, err := w.Next(); !errors.Is(err, ErrOverrun) || !errors.Is(err, unix.ENOBUFS) {
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

// TestWatchOverrunIsStale: what a socket still holds after a loss is older than
// the list, and lacks what came last.
func TestWatchOverrunIsStale(t *testing.T) {
	group := newGroup()
	d := &devices{nests: map[int32][]byte{7: attached(70)}}
	w := watchFake(t, context.Background(), d, group)

	d.set(7, attached(73))
	group.put(overrun(), notify(16, newlink(7, attached(71))), overrun(), notify(16, newlink(7, attached(72))))
	if _, err := w.Next(); !errors.Is(err, ErrOverrun) {
		t.Fatalf("%v, want %v", err, ErrOverrun)
	}
	mustNext(t, w, eth0Event(7, 70, 73))
}

// TestWatchUnreadable: as with a loss, what is missed is made up for.
func TestWatchUnreadable(t *testing.T) {
	group := newGroup()
	d := &devices{nests: map[int32][]byte{7: detached()}}
	w := watchFake(t, context.Background(), d, group)

	d.set(7, attached(70))
	group.put(notify(16, zero(3)))
	if _, err := w.Next(); !errors.Is(err, errMalformed) {
		t.Fatalf("%v, want %v", err, errMalformed)
	}
	mustNext(t, w, eth0Event(7, 0, 70))
}

func TestWatchEnds(t *testing.T) {
	cause := errors.New("enough")
	tests := map[string]struct {
		end  func(*Watcher, context.CancelCauseFunc)
		want error
	}{
		"cancelled": {func(_ *Watcher, cancel context.CancelCauseFunc) { cancel(cause) }, cause},
		"closed":    {func(w *Watcher, _ context.CancelCauseFunc) { w.Close() }, os.ErrClosed},
	}
	for name, tt := range tests {
		for _, when := range []string{"before", "while"} {
			t.Run(name+" "+when+" waiting", func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(context.Background())
				defer cancel(nil)
				w := watchFake(t, ctx, &devices{}, newGroup())
				if when == "before" {
					tt.end(w, cancel)
				} else {
					time.AfterFunc(5*time.Millisecond, func() { tt.end(w, cancel) })
				}
				for range 2 {
					if _, err := w.Next(); !errors.Is(err, tt.want) {
						t.Errorf("%v, want %v", err, tt.want)
					}
				}
			})
		}
	}
}

func TestWatchCloseTwice(t *testing.T) {
	w := watchFake(t, context.Background(), &devices{}, newGroup())
	for range 2 {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
}
