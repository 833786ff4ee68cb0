// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// conn is what is needed of a connection to the kernel.
type conn interface {
	Send(netlink.Message) (netlink.Message, error)
	Receive() ([]netlink.Message, error)
	SetReadDeadline(time.Time) error
	Close() error
}

// groupConn is what is needed of a connection that has joined a group.
type groupConn interface {
	conn
	// Ready tells whether Receive would return at once.
	Ready() (bool, error)
}

// socket is a [netlink.Conn] whose errors, once it is closed, can be told from
// others: they wrap [os.ErrClosed], which those of package netlink do not.
type socket struct {
	*netlink.Conn
	closed atomic.Bool
}

// Close closes the socket. A second time does nothing.
func (s *socket) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	return s.Conn.Close()
}

// Send is that of [netlink.Conn].
func (s *socket) Send(m netlink.Message) (netlink.Message, error) {
	m, err := s.Conn.Send(m)
	return m, s.explain(err)
}

// Receive is that of [netlink.Conn].
func (s *socket) Receive() ([]netlink.Message, error) {
	msgs, err := s.Conn.Receive()
	return msgs, s.explain(err)
}

// SetReadDeadline is that of [netlink.Conn].
func (s *socket) SetReadDeadline(t time.Time) error {
	return s.explain(s.Conn.SetReadDeadline(t))
}

// Ready tells whether Receive would return at once, with a message or with an
// error. A deadline that is about to pass cannot tell: it may be over before the
// socket is looked at.
func (s *socket) Ready() (bool, error) {
	raw, err := s.SyscallConn()
	if err != nil {
		return false, s.explain(err)
	}
	var n int
	var pollErr error
	err = raw.Read(func(fd uintptr) bool {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		for {
			n, pollErr = unix.Poll(fds, 0)
			if pollErr != unix.EINTR {
				return true
			}
		}
	})
	if err == nil && pollErr != nil {
		err = os.NewSyscallError("poll", pollErr)
	}
	return n > 0, s.explain(err)
}

func (s *socket) explain(err error) error {
	if err == nil || !s.closed.Load() {
		return err
	}
	return fmt.Errorf("%w: %v", os.ErrClosed, err)
}
