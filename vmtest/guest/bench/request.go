// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"encoding/binary"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// request is a socket with encoded requests, so that only the kernel's work is measured.
type request struct {
	fd       int
	requests [][]byte
	buf      []byte
	// dump says that the answer has many messages.
	dump  bool
	count int
}

func openRequest() (*request, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("netlink socket: %w", err)
	}
	return &request{fd: fd, buf: make([]byte, 64<<10), count: 1}, nil
}

func (r *request) add(typ uint16, flags netlink.HeaderFlags, payload []byte) error {
	m := netlink.Message{
		Header: netlink.Header{Type: netlink.HeaderType(typ), Flags: netlink.Request | flags},
		Data:   payload,
	}
	m.Header.Length = uint32(unix.NLMSG_HDRLEN + len(payload))
	b, err := m.MarshalBinary()
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	r.requests = append(r.requests, b)
	return nil
}

func (r *request) send() error {
	for _, b := range r.requests {
		if _, err := unix.Write(r.fd, b); err != nil {
			return fmt.Errorf("send request: %w", err)
		}
		for {
			n, _, err := unix.Recvfrom(r.fd, r.buf, 0)
			if err != nil {
				return fmt.Errorf("receive answer: %w", err)
			}
			done, err := finished(r.buf[:n])
			if err != nil {
				return err
			}
			if done || !r.dump {
				break
			}
		}
	}
	return nil
}

// finished walks the messages received at once. The end of a dump may follow its last links.
func finished(b []byte) (bool, error) {
	for len(b) >= unix.NLMSG_HDRLEN {
		size := binary.NativeEndian.Uint32(b)
		typ := binary.NativeEndian.Uint16(b[4:])
		if size < unix.NLMSG_HDRLEN || int(size) > len(b) {
			return false, fmt.Errorf("answer: %d bytes in a message of %d", len(b), size)
		}
		switch {
		case typ == unix.NLMSG_DONE:
			return true, nil
		case typ == unix.NLMSG_ERROR && size >= unix.NLMSG_HDRLEN+4:
			if errno := -int32(binary.NativeEndian.Uint32(b[unix.NLMSG_HDRLEN:])); errno != 0 {
				return false, fmt.Errorf("netlink error: %w", unix.Errno(errno))
			}
			return true, nil
		}
		b = b[min(len(b), int(size+3)&^3):]
	}
	return false, nil
}

func (r *request) ops() int { return len(r.requests) * r.count }

func (r *request) close() { unix.Close(r.fd) }
