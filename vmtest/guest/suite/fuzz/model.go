// SPDX-License-Identifier: GPL-2.0-only OR MIT

package fuzz

import (
	"encoding/binary"
	"slices"

	"golang.org/x/sys/unix"

	"xpsgen/uapi"
)

// Model is what a kernel with the hook must do with link messages.
type Model struct {
	// World is what messages are about.
	World World
	// Attached are the ids of programs by device; 0 and missing mean none.
	Attached map[int32]uint32
	kinds    kinds
}

// kinds are the attributes of a nest, by number, as the kernel's own
// specification has them.
type kinds map[uint16]uapi.AttrKind

func nestKinds() kinds {
	k := make(kinds)
	for _, a := range uapi.XpsAttrs() {
		k[a.Type] = a.Kind
	}
	return k
}

// NewModel starts with nothing attached.
func NewModel(w World) *Model {
	return &Model{World: w, Attached: map[int32]uint32{}, kinds: nestKinds()}
}

// Take carries a message out and returns what the kernel must answer.
func (m *Model) Take(msg Message) Answer {
	if len(msg.Payload) == 0 {
		// rtnetlink takes no notice of a message without even a family.
		return 0
	}
	if len(msg.Payload) < unix.SizeofIfInfomsg {
		return unix.EINVAL
	}
	outer, _ := scan(msg.Payload[unix.SizeofIfInfomsg:])
	var xps *attr
	for i, a := range outer {
		if a.typ != uapi.IFLA_XPS {
			continue
		}
		if err := m.kinds.validNest(a); err != 0 {
			return err
		}
		xps = &outer[i]
	}
	device := int32(binary.NativeEndian.Uint32(msg.Payload[4:]))
	switch {
	case device <= 0:
		return unix.EINVAL
	case !slices.Contains(m.World.Devices, device):
		return unix.ENODEV
	case msg.Type != unix.RTM_SETLINK || xps == nil:
		return 0
	}
	return m.set(device, *xps)
}

// Strange tells whether a message has attributes of a link beside IFLA_XPS, of
// which a model of IFLA_XPS knows nothing.
func Strange(msg Message) bool {
	if len(msg.Payload) < unix.SizeofIfInfomsg {
		return false
	}
	outer, _ := scan(msg.Payload[unix.SizeofIfInfomsg:])
	return slices.ContainsFunc(outer, func(a attr) bool { return a.typ > 0 && a.typ < uapi.IFLA_XPS })
}

// validNest is the policy: whatever the state, and for each of several.
func (k kinds) validNest(a attr) Answer {
	if !a.nested {
		return unix.EINVAL
	}
	if len(a.content) > 0 && len(a.content) < attrHeader {
		return unix.ERANGE
	}
	inner, left := scan(a.content)
	for _, i := range inner {
		switch {
		case i.typ != uapi.IFLA_XPS_FD && i.typ != uapi.IFLA_XPS_FLAGS && i.typ != uapi.IFLA_XPS_EXPECTED_FD,
			len(i.content) != k[i.typ].Size(), i.nested,
			i.typ == uapi.IFLA_XPS_FLAGS && binary.NativeEndian.Uint32(i.content)&^uint32(uapi.XPS_FLAGS_MASK) != 0:
			return unix.EINVAL
		}
	}
	if left > 0 {
		return unix.EINVAL
	}
	return 0
}

// request is a nest that the policy lets through.
type request struct {
	fd, expected       int32
	flags              uint32
	hasFD, hasExpected bool
}

// read takes the last of each attribute.
func read(nest attr) (r request) {
	inner, _ := scan(nest.content)
	for _, i := range inner {
		v := binary.NativeEndian.Uint32(i.content)
		switch i.typ {
		case uapi.IFLA_XPS_FD:
			r.fd, r.hasFD = int32(v), true
		case uapi.IFLA_XPS_FLAGS:
			r.flags = v
		case uapi.IFLA_XPS_EXPECTED_FD:
			r.expected, r.hasExpected = int32(v), true
		}
	}
	return r
}

// set attaches, replaces or detaches.
func (m *Model) set(device int32, nest attr) Answer {
	r := read(nest)
	replace := r.flags&uapi.XPS_FLAGS_REPLACE != 0
	noexist := r.flags&uapi.XPS_FLAGS_UPDATE_IF_NOEXIST != 0
	if !r.hasFD || replace && noexist || replace != r.hasExpected {
		return unix.EINVAL
	}
	id, err := m.program(r.fd)
	if err != 0 {
		return err
	}
	current := m.Attached[device]
	if replace {
		expected, err := m.program(r.expected)
		if err != 0 {
			return err
		}
		if expected != current {
			return unix.EEXIST
		}
	}
	if noexist && id != 0 && current != 0 {
		return unix.EBUSY
	}
	m.Attached[device] = id
	return 0
}

// program is the id of the program that a file descriptor stands for, 0 for
// -1, which stands for none.
func (m *Model) program(fd int32) (id uint32, err Answer) {
	if fd == -1 {
		return 0, 0
	}
	for _, p := range m.World.Programs {
		if p.FD == fd {
			return p.ID, 0
		}
	}
	if slices.Contains(m.World.Foreign, fd) {
		return 0, unix.EINVAL
	}
	return 0, unix.EBADF
}
