// SPDX-License-Identifier: GPL-2.0-only OR MIT

package bpf_test

import (
	"encoding/binary"
	"slices"
)

const (
	icmp  = 1
	ipip  = 4
	tcp   = 6
	udp   = 17
	dccp  = 33
	sit   = 41
	gre   = 47
	esp   = 50
	ah    = 51
	ospf  = 89
	sctp  = 132
	ulite = 136
)

// frame is an Ethernet frame, in parts.
type frame struct {
	tags    [][4]byte // each begins with its own ethertype
	proto   uint16
	network []byte // network header, extension headers included
	rest    []byte // transport header
}

// bytes puts the frame together.
func (f frame) bytes() []byte {
	b := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}
	for _, tag := range f.tags {
		b = append(b, tag[:]...)
	}
	b = binary.BigEndian.AppendUint16(b, f.proto)
	b = append(b, f.network...)
	return append(b, f.rest...)
}

// tagged adds an outer VLAN tag.
func (f frame) tagged(tpid, id uint16) frame {
	tag := [4]byte{byte(tpid >> 8), byte(tpid), byte(id >> 8), byte(id)}
	f.tags = slices.Insert(slices.Clone(f.tags), 0, tag)
	return f
}

// short cuts n bytes off the end.
func (f frame) short(n int) frame {
	f.rest = f.rest[:len(f.rest)-n]
	return f
}

// options makes an IPv4 header longer by four bytes of no-ops.
func (f frame) options() frame {
	f.network = append(slices.Clone(f.network), 1, 1, 1, 1)
	f.network[0]++
	return f
}

// fragment sets the fragment field of an IPv4 header.
func (f frame) fragment(field uint16) frame {
	f.network = slices.Clone(f.network)
	binary.BigEndian.PutUint16(f.network[6:], field)
	return f
}

// ext appends an IPv6 extension header. body is the header without its first byte.
func (f frame) ext(kind byte, body ...byte) frame {
	n := slices.Clone(f.network)
	// Find the last next-header byte: in the fixed header, or the first byte of the
	// last extension header.
	last := 6
	for off := 40; off < len(n); {
		last = off
		off += 8 * (1 + int(n[off+1]))
	}
	next := n[last]
	n[last] = kind
	f.network = append(append(n, next), body...)
	return f
}

func ports(proto byte, sport, dport uint16) []byte {
	b := binary.BigEndian.AppendUint16(nil, sport)
	b = binary.BigEndian.AppendUint16(b, dport)
	switch proto {
	case tcp:
		return append(b, make([]byte, 16)...)
	default:
		return append(b, make([]byte, 8)...)
	}
}

// ipv4 is a packet from 10.0.0.src to 10.0.0.dst.
func ipv4(proto, src, dst byte, sport, dport uint16) frame {
	return frame{
		proto: 0x0800,
		network: []byte{
			0x45, 0, 0, 28, 0, 0, 0, 0, 64, proto, 0, 0,
			10, 0, 0, src,
			10, 0, 0, dst,
		},
		rest: ports(proto, sport, dport),
	}
}

// ipv6 is a packet from fd00::src to fd00::dst.
func ipv6(proto, src, dst byte, sport, dport uint16) frame {
	f := frame{
		proto:   0x86dd,
		network: []byte{0x60, 0, 0, 0, 0, 8, proto, 64},
		rest:    ports(proto, sport, dport),
	}
	for _, last := range []byte{src, dst} {
		f.network = append(f.network, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last)
	}
	return f
}

// packet is the frame without its Ethernet header and tags.
func (f frame) packet() []byte { return append(slices.Clone(f.network), f.rest...) }

// with replaces everything after the network header.
func (f frame) with(rest []byte) frame {
	f.rest = rest
	return f
}

// in4 puts b into an IPv4 packet between two tunnel ends, and in6 into an IPv6
// packet.
func in4(proto byte, b []byte) frame { return ipv4(proto, 201, 202, 0, 0).with(b) }
func in6(proto byte, b []byte) frame { return ipv6(proto, 201, 202, 0, 0).with(b) }

// greOf puts a GRE header with these flags in front of a packet of an ethertype.
func greOf(flags uint16, proto uint16, packet []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, flags)
	b = binary.BigEndian.AppendUint16(b, proto)
	for bit := 15; bit >= 12; bit-- {
		if flags>>bit&1 == 1 && bit != 14 {
			b = append(b, 0, 0, 0, byte(bit))
		}
	}
	return append(b, packet...)
}

// vxlanOf and geneveOf put UDP and tunnel headers in front of an Ethernet frame.
func vxlanOf(sport uint16, inner []byte) []byte {
	b := append(ports(udp, sport, 4789)[:8], 8, 0, 0, 0, 0, 0, 42, 0)
	return append(b, inner...)
}

func geneveOf(sport uint16, options int, proto uint16, inner []byte) []byte {
	b := append(ports(udp, sport, 6081)[:8], byte(options), 0)
	b = binary.BigEndian.AppendUint16(b, proto)
	b = append(b, 0, 0, 7, 0)
	b = append(b, make([]byte, 4*options)...)
	return append(b, inner...)
}

// mplsOf puts labels in front of a packet.
func mplsOf(packet []byte, labels ...uint32) frame {
	var b []byte
	for i, label := range labels {
		entry := label<<12 | 64
		if i == len(labels)-1 {
			entry |= 0x100
		}
		b = binary.BigEndian.AppendUint32(b, entry)
	}
	return frame{proto: 0x8847, network: b, rest: packet}
}

// labelled sets the flow label of an IPv6 header.
func (f frame) labelled(label uint32) frame {
	f.network = slices.Clone(f.network)
	binary.BigEndian.PutUint32(f.network, 0x60000000|label)
	return f
}

// from sets the last two bytes of the source address.
func (f frame) from(n uint16) frame {
	f.network = slices.Clone(f.network)
	off := 14
	if f.proto == 0x86dd {
		off = 22
	}
	binary.BigEndian.PutUint16(f.network[off:], n)
	return f
}
