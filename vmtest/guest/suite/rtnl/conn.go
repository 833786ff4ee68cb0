// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package rtnl is the little rtnetlink that the guest suite needs beside
// bpf/xps: it makes and moves links, and it sends messages that a well-behaved
// library would not send.
//
// Errors of the kernel are [*netlink.OpError] and unwrap to the errno.
package rtnl

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Conn is a route netlink socket in the network namespace of the thread that
// dialled it. Extended acks are on.
type Conn struct {
	nl *netlink.Conn
}

// Dial opens a Conn in the network namespace of the calling thread, which
// must be locked if that is not the one of the process. The caller closes it.
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

// Ack is what the kernel said of a request that it carried out.
type Ack struct {
	// Warning is the message of the extended ack, empty if there was none.
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

// parseAck finds the message in the attributes of a positive ack. They follow
// the errno and the header of the request, or, unless the ack is capped, all
// of the request.
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

// Extack returns the message the kernel sent with an error, or "".
func Extack(err error) string {
	var op *netlink.OpError
	if errors.As(err, &op) {
		return op.Message
	}
	return ""
}

// Dump asks for all links and returns them.
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

// Get asks for one link.
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

// Index looks up the number of the device called name, in the network namespace
// of the calling thread.
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
