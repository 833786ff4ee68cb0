// SPDX-License-Identifier: GPL-2.0-only OR MIT

package rtnl

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Monitor is a socket that is subscribed to the link notifications of a namespace. It
// uses plain system calls, because the suite must be sure that no notification is
// queued. A read with a deadline may return without reading the socket.
type Monitor struct {
	fd int
}

// Listen subscribes in the network namespace of the calling thread. The caller closes the
// Monitor.
func Listen() (*Monitor, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("link monitor: socket: %w", err)
	}
	m := &Monitor{fd: fd}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		m.Close()
		return nil, fmt.Errorf("link monitor: bind: %w", err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, unix.RTNLGRP_LINK); err != nil {
		m.Close()
		return nil, fmt.Errorf("link monitor: subscribe: %w", err)
	}
	return m, nil
}

// Close ends the subscription.
func (m *Monitor) Close() error { return unix.Close(m.fd) }

// Drain returns the notifications that have arrived, without waiting. The kernel queues a
// notification before the request that causes it returns. So a missing notification does
// not come later.
func (m *Monitor) Drain() ([]Info, error) {
	var infos []Info
	buf := make([]byte, 64<<10)
	for {
		n, _, err := unix.Recvfrom(m.fd, buf, unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return infos, nil
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return infos, fmt.Errorf("link monitor: %w", err)
		}
		msgs, err := syscall.ParseNetlinkMessage(buf[:n])
		if err != nil {
			return infos, fmt.Errorf("link monitor: %w", err)
		}
		for _, msg := range msgs {
			info, err := parseInfo(netlink.Message{
				Header: netlink.Header{Type: netlink.HeaderType(msg.Header.Type)},
				Data:   msg.Data,
			})
			if err != nil {
				return infos, fmt.Errorf("link monitor: %w", err)
			}
			infos = append(infos, info)
		}
	}
}
