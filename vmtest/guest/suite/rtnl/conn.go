// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package rtnl has the rtnetlink functions that the guest suite needs in addition to
// bpf/xps. It creates and moves links, and sends messages that a well-behaved library
// would not send.
//
// Errors from the kernel are [*netlink.OpError] and unwrap to the errno.
package rtnl

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Conn is a route netlink socket in the network namespace of the thread that opened it.
// Extended acks are enabled.
type Conn struct {
	nl *netlink.Conn
}

// Dial opens a Conn in the network namespace of the calling thread. The thread must be
// locked unless that is the namespace of the process. The caller closes the Conn.
func Dial() (*Conn, error) {
	nl, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		return nil, fmt.Errorf("rtnetlink: %w", err)
	}
	if err := nl.SetOption(netlink.ExtendedAcknowledge, true); err != nil {
		nl.Close()
		return nil, fmt.Errorf("rtnetlink: extended acks: %w", err)
	}
	return &Conn{nl: nl}, nil
}

// Close closes the socket.
func (c *Conn) Close() error { return c.nl.Close() }

// Ack is the kernel's acknowledgement of a successful request.
type Ack struct {
	// Warning is the extack message; empty if there was none.
	Warning string
}

// Do sends one request and waits for its ack.
func (c *Conn) Do(typ uint16, flags netlink.HeaderFlags, payload []byte) (Ack, error) {
	msgs, err := c.nl.Execute(netlink.Message{
		Header: netlink.Header{
			Type:  netlink.HeaderType(typ),
			Flags: netlink.Request | netlink.Acknowledge | flags,
		},
		Data: payload,
	})
	if err != nil {
		return Ack{}, err
	}
	for _, m := range msgs {
		if m.Header.Type == netlink.Error {
			return parseAck(m), nil
		}
	}
	return Ack{}, errors.New("rtnetlink: no ack")
}

// parseAck finds the extack message in a successful ack. The attributes follow the errno
// and the header of the request. If the ack is not capped, the whole request comes before
// them.
func parseAck(m netlink.Message) Ack {
	const errnoLen = 4
	if m.Header.Flags&netlink.AcknowledgeTLVs == 0 || len(m.Data) < errnoLen+unix.NLMSG_HDRLEN {
		return Ack{}
	}
	off := errnoLen + unix.NLMSG_HDRLEN
	if m.Header.Flags&netlink.Capped == 0 {
		off = errnoLen + int(binary.NativeEndian.Uint32(m.Data[errnoLen:]))
	}
	if off > len(m.Data) {
		return Ack{}
	}
	ad, err := netlink.NewAttributeDecoder(m.Data[off:])
	if err != nil {
		return Ack{}
	}
	var ack Ack
	for ad.Next() {
		if ad.Type() == unix.NLMSGERR_ATTR_MSG {
			ack.Warning = ad.String()
		}
	}
	return ack
}

// Extack returns the extack message of an error, or "".
func Extack(err error) string {
	var op *netlink.OpError
	if errors.As(err, &op) {
		return op.Message
	}
	return ""
}

// Dump returns all links.
func (c *Conn) Dump() ([]Info, error) {
	msgs, err := c.nl.Execute(netlink.Message{
		Header: netlink.Header{
			Type:  unix.RTM_GETLINK,
			Flags: netlink.Request | netlink.Dump,
		},
		Data: header(0, 0, 0),
	})
	if err != nil {
		return nil, fmt.Errorf("dump links: %w", err)
	}
	infos := make([]Info, 0, len(msgs))
	for _, m := range msgs {
		info, err := parseInfo(m)
		if err != nil {
			return nil, fmt.Errorf("dump links: %w", err)
		}
		infos = append(infos, info)
	}
	return infos, nil
}

// Get returns one link.
func (c *Conn) Get(ifindex int) (Info, error) {
	msgs, err := c.nl.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.RTM_GETLINK, Flags: netlink.Request},
		Data:   header(ifindex, 0, 0),
	})
	if err != nil {
		return Info{}, fmt.Errorf("get link %d: %w", ifindex, err)
	}
	if len(msgs) != 1 {
		return Info{}, fmt.Errorf("get link %d: %d answers", ifindex, len(msgs))
	}
	return parseInfo(msgs[0])
}

// Index returns the ifindex of the named device in the network namespace of c.
func (c *Conn) Index(name string) (int, error) {
	links, err := c.Dump()
	if err != nil {
		return 0, err
	}
	for _, l := range links {
		if l.Name == name {
			return l.Index, nil
		}
	}
	return 0, fmt.Errorf("link %s: %w", name, unix.ENODEV)
}
