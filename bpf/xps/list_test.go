// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// churn is a fake kernel with devices that change during a list.
type churn struct {
	// lists counts the lists.
	lists int
	// during is called for each list, and returns the notifications that come
	// between its two parts.
	during func(list int) []netlink.Message
	// busy is how many lists are refused because another is being read.
	busy int
}

func (k *churn) answer(req netlink.Message) []netlink.Message {
	k.lists++
	if k.lists <= k.busy {
		return refuse(req, unix.EBUSY)
	}
	msgs := reply(req, 16, multi, newlink(1, detached()), newlink(7, attached(70)))
	msgs = append(msgs, k.during(k.lists)...)
	return append(append(msgs, reply(req, 16, multi|intr, newlink(8, attached(80)))...),
		reply(req, 3, multi|intr, s32(0))...)
}

// TestListInterrupted: List completes an interrupted list with the notifications that
// came with it.
func TestListInterrupted(t *testing.T) {
	k := &churn{during: func(list int) []netlink.Message {
		if list == 1 {
			return nil // Not yet a member of the group.
		}
		return append(append(notify(17, newlink(1, detached())), notify(16, newlink(7, attached(71)))...),
			notify(16, newlink(9, attached(90)))...)
	}}
	c, f := fakeClient(t, nil, k.answer)
	got, err := c.List(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []State{eth0State(7, 71), eth0State(8, 80), eth0State(9, 90)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if k.lists != 2 || f.joined {
		t.Errorf("%d lists, member of the group afterwards: %t", k.lists, f.joined)
	}
}

func TestListPartial(t *testing.T) {
	k := &churn{during: func(int) []netlink.Message { return nil }}
	c, _ := fakeClient(t, nil, k.answer)
	got, err := c.List(t.Context(), &ListOptions{Partial: true})
	expectSentinel(t, err, ErrInterrupted)
	want := []State{eth0State(1, 0), eth0State(7, 70), eth0State(8, 80)}
	if diff := cmp.Diff(want, got); diff != "" || k.lists != 1 {
		t.Errorf("after %d lists (-want +got):\n%s", k.lists, diff)
	}
}

// TestListLosses: after a loss of notifications, List reads again, with a larger
// buffer.
func TestListLosses(t *testing.T) {
	k := &churn{}
	c, f := fakeClient(t, nil, k.answer)
	k.during = func(list int) []netlink.Message {
		if list > 1 && list < 5 {
			f.put(overrun())
		}
		return nil
	}
	got, err := c.List(t.Context(), nil)
	if err != nil || len(got) != 3 || k.lists != 5 || f.buffer != 4096*8 {
		t.Errorf("%v, %v after %d lists with a buffer of %d", got, err, k.lists, f.buffer)
	}
}

// TestListWhileDumping: List retries while an abandoned dump still runs on the socket.
func TestListWhileDumping(t *testing.T) {
	k := &churn{busy: 2, during: func(int) []netlink.Message { return nil }}
	c, _ := fakeClient(t, nil, k.answer)
	if got, err := c.List(t.Context(), nil); err != nil || len(got) != 3 {
		t.Errorf("%v, %v", got, err)
	}
}

// TestListEnds: List retries until its context ends, and returns the cause.
func TestListEnds(t *testing.T) {
	cause := errors.New("enough")
	k := &churn{}
	c, f := fakeClient(t, nil, k.answer)
	ctx, cancel := context.WithCancelCause(t.Context())
	k.during = func(list int) []netlink.Message {
		f.put(overrun())
		if list == 4 {
			time.AfterFunc(time.Millisecond, func() { cancel(cause) })
		}
		return nil
	}
	if _, err := c.List(ctx, nil); !errors.Is(err, cause) {
		t.Errorf("%v, want %v", err, cause)
	}
}
