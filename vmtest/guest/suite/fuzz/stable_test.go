// SPDX-License-Identifier: GPL-2.0-only OR MIT

package fuzz

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"golang.org/x/sys/unix"

	"xpsgen/uapi"
)

// TestStable: a seed gives the same messages and answers in every version of the generator
// and the model. After a deliberate change of either, change the hash.
func TestStable(t *testing.T) {
	w := world()
	w.Devices = append(w.Devices, 7)
	w.Masters = []int32{7}
	g, m := New(607120647, w), NewModel(w)
	h := sha256.New()
	for range 20_000 {
		msg := g.Next()
		answer := m.Take(msg)
		h.Write(binary.LittleEndian.AppendUint16(nil, msg.Type))
		h.Write(binary.LittleEndian.AppendUint16(nil, msg.Flags))
		h.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(msg.Payload))))
		h.Write(msg.Payload)
		h.Write([]byte{byte(answer), byte(m.Attached[5]), byte(m.Attached[6]), byte(m.Attached[7])})
	}
	if got, want := hex.EncodeToString(h.Sum(nil)), "e19dc880040488c97be00c0645ffccf77c601f4f31e4caf7d017bf7b7f5c3f03"; got != want {
		t.Errorf("messages and answers have the hash %s, want %s", got, want)
	}
}

func TestScan(t *testing.T) {
	b := putAttr(nil, 3, 4, nil)
	b = putAttr(b, 5|nestedFlag, 7, []byte{1, 2, 3})
	b = putAttr(b, 6|byteorder, 8, []byte{1, 2, 3, 4})
	for cut, want := range map[int]struct{ attrs, left int }{
		len(b): {3, 0}, len(b) - 1: {2, 7}, 12: {2, 0}, 11: {2, 0}, 10: {1, 6}, 4: {1, 0}, 3: {0, 3}, 0: {0, 0},
	} {
		attrs, left := scan(b[:cut])
		if len(attrs) != want.attrs || left != want.left {
			t.Errorf("%d bytes: %d attributes, %d left; want %+v", cut, len(attrs), left, want)
		}
	}
	attrs, _ := scan(b)
	if attrs[0].typ != 3 || attrs[0].nested || attrs[1].typ != 5 || !attrs[1].nested || len(attrs[1].content) != 3 || attrs[2].typ != 6 || attrs[2].nested {
		t.Errorf("got %+v", attrs)
	}
	for _, length := range []int{0, 3, 5} {
		if attrs, left := scan(putAttr(nil, 1, length, nil)); len(attrs) != 0 || left != 4 {
			t.Errorf("length %d: %+v, %d left", length, attrs, left)
		}
	}
}

func TestBoundaries(t *testing.T) {
	w := world()
	w.Masters = []int32{5}
	m := NewModel(w)
	to := func(device int32, msg Message) Message {
		binary.NativeEndian.PutUint32(msg.Payload[4:], uint32(device))
		return msg
	}
	nest := func(content ...byte) Message {
		b := make([]byte, unix.SizeofIfInfomsg)
		b[4] = 6
		return Message{Type: unix.RTM_SETLINK, Payload: putAttr(b, uapi.IFLA_XPS|nestedFlag, attrHeader+len(content), content)}
	}
	plain := nest()
	binary.NativeEndian.PutUint16(plain.Payload[unix.SizeofIfInfomsg+2:], uapi.IFLA_XPS)
	for name, tt := range map[string]struct {
		msg  Message
		want Answer
	}{
		"a master refuses":        {to(5, set(uapi.IFLA_XPS_FD, 10)), unix.EOPNOTSUPP},
		"a master detaches":       {to(5, set(uapi.IFLA_XPS_FD, 0xffffffff)), 0},
		"device 0":                {to(0, set(uapi.IFLA_XPS_FD, 10)), unix.EINVAL},
		"device -1":               {to(-1, set(uapi.IFLA_XPS_FD, 10)), unix.EINVAL},
		"absent device":           {to(1, set(uapi.IFLA_XPS_FD, 10)), unix.ENODEV},
		"not nested":              {plain, unix.EINVAL},
		"an attribute's header":   {nest(1, 0, 0), unix.ERANGE},
		"a byte after attributes": {nest(append(putAttr(nil, uapi.IFLA_XPS_FD, 8, []byte{10, 0, 0, 0}), 0)...), unix.EINVAL},
		"an id as well":           {to(6, set(uapi.IFLA_XPS_FD, 10, uapi.IFLA_XPS_FLAGS, 2, uapi.IFLA_XPS_EXPECTED_FD, 10, uapi.IFLA_XPS_EXPECTED_ID, 1)), unix.EINVAL},
		"another id":              {to(6, set(uapi.IFLA_XPS_FD, 10, uapi.IFLA_XPS_FLAGS, 2, uapi.IFLA_XPS_EXPECTED_ID, 9)), unix.EEXIST},
		"no id":                   {to(6, set(uapi.IFLA_XPS_FD, 10, uapi.IFLA_XPS_FLAGS, 2, uapi.IFLA_XPS_EXPECTED_ID, 0)), 0},
		"one byte":                {Message{Type: unix.RTM_SETLINK, Payload: make([]byte, 1)}, unix.EINVAL},
		"a byte too few":          {Message{Type: unix.RTM_SETLINK, Payload: plain.Payload[:unix.SizeofIfInfomsg-1]}, unix.EINVAL},
		"no attribute":            {Message{Type: unix.RTM_SETLINK, Payload: nest().Payload[:unix.SizeofIfInfomsg]}, 0},
	} {
		m.Attached = map[int32]uint32{}
		if got := m.Take(tt.msg); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
	for typ, want := range map[uint16]bool{0: false, 1: true, uapi.IFLA_XPS - 1: true, uapi.IFLA_XPS: false, uapi.IFLA_XPS + 1: false} {
		msg := Message{Payload: putAttr(make([]byte, unix.SizeofIfInfomsg), typ, 4, nil)}
		if Strange(msg) != want {
			t.Errorf("attribute %d is strange: %v", typ, !want)
		}
	}
	g := New(1, w)
	for fd, want := range map[int32]bool{-1: true, 0: false, 10: true, 11: true, 12: true, 1 << 20: true, 13: false} {
		if g.known(fd) != want {
			t.Errorf("descriptor %d is known: %v", fd, !want)
		}
		if g.ambiguous(set(uapi.IFLA_XPS_FD, uint32(fd))) == want || g.ambiguous(set(uapi.IFLA_XPS_FD, 10, uapi.IFLA_XPS_EXPECTED_FD, uint32(fd))) == want {
			t.Errorf("descriptor %d is ambiguous: %v", fd, want)
		}
	}
}
