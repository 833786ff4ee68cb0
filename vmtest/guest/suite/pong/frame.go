// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package pong is the peer on the other end of the wire in the guest suite. It answers
// ARP requests and ICMP echo requests for one IPv4 address.
//
// It replaces the tap_mq_pong program of the 2019 RFC.
package pong

import (
	"encoding/binary"
	"net/netip"
)

// Sizes and field values of Ethernet, ARP, IPv4 and ICMP.
const (
	etherLen  = 14
	arpLen    = 28
	ipLen     = 20
	icmpLen   = 8
	etherIPv4 = 0x0800
	etherARP  = 0x0806

	arpEthernet = 1
	arpRequest  = 1
	arpReply    = 2

	protoICMP   = 1
	icmpReply   = 0
	icmpRequest = 8
	initialTTL  = 64
)

// MAC is an Ethernet address.
type MAC [6]byte

// Host is the station that answers.
type Host struct {
	// Addr is its IPv4 address.
	Addr netip.Addr
	// MAC is its Ethernet address.
	MAC MAC
}

// Reply returns the answer to a frame, or nil if the frame needs no answer from h. It
// neither changes nor keeps the frame.
func (h Host) Reply(frame []byte) []byte {
	if len(frame) < etherLen {
		return nil
	}
	switch binary.BigEndian.Uint16(frame[12:]) {
	case etherARP:
		return h.replyARP(frame)
	case etherIPv4:
		return h.replyEcho(frame)
	}
	return nil
}

// ether starts a reply from h to the sender of frame.
func (h Host) ether(frame []byte, size int) []byte {
	b := make([]byte, size)
	copy(b[0:6], frame[6:12])
	copy(b[6:12], h.MAC[:])
	copy(b[12:14], frame[12:14])
	return b
}

func (h Host) replyARP(frame []byte) []byte {
	if len(frame) < etherLen+arpLen {
		return nil
	}
	req := frame[etherLen:]
	be := binary.BigEndian
	self := h.Addr.As4()
	if be.Uint16(req) != arpEthernet || be.Uint16(req[2:]) != etherIPv4 ||
		req[4] != 6 || req[5] != 4 || be.Uint16(req[6:]) != arpRequest ||
		[4]byte(req[24:28]) != self {
		return nil
	}
	b := h.ether(frame, etherLen+arpLen)
	arp := b[etherLen:]
	copy(arp, req[:6])
	be.PutUint16(arp[6:], arpReply)
	copy(arp[8:], h.MAC[:])
	copy(arp[14:], self[:])
	copy(arp[18:], req[8:18])
	return b
}

func (h Host) replyEcho(frame []byte) []byte {
	e, ok := ParseEcho(frame)
	if !ok || !e.Request || e.Dst != h.Addr {
		return nil
	}
	size := ipLen + icmpLen + len(e.Payload)
	b := h.ether(frame, etherLen+size)
	ip := b[etherLen:]
	ip[0] = 4<<4 | ipLen/4
	binary.BigEndian.PutUint16(ip[2:], uint16(size))
	ip[8] = initialTTL
	ip[9] = protoICMP
	src, dst := e.Dst.As4(), e.Src.As4()
	copy(ip[12:], src[:])
	copy(ip[16:], dst[:])
	binary.BigEndian.PutUint16(ip[10:], Checksum(ip[:ipLen]))
	putEcho(ip[ipLen:], icmpReply, e.ID, e.Seq, e.Payload)
	return b
}

// Echo is an ICMP echo request or reply.
type Echo struct {
	// Src and Dst are the IPv4 addresses.
	Src, Dst netip.Addr
	// Request is true for a request, false for a reply.
	Request bool
	// ID and Seq are the identifier and sequence number.
	ID, Seq uint16
	// Payload follows the ICMP header. It aliases the frame.
	Payload []byte
}

// ParseEcho parses an ICMP echo message in an Ethernet frame. It returns false for other
// packets, for fragments, and for wrong lengths or checksums.
func ParseEcho(frame []byte) (Echo, bool) {
	if len(frame) < etherLen || binary.BigEndian.Uint16(frame[12:]) != etherIPv4 {
		return Echo{}, false
	}
	return ParseEchoPacket(frame[etherLen:])
}

// ParseEchoPacket is ParseEcho for an IP packet without Ethernet header.
func ParseEchoPacket(ip []byte) (Echo, bool) {
	if len(ip) < ipLen {
		return Echo{}, false
	}
	const fragmented = 0x3fff // more fragments, or an offset
	header := int(ip[0]&0xf) * 4
	total := int(binary.BigEndian.Uint16(ip[2:]))
	if ip[0]>>4 != 4 || header < ipLen || total < header+icmpLen || total > len(ip) ||
		ip[9] != protoICMP || binary.BigEndian.Uint16(ip[6:])&fragmented != 0 ||
		Checksum(ip[:header]) != 0 {
		return Echo{}, false
	}
	icmp := ip[header:total]
	if icmp[0] != icmpRequest && icmp[0] != icmpReply || icmp[1] != 0 || Checksum(icmp) != 0 {
		return Echo{}, false
	}
	return Echo{
		Src:     netip.AddrFrom4([4]byte(ip[12:16])),
		Dst:     netip.AddrFrom4([4]byte(ip[16:20])),
		Request: icmp[0] == icmpRequest,
		ID:      binary.BigEndian.Uint16(icmp[4:]),
		Seq:     binary.BigEndian.Uint16(icmp[6:]),
		Payload: icmp[icmpLen:],
	}, true
}

// EchoRequest builds the ICMP message of an echo request, without IP header, as a raw
// socket sends it.
func EchoRequest(id, seq uint16, payload []byte) []byte {
	b := make([]byte, icmpLen+len(payload))
	putEcho(b, icmpRequest, id, seq, payload)
	return b
}

func putEcho(b []byte, typ byte, id, seq uint16, payload []byte) {
	b[0] = typ
	binary.BigEndian.PutUint16(b[4:], id)
	binary.BigEndian.PutUint16(b[6:], seq)
	copy(b[icmpLen:], payload)
	binary.BigEndian.PutUint16(b[2:], Checksum(b))
}

// Checksum returns the Internet checksum of b, in which the checksum field must be zero.
// If the field holds a correct checksum, the result is zero.
func Checksum(b []byte) uint16 {
	var sum uint32
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
