// SPDX-License-Identifier: GPL-2.0-only OR MIT

package fuzz

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"xpsgen/uapi"
)

func world() World {
	return World{
		Devices:  []int32{5, 6},
		Programs: []Program{{FD: 10, ID: 100}, {FD: 11, ID: 101}},
		Foreign:  []int32{12},
		Closed:   []int32{1 << 20, -2},
		Absent:   []int32{0, -1, 99},
	}
}

// set builds an RTM_SETLINK for link 5. pairs are the attribute types and values of IFLA_XPS.
func set(pairs ...uint32) Message {
	var inner []byte
	for i := 0; i < len(pairs); i += 2 {
		inner = putAttr(inner, uint16(pairs[i]), 8, binary.NativeEndian.AppendUint32(nil, pairs[i+1]))
	}
	header := make([]byte, unix.SizeofIfInfomsg)
	header[4] = 5
	return Message{Type: unix.RTM_SETLINK, Payload: putAttr(header, uapi.IFLA_XPS|nestedFlag, attrHeader+len(inner), inner)}
}

func TestModel(t *testing.T) {
	const fd, flags, expected = uapi.IFLA_XPS_FD, uapi.IFLA_XPS_FLAGS, uapi.IFLA_XPS_EXPECTED_FD
	const none = 0xffffffff
	m := NewModel(world())
	for i, step := range []struct {
		msg      Message
		want     Answer
		attached uint32
	}{
		{set(fd, 10), 0, 100},
		{set(fd, 10, flags, 1), unix.EBUSY, 100},
		{set(fd, 11, flags, 2, expected, 11), unix.EEXIST, 100},
		{set(fd, 11, flags, 2, expected, 12), unix.EINVAL, 100},
		{set(fd, 11, flags, 2, expected, 10), 0, 101},
		{set(fd, none, flags, 1), 0, 0},
		{set(fd, 11, flags, 2, expected, none), 0, 101},
		{set(fd, 10, fd, none), 0, 0},
		{set(fd, 1<<20), unix.EBADF, 0},
		{set(fd, 12), unix.EINVAL, 0},
		{set(), unix.EINVAL, 0},
		{set(flags, 0), unix.EINVAL, 0},
		{set(fd, 10, flags, 4), unix.EINVAL, 0},
		{set(fd, 10, flags, 3, expected, none), unix.EINVAL, 0},
		{set(fd, 10, expected, none), unix.EINVAL, 0},
		{set(fd, 10, flags, 2), unix.EINVAL, 0},
		{set(fd, 10, uapi.IFLA_XPS_PROG_ID, 1), unix.EINVAL, 0},
		{set(fd, 10, uapi.IFLA_XPS_ATTACHED, 1), unix.EINVAL, 0},
		{set(fd, 10, 0, 1), unix.EINVAL, 0},
		{set(fd, 10, uapi.IFLA_XPS_MAX+1, 1), unix.EINVAL, 0},
		{Message{Type: unix.RTM_GETLINK, Payload: set(fd, 10).Payload}, 0, 0},
		{Message{Type: unix.RTM_GETLINK, Payload: set(fd, 10, 0, 1).Payload}, unix.EINVAL, 0},
		{Message{Type: unix.RTM_SETLINK}, 0, 0},
		{Message{Type: unix.RTM_SETLINK, Payload: make([]byte, 3)}, unix.EINVAL, 0},
	} {
		if got := m.Take(step.msg); got != step.want || m.Attached[5] != step.attached {
			t.Errorf("step %d: %v with %d attached, want %v with %d", i, got, m.Attached[5], step.want, step.attached)
		}
	}
}

// TestSeed: the same seed generates the same messages.
func TestSeed(t *testing.T) {
	draw := func(seed int64) string {
		var b bytes.Buffer
		g := New(seed, world())
		for range 500 {
			fmt.Fprintln(&b, g.Next())
		}
		return b.String()
	}
	if first, second := draw(7), draw(7); first != second {
		t.Error("one seed, two sequences")
	}
	if draw(7) == draw(8) {
		t.Error("two seeds, one sequence")
	}
}

// TestMix: each answer occurs, and success and failure are both frequent.
func TestMix(t *testing.T) {
	const messages = 20_000
	got := map[Answer]int{}
	changes := 0
	g, m := New(1, world()), NewModel(world())
	for range messages {
		before := m.Attached[5]
		got[m.Take(g.Next())]++
		if m.Attached[5] != before {
			changes++
		}
	}
	for _, want := range []Answer{0, unix.EINVAL, unix.EBADF, unix.EBUSY, unix.EEXIST, unix.ENODEV, unix.ERANGE} {
		if got[want] == 0 {
			t.Errorf("no message gets the answer %v: %v", want, got)
		}
	}
	if ok := got[0]; ok < messages/5 || ok > messages*4/5 {
		t.Errorf("%d of %d messages succeed", ok, messages)
	}
	if changes < messages/20 {
		t.Errorf("%d of %d messages change one of two links", changes, messages)
	}
	t.Log(got, changes)
}

func FuzzModel(f *testing.F) {
	f.Add(set(uapi.IFLA_XPS_FD, 10).Payload)
	f.Add(set(uapi.IFLA_XPS_FD, 10, uapi.IFLA_XPS_FLAGS, 2, uapi.IFLA_XPS_EXPECTED_FD, 11).Payload)
	f.Fuzz(func(t *testing.T, payload []byte) {
		m := NewModel(world())
		if m.Take(Message{Type: unix.RTM_SETLINK, Payload: payload}) != 0 && len(m.Attached) > 0 {
			t.Fatal("the message was rejected, but changed the state")
		}
	})
}
