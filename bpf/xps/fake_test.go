// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"iter"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// fake is a connection to a fake kernel, which the test provides.
type fake struct {
	*netlink.Conn
	*fakeSocket
}

// Both embedded types have these methods. Use those of Conn, except where Conn only
// calls its socket.

func (f fake) Send(m netlink.Message) (netlink.Message, error) { return f.Conn.Send(m) }
func (f fake) Receive() ([]netlink.Message, error)             { return f.Conn.Receive() }
func (f fake) SetReadDeadline(t time.Time) error               { return f.fakeSocket.SetReadDeadline(t) }
func (f fake) JoinGroup(g uint32) error                        { return f.fakeSocket.JoinGroup(g) }
func (f fake) LeaveGroup(g uint32) error                       { return f.fakeSocket.LeaveGroup(g) }
func (f fake) ReadBuffer() (int, error)                        { return f.fakeSocket.ReadBuffer() }
func (f fake) SetReadBuffer(n int) error                       { return f.fakeSocket.SetReadBuffer(n) }
func (f fake) Close() error                                    { return f.fakeSocket.Close() }
func (f fake) ReceiveIter() iter.Seq2[netlink.Message, error]  { return f.Conn.ReceiveIter() }
func (f fake) SendMessages(m []netlink.Message) ([]netlink.Message, error) {
	return f.Conn.SendMessages(m)
}

// fakeSocket queues answers and notifications as a socket of the kernel does.
type fakeSocket struct {
	answer func(req netlink.Message) []netlink.Message

	mu       sync.Mutex
	changed  *sync.Cond
	sent     []netlink.Message
	queue    []any // []netlink.Message or error
	deadline time.Time
	closed   bool
	joined   bool
	buffer   int
}

func newFake(answer func(req netlink.Message) []netlink.Message) fake {
	s := &fakeSocket{answer: answer, buffer: 4096}
	s.changed = sync.NewCond(&s.mu)
	return fake{netlink.NewConn(s, 1), s}
}

// put queues notifications, errors of the socket, or late answers.
func (s *fakeSocket) put(items ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, items...)
	s.changed.Broadcast()
}

// Send calls answer without the lock, because answer may call put.
func (s *fakeSocket) Send(m netlink.Message) error {
	kept := m
	kept.Data = slices.Clone(m.Data)
	s.mu.Lock()
	s.sent = append(s.sent, kept)
	s.mu.Unlock()
	if msgs := s.answer(m); msgs != nil {
		s.put(msgs)
	}
	return nil
}

func (s *fakeSocket) SendMessages([]netlink.Message) error { panic("not used") }

func (s *fakeSocket) Receive() ([]netlink.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.closed:
			return nil, os.ErrClosed
		case !s.deadline.IsZero() && !s.deadline.After(time.Now()):
			return nil, os.NewSyscallError("recvmsg", os.ErrDeadlineExceeded)
		case len(s.queue) != 0:
			item := s.queue[0]
			s.queue = s.queue[1:]
			if err, bad := item.(error); bad {
				return nil, err
			}
			return item.([]netlink.Message), nil
		}
		s.changed.Wait()
	}
}

func (s *fakeSocket) ReceiveIter() iter.Seq2[netlink.Message, error] {
	return func(yield func(netlink.Message, error) bool) {
		msgs, err := s.Receive()
		if err != nil {
			yield(netlink.Message{}, err)
			return
		}
		for _, m := range msgs {
			if !yield(m, nil) {
				return
			}
		}
	}
}

func (s *fakeSocket) SetReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline = t
	s.changed.Broadcast()
	return nil
}

func (s *fakeSocket) JoinGroup(uint32) error  { return s.join(true) }
func (s *fakeSocket) LeaveGroup(uint32) error { return s.join(false) }

func (s *fakeSocket) join(joined bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.joined = joined
	return nil
}

func (s *fakeSocket) ReadBuffer() (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buffer, nil
}

// SetReadBuffer sets twice the given size, as the kernel does.
func (s *fakeSocket) SetReadBuffer(n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buffer = 2 * n
	return nil
}

func (s *fakeSocket) Ready() (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue) != 0, nil
}

func (s *fakeSocket) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.changed.Broadcast()
	return nil
}

// requests are the types of the sent messages.
func (s *fakeSocket) requests() []netlink.HeaderType {
	s.mu.Lock()
	defer s.mu.Unlock()
	var types []netlink.HeaderType
	for _, m := range s.sent {
		types = append(types, m.Header.Type)
	}
	return types
}

// overrun is the error of a socket after its receive buffer was full.
func overrun() error { return os.NewSyscallError("recvmsg", unix.ENOBUFS) }

// fakeClient returns a client of a fake kernel. answer makes the answers.
func fakeClient(tb testing.TB, cfg *Config, answer func(req netlink.Message) []netlink.Message) (*Client, fake) {
	tb.Helper()
	if cfg == nil {
		cfg = &Config{}
	}
	f := newFake(answer)
	c := newClient(f, cfg)
	tb.Cleanup(func() {
		if err := c.Close(); err != nil {
			tb.Error(err)
		}
	})
	return c, f
}
