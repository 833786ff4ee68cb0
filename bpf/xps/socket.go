// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xpsgen/uapi"
)

// conn has the methods of a connection to the kernel that this package uses.
type conn interface {
	Send(netlink.Message) (netlink.Message, error)
	Receive() ([]netlink.Message, error)
	SetReadDeadline(time.Time) error
	// JoinGroup and LeaveGroup start and stop notifications.
	JoinGroup(group uint32) error
	LeaveGroup(group uint32) error
	ReadBuffer() (int, error)
	SetReadBuffer(bytes int) error
	// Ready reports whether Receive would return at once.
	Ready() (bool, error)
	Close() error
}

// messageBuffer is the size of the buffer for recvmsg, in bytes. The kernel makes the
// parts of a list as large as the largest buffer it has seen, up to 32 KiB. A list of
// few parts is interrupted less often.
const messageBuffer = 64 << 10

// past is a deadline that ends all waiting.
var past = time.Unix(1, 0)

// socket is a [netlink.Conn] whose errors wrap [os.ErrClosed] once it is
// closed. Those of package netlink do not.
type socket struct {
	*netlink.Conn
	closed atomic.Bool
}

func newSocket(netns int) (*socket, error) {
	var s *socket
	err := inNetNS(netns, func() error {
		c, err := netlink.Dial(uapi.NETLINK_ROUTE, &netlink.Config{Strict: true, MessageBufferSize: messageBuffer})
		if err == nil {
			s = &socket{Conn: c}
		}
		return err
	})
	return s, err
}

// Close closes the socket. Closing twice does nothing.
func (s *socket) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	return s.Conn.Close()
}

// Send calls [netlink.Conn.Send].
func (s *socket) Send(m netlink.Message) (netlink.Message, error) {
	m, err := s.Conn.Send(m)
	return m, s.explain(err)
}

// Receive calls [netlink.Conn.Receive].
func (s *socket) Receive() ([]netlink.Message, error) {
	msgs, err := s.Conn.Receive()
	return msgs, s.explain(err)
}

// SetReadDeadline calls [netlink.Conn.SetReadDeadline].
func (s *socket) SetReadDeadline(t time.Time) error {
	return s.explain(s.Conn.SetReadDeadline(t))
}

// SetReadBuffer sets the size of the receive buffer, beyond net.core.rmem_max
// if that is permitted.
func (s *socket) SetReadBuffer(bytes int) error {
	raw, err := s.SyscallConn()
	if err != nil {
		return s.explain(err)
	}
	var errno error
	err = raw.Control(func(fd uintptr) {
		errno = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, bytes)
		if errno == unix.EPERM {
			errno = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, bytes)
		}
	})
	if err == nil {
		err = os.NewSyscallError("setsockopt", errno)
	}
	return s.explain(err)
}

// Ready reports whether Receive would return at once, with a message or an
// error. Receive with a short deadline does not tell: the deadline may expire
// before the socket is read.
func (s *socket) Ready() (bool, error) {
	raw, err := s.SyscallConn()
	if err != nil {
		return false, s.explain(err)
	}
	var n int
	var pollErr error
	err = raw.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		for {
			n, pollErr = unix.Poll(fds, 0)
			if pollErr != unix.EINTR {
				return
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
