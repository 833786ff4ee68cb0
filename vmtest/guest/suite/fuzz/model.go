// SPDX-License-Identifier: GPL-2.0-only OR MIT

package fuzz

import (
	"encoding/binary"
	"slices"

	"golang.org/x/sys/unix"

	"xpsgen/uapi"
)

// Model predicts the answers of a kernel with the hook.
type Model struct {
	// World is the set of objects that messages refer to.
	World World
	// Attached maps a device to the id of its program; 0 or missing means none.
	Attached map[int32]uint32
	kinds    kinds
}

// kinds maps the attribute numbers of the nest to their kinds, from the kernel's YNL
// specification.
type kinds map[uint16]uapi.AttrKind

func nestKinds() kinds {
	k := make(kinds)
	for _, a := range uapi.XpsAttrs() {
		k[a.Type] = a.Kind
	}
	return k
}

// NewModel returns a model in which no program is attached.
func NewModel(w World) *Model {
	return &Model{World: w, Attached: map[int32]uint32{}, kinds: nestKinds()}
}

// Take applies a message and returns the answer that the kernel must give.
func (m *Model) Take(msg Message) Answer {
	if len(msg.Payload) == 0 {
		// rtnetlink ignores a message that is too short to have a family.
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

// Strange reports whether a message has link attributes other than IFLA_XPS, which the
// model does not cover.
func Strange(msg Message) bool {
	if len(msg.Payload) < unix.SizeofIfInfomsg {
		return false
	}
	outer, _ := scan(msg.Payload[unix.SizeofIfInfomsg:])
	return slices.ContainsFunc(outer, func(a attr) bool { return a.typ > 0 && a.typ < uapi.IFLA_XPS })
}

// validNest applies the policy, which does not depend on the device's state. Each nest of
// a message must pass it.
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
		case i.typ != uapi.IFLA_XPS_FD && i.typ != uapi.IFLA_XPS_FLAGS &&
			i.typ != uapi.IFLA_XPS_EXPECTED_FD && i.typ != uapi.IFLA_XPS_EXPECTED_ID,
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

// request is a nest that passed the policy.
type request struct {
	fd, expected                      int32
	flags, expectedID                 uint32
	hasFD, hasExpected, hasExpectedID bool
}

// read takes the last attribute of each type.
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
		case uapi.IFLA_XPS_EXPECTED_ID:
			r.expectedID, r.hasExpectedID = v, true
		}
	}
	return r
}

// set attaches, replaces or detaches.
func (m *Model) set(device int32, nest attr) Answer {
	r := read(nest)
	replace := r.flags&uapi.XPS_FLAGS_REPLACE != 0
	noexist := r.flags&uapi.XPS_FLAGS_UPDATE_IF_NOEXIST != 0
	if !r.hasFD || replace && noexist || r.hasExpected && r.hasExpectedID ||
		replace != (r.hasExpected || r.hasExpectedID) {
		return unix.EINVAL
	}
	id, err := m.program(r.fd)
	if err != 0 {
		return err
	}
	if id != 0 && slices.Contains(m.World.Masters, device) {
		return unix.EOPNOTSUPP
	}
	current := m.Attached[device]
	if replace {
		expected := r.expectedID
		if r.hasExpected {
			if expected, err = m.program(r.expected); err != 0 {
				return err
			}
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

// program returns the id of the program of a file descriptor; 0 for -1, which means none.
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
