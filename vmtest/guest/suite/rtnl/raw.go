// SPDX-License-Identifier: GPL-2.0-only OR MIT

package rtnl

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Raw is a route netlink socket for messages that no library would send. It adds only the
// header of each message.
type Raw struct {
	fd  int
	seq uint32
	buf []byte
}

// Request is a message for [Raw.Exchange]. Flags must request an ack.
type Request struct {
	Type, Flags uint16
	Payload     []byte
}

// DialRaw opens a Raw in the network namespace of the calling thread. Answers may take as
// long as patience. The caller closes the Raw.
func DialRaw(patience time.Duration) (*Raw, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("raw rtnetlink: socket: %w", err)
	}
	r := &Raw{fd: fd, buf: make([]byte, 64<<10)}
	timeout := unix.NsecToTimeval(patience.Nanoseconds())
	err = errors.Join(
		unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}),
		// Acks need not contain the request.
		unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_CAP_ACK, 1),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 4<<20),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout),
	)
	if err != nil {
		r.Close()
		return nil, fmt.Errorf("raw rtnetlink: %w", err)
	}
	return r, nil
}

// Close closes the socket.
func (r *Raw) Close() error { return unix.Close(r.fd) }

// Exchange sends all requests at once and returns the errno of each ack, 0 for success.
// It skips other answers.
func (r *Raw) Exchange(requests []Request) ([]unix.Errno, error) {
	if err := r.Send(r.Encode(requests)); err != nil {
		return nil, fmt.Errorf("send %d requests: %w", len(requests), err)
	}
	return r.Answers(len(requests))
}

// Encode adds headers to requests. The caller must send them before it encodes others.
func (r *Raw) Encode(requests []Request) []byte {
	var out []byte
	for _, q := range requests {
		r.seq++
		out = binary.NativeEndian.AppendUint32(out, uint32(unix.NLMSG_HDRLEN+len(q.Payload)))
		out = binary.NativeEndian.AppendUint16(out, q.Type)
		out = binary.NativeEndian.AppendUint16(out, q.Flags)
		out = binary.NativeEndian.AppendUint32(out, r.seq)
		out = binary.NativeEndian.AppendUint32(out, 0)
		out = append(out, q.Payload...)
		for len(out)%unix.NLMSG_ALIGNTO != 0 {
			out = append(out, 0)
		}
	}
	return out
}

// Send sends the bytes that Encode returned, with one system call on the caller's thread.
// When Send returns, the kernel has processed the requests.
func (r *Raw) Send(encoded []byte) error {
	return unix.Sendto(r.fd, encoded, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
}

// Answers receives the acks of the last n requests.
func (r *Raw) Answers(n int) ([]unix.Errno, error) {
	first := r.seq - uint32(n) + 1
	answers := make([]unix.Errno, n)
	for seen := 0; seen < n; {
		size, _, err := unix.Recvfrom(r.fd, r.buf, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("answer %d of %d: %w", seen+1, n, err)
		}
		for b := r.buf[:size]; len(b) >= unix.NLMSG_HDRLEN; {
			length := int(binary.NativeEndian.Uint32(b))
			if length < unix.NLMSG_HDRLEN || length > len(b) {
				return nil, fmt.Errorf("answer: %d bytes received, header says %d", len(b), length)
			}
			seq := binary.NativeEndian.Uint32(b[8:])
			if binary.NativeEndian.Uint16(b[4:]) == unix.NLMSG_ERROR && length >= unix.NLMSG_HDRLEN+4 {
				i := int(seq - first)
				if i < 0 || i >= n {
					return nil, fmt.Errorf("answer to request %d, expected %d to %d", seq, first, r.seq)
				}
				answers[i] = unix.Errno(-int32(binary.NativeEndian.Uint32(b[unix.NLMSG_HDRLEN:])))
				seen++
			}
			b = b[min((length+unix.NLMSG_ALIGNTO-1)&^(unix.NLMSG_ALIGNTO-1), len(b)):]
		}
	}
	return answers, nil
}
