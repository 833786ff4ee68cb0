// SPDX-License-Identifier: GPL-2.0-only OR MIT

package rtnl

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xpsgen/uapi"
)

// Link describes a link to create.
type Link struct {
	// Name and Kind ("dummy", "veth") are required.
	Name, Kind string
	// TxQueues and RxQueues are the numbers of queues to allocate. Zero means the
	// driver's default.
	TxQueues, RxQueues int
	// Peer is the other end of a veth pair.
	Peer *Link
	// Lower is the ifindex of the lower device; 0 means none.
	Lower int
	// Data appends attributes to IFLA_INFO_DATA; may be nil. It must be nil if Peer
	// is set.
	Data func(*netlink.AttributeEncoder)
	// Extra appends attributes at the top level; may be nil.
	Extra func(*netlink.AttributeEncoder)
}

// header encodes a struct ifinfomsg.
func header(ifindex int, flags, change uint32) []byte {
	b := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(b[4:], uint32(int32(ifindex)))
	binary.NativeEndian.PutUint32(b[8:], flags)
	binary.NativeEndian.PutUint32(b[12:], change)
	return b
}

// Message encodes a link message for the device ifindex; 0 means none.
func Message(ifindex int, attrs func(*netlink.AttributeEncoder)) ([]byte, error) {
	ae := netlink.NewAttributeEncoder()
	if attrs != nil {
		attrs(ae)
	}
	b, err := ae.Encode()
	if err != nil {
		return nil, fmt.Errorf("encode link message: %w", err)
	}
	return append(header(ifindex, 0, 0), b...), nil
}

// attributes encodes the attributes of the new link.
func (l *Link) attributes(ae *netlink.AttributeEncoder) {
	ae.String(unix.IFLA_IFNAME, l.Name)
	if l.TxQueues > 0 {
		ae.Uint32(unix.IFLA_NUM_TX_QUEUES, uint32(l.TxQueues))
	}
	if l.RxQueues > 0 {
		ae.Uint32(unix.IFLA_NUM_RX_QUEUES, uint32(l.RxQueues))
	}
	if l.Lower > 0 {
		ae.Uint32(unix.IFLA_LINK, uint32(l.Lower))
	}
	if l.Kind != "" {
		ae.Nested(unix.IFLA_LINKINFO, func(ae *netlink.AttributeEncoder) error {
			ae.String(unix.IFLA_INFO_KIND, l.Kind)
			if l.Data != nil {
				ae.Nested(unix.IFLA_INFO_DATA, func(ae *netlink.AttributeEncoder) error {
					l.Data(ae)
					return nil
				})
			}
			if l.Peer == nil {
				return nil
			}
			peer := *l.Peer
			peer.Kind = ""
			msg, err := Message(0, peer.attributes)
			if err != nil {
				return err
			}
			ae.Nested(unix.IFLA_INFO_DATA, func(ae *netlink.AttributeEncoder) error {
				ae.Bytes(uapi.VETH_INFO_PEER, msg)
				return nil
			})
			return nil
		})
	}
	if l.Extra != nil {
		l.Extra(ae)
	}
}

// Add creates a link.
func (c *Conn) Add(l Link) error {
	msg, err := Message(0, l.attributes)
	if err != nil {
		return err
	}
	if _, err := c.Do(unix.RTM_NEWLINK, netlink.Create|netlink.Excl, msg); err != nil {
		return fmt.Errorf("add %s link %s: %w", l.Kind, l.Name, err)
	}
	return nil
}

// Delete removes a link.
func (c *Conn) Delete(ifindex int) error {
	if _, err := c.Do(unix.RTM_DELLINK, 0, header(ifindex, 0, 0)); err != nil {
		return fmt.Errorf("delete link %d: %w", ifindex, err)
	}
	return nil
}

// DeleteGroup removes all links of a group.
func (c *Conn) DeleteGroup(group uint32) error {
	msg, err := Message(0, func(ae *netlink.AttributeEncoder) { ae.Uint32(unix.IFLA_GROUP, group) })
	if err != nil {
		return err
	}
	if _, err := c.Do(unix.RTM_DELLINK, 0, msg); err != nil {
		return fmt.Errorf("delete links of group %d: %w", group, err)
	}
	return nil
}

