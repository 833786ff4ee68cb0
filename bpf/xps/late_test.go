// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// lateConn answers like answer, but the first time only after the caller has
// stopped waiting.
type lateConn struct {
	answer func(netlink.Message) []netlink.Message

	mu        sync.Mutex
	deadlines []time.Time
	seq       uint32
	late      bool
	queue     [][]netlink.Message
	errs      []error
}

func (c *lateConn) Send(m netlink.Message) (netlink.Message, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seq++
	m.Header.Sequence = c.seq
	c.queue = append(c.queue, c.answer(m))
	return m, nil
}

func (c *lateConn) Receive() ([]netlink.Message, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.late {
		c.late = true
		return nil, &netlink.OpError{Op: "receive", Err: os.NewSyscallError("recvmsg", os.ErrDeadlineExceeded)}
	}
	if len(c.errs) != 0 {
		err := c.errs[0]
		c.errs = c.errs[1:]
		return nil, err
	}
	msgs := c.queue[0]
	c.queue = c.queue[1:]
	return msgs, nil
}

func (c *lateConn) SetReadDeadline(t time.Time) error {
	c.deadlines = append(c.deadlines, t)
	return nil
}

func (c *lateConn) Close() error { return nil }

// TestLateAnswers: what a call did not wait for is not the answer to the next.
func TestLateAnswers(t *testing.T) {
	answer := xpsKernel(attached(9), nil)
	tests := map[string]*lateConn{
		"an answer": {answer: answer},
		"a failure": {answer: answer, errs: []error{
			&netlink.OpError{Op: "receive", Err: unix.ENODEV, Sequence: 1},
		}},
		"the end of a dump": {answer: func(req netlink.Message) []netlink.Message {
			if req.Header.Sequence == 1 {
				return nil
			}
			return answer(req)
		}},
	}
	for name, late := range tests {
		t.Run(name, func(t *testing.T) {
			c := newClient(late, &Config{Timeout: time.Minute})
			_, err := c.Query(3)
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("%v, want %v", err, os.ErrDeadlineExceeded)
			}
			s, err := c.Query(7)
			if err != nil {
				t.Fatal(err)
			}
			if s.Ifindex != 7 {
				t.Errorf("got the state of %d, want that of 7", s.Ifindex)
			}
		})
	}
}

func TestTimeout(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{
		0:           DefaultTimeout,
		time.Second: time.Second,
		-1:          0,
	} {
		late := &lateConn{answer: succeed}
		c := newClient(late, &Config{Timeout: timeout})
		before := time.Now()
		if _, err := c.Query(7); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("%v, want %v", err, os.ErrDeadlineExceeded)
		}
		d := late.deadlines[0]
		if want == 0 {
			if !d.IsZero() {
				t.Errorf("timeout %v: deadline %v, want none", timeout, d)
			}
			continue
		}
		if d.Before(before.Add(want)) || d.After(time.Now().Add(want)) {
			t.Errorf("timeout %v: deadline in %v, want %v", timeout, d.Sub(before), want)
		}
	}
}
