// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"bytes"
	"encoding/binary"

	"github.com/mdlayher/netlink"
)

// The messages here are made of numbers, without the code under test. Lengths and
// types are literal, so that they can be compared with the bytes that a kernel sends.
// The byte order is that of the machine.

func u8(v uint8) []byte   { return []byte{v} }
func u16(v uint16) []byte { return binary.NativeEndian.AppendUint16(nil, v) }
func u32(v uint32) []byte { return binary.NativeEndian.AppendUint32(nil, v) }
func s32(v int32) []byte  { return u32(uint32(v)) }
func zero(n int) []byte   { return make([]byte, n) }

func wire(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// ifinfomsg: family, padding, type, index, flags, change.
func ifinfomsg(family uint8, ifindex int32) []byte {
	return wire(u8(family), zero(1), u16(0), s32(ifindex), u32(0), u32(0))
}

// eth0 is IFLA_IFNAME "eth0".
func eth0() []byte { return wire(u16(9), u16(3), []byte("eth0\x00"), zero(3)) }

// detached is IFLA_XPS { IFLA_XPS_ATTACHED 0 }.
func detached() []byte { return wire(u16(12), u16(70), u16(5), u16(2), u8(0), zero(3)) }

// attached is IFLA_XPS { IFLA_XPS_ATTACHED 1, IFLA_XPS_PROG_ID id }.
func attached(id uint32) []byte {
	return wire(u16(20), u16(70), u16(5), u16(2), u8(1), zero(3), u16(8), u16(4), u32(id))
}

// newlink is the payload of RTM_NEWLINK about eth0.
func newlink(ifindex int32, nest []byte) []byte {
	return wire(ifinfomsg(0, ifindex), eth0(), nest)
}

// reply makes messages with the header of an answer to req.
func reply(req netlink.Message, typ netlink.HeaderType, flags netlink.HeaderFlags, payloads ...[]byte) []netlink.Message {
	var msgs []netlink.Message
	for _, p := range payloads {
		h := req.Header
		h.Type, h.Flags, h.Length = typ, flags, uint32(16+len(p))
		msgs = append(msgs, netlink.Message{Header: h, Data: p})
	}
	return msgs
}

// ack is the payload of an NLMSG_ERROR about req, with the request's own
// payload left out, and then attributes.
func ack(req netlink.Message, errno int32, tlvs ...[]byte) []byte {
	h := req.Header
	return append(wire(s32(errno), u32(h.Length), u16(uint16(h.Type)), u16(uint16(h.Flags)),
		u32(h.Sequence), u32(h.PID)), wire(tlvs...)...)
}

const (
	capped = 0x100 // NLM_F_CAPPED
	tlvs   = 0x200 // NLM_F_ACK_TLVS
	multi  = 0x2
	intr   = 0x10
)

// xpsKernel answers as a kernel with the hook and one device, eth0, does:
// GETLINK with nest, SETLINK with setlink.
func xpsKernel(nest []byte, setlink func(req netlink.Message) []netlink.Message) func(netlink.Message) []netlink.Message {
	return func(req netlink.Message) []netlink.Message {
		switch req.Header.Type {
		case 18: // RTM_GETLINK
			index := int32(binary.NativeEndian.Uint32(req.Data[4:]))
			if index == 0 {
				msgs := reply(req, 16, multi, newlink(1, detached()), newlink(2, nest))
				return append(msgs, reply(req, 3, multi, s32(0))...)
			}
			return reply(req, 16, 0, newlink(index, nest))
		default:
			return setlink(req)
		}
	}
}

// succeed acknowledges a request without a message, as Linux does.
func succeed(req netlink.Message) []netlink.Message {
	return reply(req, 2, capped, ack(req, 0))
}