// SetUp brings a link up or down.
func (c *Conn) SetUp(ifindex int, up bool) error {
	var flags uint32
	if up {
		flags = unix.IFF_UP
	}
	if _, err := c.Do(unix.RTM_NEWLINK, 0, header(ifindex, flags, unix.IFF_UP)); err != nil {
		return fmt.Errorf("set link %d up=%v: %w", ifindex, up, err)
	}
	return nil
}

// Set changes attributes of a link with RTM_SETLINK.
func (c *Conn) Set(ifindex int, attrs func(*netlink.AttributeEncoder)) (Ack, error) {
	msg, err := Message(ifindex, attrs)
	if err != nil {
		return Ack{}, err
	}
	return c.Do(unix.RTM_SETLINK, 0, msg)
}

// SetXPS sends an IFLA_XPS nest to a link. nest appends its attributes.
func (c *Conn) SetXPS(ifindex int, nest func(*netlink.AttributeEncoder)) (Ack, error) {
	return c.Set(ifindex, func(ae *netlink.AttributeEncoder) { XPSNest(ae, nest) })
}

// XPSNest appends an IFLA_XPS nest.
func XPSNest(ae *netlink.AttributeEncoder, nest func(*netlink.AttributeEncoder)) {
	ae.Nested(uapi.IFLA_XPS, func(ae *netlink.AttributeEncoder) error {
		nest(ae)
		return nil
	})
}

// Move moves a link into the network namespace of fd.
func (c *Conn) Move(ifindex, fd int) error {
	_, err := c.Set(ifindex, func(ae *netlink.AttributeEncoder) {
		ae.Uint32(unix.IFLA_NET_NS_FD, uint32(fd))
	})
	if err != nil {
		return fmt.Errorf("move link %d: %w", ifindex, err)
	}
	return nil
}

// AddAddress adds an IPv4 address with its prefix to a link.
func (c *Conn) AddAddress(ifindex int, p netip.Prefix) error {
	b := make([]byte, unix.SizeofIfAddrmsg)
	b[0] = unix.AF_INET
	b[1] = byte(p.Bits())
	binary.NativeEndian.PutUint32(b[4:], uint32(ifindex))
	ae := netlink.NewAttributeEncoder()
	ae.Bytes(unix.IFA_LOCAL, p.Addr().AsSlice())
	ae.Bytes(unix.IFA_ADDRESS, p.Addr().AsSlice())
	attrs, err := ae.Encode()
	if err != nil {
		return err
	}
	if _, err := c.Do(unix.RTM_NEWADDR, netlink.Create|netlink.Excl, append(b, attrs...)); err != nil {
		return fmt.Errorf("add address %v to link %d: %w", p, ifindex, err)
	}
	return nil
}

// AddNeighbour adds a permanent neighbour entry for an IPv4 address.
func (c *Conn) AddNeighbour(ifindex int, ip netip.Addr, mac []byte) error {
	if err := c.neighbour(unix.RTM_NEWNEIGH, netlink.Create|netlink.Replace, ifindex, ip, mac); err != nil {
		return fmt.Errorf("add neighbour %v to link %d: %w", ip, ifindex, err)
	}
	return nil
}

// DeleteNeighbour deletes a neighbour entry with the packets that wait for it.
func (c *Conn) DeleteNeighbour(ifindex int, ip netip.Addr) error {
	if err := c.neighbour(unix.RTM_DELNEIGH, 0, ifindex, ip, nil); err != nil {
		return fmt.Errorf("delete neighbour %v of link %d: %w", ip, ifindex, err)
	}
	return nil
}

func (c *Conn) neighbour(typ uint16, flags netlink.HeaderFlags, ifindex int, ip netip.Addr, mac []byte) error {
	b := make([]byte, unix.SizeofNdMsg)
	b[0] = unix.AF_INET
	binary.NativeEndian.PutUint32(b[4:], uint32(ifindex))
	binary.NativeEndian.PutUint16(b[8:], unix.NUD_PERMANENT)
	ae := netlink.NewAttributeEncoder()
	ae.Bytes(unix.NDA_DST, ip.AsSlice())
	if mac != nil {
		ae.Bytes(unix.NDA_LLADDR, mac)
	}
	attrs, err := ae.Encode()
	if err != nil {
		return err
	}
	_, err = c.Do(typ, flags, append(b, attrs...))
	return err
}
