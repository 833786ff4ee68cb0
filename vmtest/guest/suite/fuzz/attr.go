// SPDX-License-Identifier: GPL-2.0-only OR MIT

package fuzz

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

const (
	attrHeader   = unix.SizeofNlAttr
	nestedFlag   = 0x8000
	byteorder    = 0x4000
	attrTypeMask = 0x3fff
)

// align rounds n up to the start of the next attribute.
func align(n int) int { return (n + 3) &^ 3 }

// putAttr appends an attribute whose header says length bytes, header included. The
// length may be wrong.
func putAttr(b []byte, typ uint16, length int, content []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(length))
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = append(b, content...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// attr is one attribute as the kernel parses it.
type attr struct {
	typ     uint16
	nested  bool
	content []byte
}

// scan splits b into attributes, as nla_for_each_attr does. left is the number of
// trailing bytes that are not an attribute.
func scan(b []byte) (attrs []attr, left int) {
	for len(b) >= attrHeader {
		length := int(binary.NativeEndian.Uint16(b))
		if length < attrHeader || length > len(b) {
			break
		}
		typ := binary.NativeEndian.Uint16(b[2:])
		attrs = append(attrs, attr{typ: typ & attrTypeMask, nested: typ&nestedFlag != 0, content: b[attrHeader:length]})
		b = b[min(align(length), len(b)):]
	}
	return attrs, len(b)
}
