// SPDX-License-Identifier: GPL-2.0-only OR MIT

package fuzz

import (
	"encoding/binary"
	"math/rand/v2"

	"golang.org/x/sys/unix"

	"xpsgen/uapi"
)

// Generator generates random messages.
type Generator struct {
	rand  *rand.Rand
	world World
	kinds kinds
}

// New returns a generator. The same seed and world generate the same messages.
func New(seed int64, w World) *Generator {
	return &Generator{rand: rand.New(rand.NewPCG(uint64(seed), 0x585053)), world: w, kinds: nestKinds()}
}

// Next returns the next message. It discards messages that have link attributes other
// than IFLA_XPS.
func (g *Generator) Next() Message {
	for {
		if msg := g.message(); !Strange(msg) && !g.ambiguous(msg) {
			return msg
		}
	}
}

// one returns true with a probability of 1/n.
func (g *Generator) one(n int) bool { return g.rand.IntN(n) == 0 }

// pick returns a random element.
func pick[T any](g *Generator, from []T) (one T) {
	if len(from) == 0 {
		return one
	}
	return from[g.rand.IntN(len(from))]
}

func (g *Generator) message() Message {
	msg := Message{Type: unix.RTM_SETLINK, Flags: unix.NLM_F_REQUEST | unix.NLM_F_ACK}
	if g.one(8) {
		msg.Type = unix.RTM_GETLINK
	}
	if g.one(4) {
		msg.Flags |= uint16(g.rand.Uint32())
	}
	if msg.Type == unix.RTM_GETLINK {
		// Clear the dump flags: a dump is another request and ends differently.
		msg.Flags &^= unix.NLM_F_DUMP
	}
	msg.Payload = g.header()
	nests := 1
	if g.one(10) {
		nests = g.rand.IntN(4)
	}
	for range nests {
		msg.Payload = g.nest(msg.Payload)
		if g.one(20) {
			msg.Payload = g.unknown(msg.Payload)
		}
	}
	if g.one(8) {
		g.spoil(&msg)
	}
	return msg
}

// header encodes a struct ifinfomsg for a link, without flags to change.
func (g *Generator) header() []byte {
	b := make([]byte, unix.SizeofIfInfomsg)
	if g.one(10) {
		b[0] = pick(g, []byte{unix.AF_INET, unix.AF_INET6, unix.AF_PACKET})
	}
	device := pick(g, g.world.Devices)
	if g.one(20) {
		device = pick(g, g.world.Absent)
	}
	binary.NativeEndian.PutUint32(b[4:], uint32(device))
	return b
}

// unknown appends an attribute of a type beyond IFLA_XPS, which the kernel does not know.
func (g *Generator) unknown(b []byte) []byte {
	typ := uint16(uapi.IFLA_XPS+1) + uint16(g.rand.IntN(attrTypeMask-uapi.IFLA_XPS))
	return g.attribute(b, typ, g.bytes(g.rand.IntN(12)))
}

func (g *Generator) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(g.rand.Uint32())
	}
	return b
}

// attribute appends an attribute. Its length is sometimes wrong, and its flags are
// sometimes unusual.
func (g *Generator) attribute(b []byte, typ uint16, content []byte) []byte {
	length := attrHeader + len(content)
	if g.one(60) {
		length = g.rand.IntN(2*length + 2)
	}
	if g.one(60) {
		typ ^= nestedFlag
	}
	if g.one(40) {
		typ |= byteorder
	}
	return putAttr(b, typ, length, content)
}

// nest appends an IFLA_XPS nest: usually a valid kind of request, sometimes random
// attributes.
func (g *Generator) nest(b []byte) []byte {
	var inner []byte
	number := func(typ uint16, v uint32) {
		content := binary.NativeEndian.AppendUint32(nil, v)
		if g.one(40) {
			content = g.bytes(g.rand.IntN(10))
		}
		inner = g.attribute(inner, typ, content)
	}
	if g.one(5) {
		for range g.rand.IntN(5) {
			number(uint16(g.rand.IntN(uapi.IFLA_XPS_MAX+3)), g.value())
		}
	} else {
		number(uapi.IFLA_XPS_FD, uint32(g.fd()))
		switch g.rand.IntN(5) {
		case 0:
			number(uapi.IFLA_XPS_FLAGS, pick(g, []uint32{0, uapi.XPS_FLAGS_UPDATE_IF_NOEXIST}))
		case 1, 2:
			number(uapi.IFLA_XPS_FLAGS, uapi.XPS_FLAGS_REPLACE)
			number(uapi.IFLA_XPS_EXPECTED_FD, uint32(g.fd()))
		case 3:
			number(uapi.IFLA_XPS_FLAGS, uapi.XPS_FLAGS_REPLACE)
			number(uapi.IFLA_XPS_EXPECTED_ID, g.id())
		}
	}
	if g.one(40) {
		inner = append(inner, g.bytes(1+g.rand.IntN(3))...)
	}
	return g.attribute(b, uapi.IFLA_XPS|nestedFlag, inner)
}

// fd returns mostly an attachable program or -1.
func (g *Generator) fd() int32 {
	switch n := g.rand.IntN(20); {
	case n == 0:
		return pick(g, g.world.Foreign)
	case n == 1:
		return pick(g, g.world.Closed)
	case n < 7:
		return -1
	}
	return pick(g, g.world.Programs).FD
}

// id returns the id of a program most of the time.
func (g *Generator) id() uint32 {
	switch g.rand.IntN(8) {
	case 0:
		return 0
	case 1:
		return g.rand.Uint32()
	}
	return pick(g, g.world.Programs).ID
}

// value returns any value that an attribute can hold.
func (g *Generator) value() uint32 {
	switch g.rand.IntN(4) {
	case 0:
		return uint32(g.rand.IntN(5))
	case 1:
		return 1 << g.rand.IntN(32)
	}
	return uint32(g.fd())
}

// spoil damages a message: it flips a bit after the struct ifinfomsg, or truncates the
// message.
func (g *Generator) spoil(msg *Message) {
	if g.one(3) {
		msg.Payload = msg.Payload[:g.rand.IntN(len(msg.Payload)+1)]
		return
	}
	if attrs := len(msg.Payload) - unix.SizeofIfInfomsg; attrs > 0 {
		msg.Payload[unix.SizeofIfInfomsg+g.rand.IntN(attrs)] ^= 1 << g.rand.IntN(8)
	}
}

// ambiguous reports whether a message has a file descriptor that the world does not describe.
func (g *Generator) ambiguous(msg Message) bool {
	if len(msg.Payload) < unix.SizeofIfInfomsg {
		return false
	}
	outer, _ := scan(msg.Payload[unix.SizeofIfInfomsg:])
	for _, nest := range outer {
		if nest.typ != uapi.IFLA_XPS || g.kinds.validNest(nest) != 0 {
			continue
		}
		if r := read(nest); r.hasFD && !g.known(r.fd) || r.hasExpected && !g.known(r.expected) {
			return true
		}
	}
	return false
}

// known reports whether the world describes a file descriptor. Negative ones are never open.
func (g *Generator) known(fd int32) bool {
	if fd < 0 {
		return true
	}
	for _, p := range g.world.Programs {
		if p.FD == fd {
			return true
		}
	}
	for _, list := range [][]int32{g.world.Foreign, g.world.Closed} {
		for _, other := range list {
			if other == fd {
				return true
			}
		}
	}
	return false
}
