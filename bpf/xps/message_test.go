// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xpsgen/uapi"
)

func TestSetlink(t *testing.T) {
	head := ifinfomsg(0, 7)
	tests := []struct {
		name string
		ch   change
		want []byte
	}{
		{
			name: "attach",
			ch:   change{fd: 5},
			// 0x8046 is IFLA_XPS with NLA_F_NESTED.
			want: wire(head, u16(12), u16(0x8046), u16(8), u16(1), s32(5)),
		},
		{
			name: "detach",
			ch:   change{fd: -1},
			want: wire(head, u16(12), u16(0x8046), u16(8), u16(1), s32(-1)),
		},
		{
			name: "attach where there is none",
			ch:   change{fd: 5, flags: 1},
			want: wire(head, u16(20), u16(0x8046), u16(8), u16(1), s32(5), u16(8), u16(3), u32(1)),
		},
		{
			name: "replace",
			ch:   change{fd: 5, flags: 2, expected: 6},
			want: wire(head, u16(28), u16(0x8046), u16(8), u16(1), s32(5), u16(8), u16(3), u32(2),
				u16(8), u16(5), s32(6)),
		},
		{
			name: "replace by id",
			ch:   change{fd: 5, flags: 2, expectedID: 300},
			want: wire(head, u16(28), u16(0x8046), u16(8), u16(1), s32(5), u16(8), u16(3), u32(2),
				u16(8), u16(6), u32(300)),
		},
		{
			name: "detach what is expected",
			ch:   change{fd: -1, flags: 2, expected: 0},
			want: wire(head, u16(28), u16(0x8046), u16(8), u16(1), s32(-1), u16(8), u16(3), u32(2),
				u16(8), u16(5), s32(0)),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := setlink(7, tt.ch)
			if err != nil {
				t.Fatal(err)
			}
			want := netlink.Message{
				Header: netlink.Header{Type: 19, Flags: 0x5}, // RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK
				Data:   tt.want,
			}
			if diff := cmp.Diff(want, m); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestGetlink(t *testing.T) {
	for ifindex, flags := range map[int]netlink.HeaderFlags{
		7: 0x1,   // NLM_F_REQUEST
		0: 0x301, // and NLM_F_DUMP
	} {
		m, err := getlink(ifindex)
		if err != nil {
			t.Fatal(err)
		}
		want := netlink.Message{
			Header: netlink.Header{Type: 18, Flags: flags},
			// IFLA_EXT_MASK { RTEXT_FILTER_SKIP_STATS }
			Data: wire(ifinfomsg(0, int32(ifindex)), u16(8), u16(29), u32(8)),
		}
		if diff := cmp.Diff(want, m); diff != "" {
			t.Errorf("ifindex %d (-want +got):\n%s", ifindex, diff)
		}
	}
}

type linkTest struct {
	b    []byte
	want link
	bad  bool
}

func linkTests() map[string]linkTest {
	state := func(id uint32) State {
		s := State{Ifindex: 7, Name: "eth0"}
		if id != 0 {
			s.Attached, s.ProgramID = true, 1
		}
		return s
	}
	return map[string]linkTest{
		"no nest":  {b: newlink(7, nil), want: link{state: state(0)}},
		"detached": {b: newlink(7, detached()), want: link{state: state(0), nest: true}},
		"attached": {b: newlink(7, attached(1)), want: link{state: state(1), nest: true}},
		"id that does not fit into a byte": {
			b:    newlink(7, attached(0x12345678)),
			want: link{state: State{Ifindex: 7, Name: "eth0", Attached: true, ProgramID: 0x12345678}, nest: true},
		},
		"nest that says it is one": {
			b:    newlink(7, wire(u16(20), u16(0x8046), u16(5), u16(2), u8(1), zero(3), u16(8), u16(4), u32(1))),
			want: link{state: state(1), nest: true},
		},
		"attributes of later kernels": {
			b: newlink(7, wire(u16(28), u16(70), u16(5), u16(2), u8(1), zero(3), u16(8), u16(4), u32(1),
				u16(8), u16(7), u32(99), u16(6), u16(71), u16(1), zero(2))),
			want: link{state: state(1), nest: true},
		},
		"queues": {
			b:    newlink(7, wire(u16(8), u16(31), u32(16), detached())),
			want: link{state: State{Ifindex: 7, Name: "eth0", MaxQueues: 16}, nest: true},
		},
		"bridge":  {b: wire(ifinfomsg(7, 7), eth0()), want: link{state: state(0), family: 7}},
		"no name": {b: wire(ifinfomsg(0, 7), detached()), want: link{state: State{Ifindex: 7}, nest: true}},

		"empty":                      {b: nil, bad: true},
		"short header":               {b: ifinfomsg(0, 7)[:15], bad: true},
		"no ifindex":                 {b: newlink(0, detached()), bad: true},
		"negative ifindex":           {b: newlink(-7, detached()), bad: true},
		"attribute longer than all":  {b: wire(ifinfomsg(0, 7), u16(9), u16(3), []byte("eth0")), bad: true},
		"attribute without a header": {b: wire(ifinfomsg(0, 7), u16(3), u16(3)), bad: true},
	}
}

// TestForeignAttribute: an attribute other than the nest of the hook does not make a
// message unreadable.
func TestForeignAttribute(t *testing.T) {
	for what, attr := range foreign() {
		l, err := parseLink(newlink(7, attr))
		want := link{state: State{Ifindex: 7, Name: "eth0"}}
		if err != nil || l != want {
			t.Errorf("%s: %+v, %v", what, l, err)
		}
	}
}

func TestParseLink(t *testing.T) {
	for name, tt := range linkTests() {
		t.Run(name, func(t *testing.T) {
			got, err := parseLink(tt.b)
			if tt.bad != errors.Is(err, errMalformed) || tt.bad != (err != nil) {
				t.Fatalf("error %v, want one: %t", err, tt.bad)
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(link{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

type ackTest struct {
	flags netlink.HeaderFlags
	typ   netlink.HeaderType
	b     []byte
	want  string
	bad   bool
}

func ackTests() map[string]ackTest {
	req, err := setlink(7, change{fd: 5})
	if err != nil {
		panic(err)
	}
	req.Header.Length = uint32(16 + len(req.Data))
	msg := wire(u16(11), u16(1), []byte("hollow\x00"), zero(1)) // NLMSGERR_ATTR_MSG
	offs := wire(u16(8), u16(2), u32(36))                       // NLMSGERR_ATTR_OFFS
	whole := wire(ack(req, 0), req.Data, msg)

	return map[string]ackTest{
		"nothing said":          {typ: 2, flags: capped, b: ack(req, 0)},
		"nothing said in full":  {typ: 2, b: wire(ack(req, 0), req.Data)},
		"warning":               {typ: 2, flags: capped | tlvs, b: ack(req, 0, msg), want: "hollow"},
		"warning at an offset":  {typ: 2, flags: capped | tlvs, b: ack(req, 0, offs, msg), want: "hollow"},
		"warning after payload": {typ: 2, flags: tlvs, b: whole, want: "hollow"},
		"offset alone":          {typ: 2, flags: capped | tlvs, b: ack(req, 0, offs)},
		"no attributes":         {typ: 2, flags: capped | tlvs, b: ack(req, 0)},
		"other message":         {typ: 16, flags: capped | tlvs, b: newlink(7, detached())},

		"empty":             {typ: 2, flags: capped | tlvs, bad: true},
		"half a header":     {typ: 2, flags: capped | tlvs, b: ack(req, 0)[:12], bad: true},
		"cut payload":       {typ: 2, flags: tlvs, b: whole[:30], bad: true},
		"cut warning":       {typ: 2, flags: capped | tlvs, b: ack(req, 0, msg[:8]), bad: true},
		"length of nothing": {typ: 2, flags: tlvs, b: wire(s32(0), u32(0), zero(12), msg), bad: true},
		"length of all":     {typ: 2, flags: tlvs, b: wire(s32(0), u32(0xffffffff), zero(12), msg), bad: true},
	}
}

func TestAckWarning(t *testing.T) {
	for name, tt := range ackTests() {
		t.Run(name, func(t *testing.T) {
			got, err := ackWarning(netlink.Message{Header: netlink.Header{Type: tt.typ, Flags: tt.flags}, Data: tt.b})
			if tt.bad != errors.Is(err, errMalformed) || tt.bad != (err != nil) {
				t.Fatalf("error %v, want one: %t", err, tt.bad)
			}
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzParseLink(f *testing.F) {
	for _, tt := range linkTests() {
		f.Add(tt.b)
	}
	for _, attr := range foreign() {
		f.Add(newlink(7, attr))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := parseLink(b)
		if err != nil {
			if !errors.Is(err, errMalformed) {
				t.Errorf("error is not errMalformed: %v", err)
			}
			if l != (link{}) {
				t.Errorf("error %v and a link %+v", err, l)
			}
			return
		}
		if l.state.Ifindex <= 0 {
			t.Errorf("ifindex %d", l.state.Ifindex)
		}
		if l.state.Attached != (l.state.ProgramID != 0) {
			t.Errorf("attached %t, program %d", l.state.Attached, l.state.ProgramID)
		}
		if l.state.Attached && !l.nest {
			t.Error("attached without a nest")
		}
	})
}

func FuzzAckWarning(f *testing.F) {
	for _, tt := range ackTests() {
		f.Add(uint16(tt.typ), uint16(tt.flags), tt.b)
	}
	f.Fuzz(func(t *testing.T, typ, flags uint16, b []byte) {
		msg, err := ackWarning(netlink.Message{
			Header: netlink.Header{Type: netlink.HeaderType(typ), Flags: netlink.HeaderFlags(flags)},
			Data:   b,
		})
		if err != nil && (msg != "" || !errors.Is(err, errMalformed)) {
			t.Errorf("%q and %v", msg, err)
		}
		if msg != "" && len(msg) > len(b) {
			t.Errorf("message of %d bytes out of %d", len(msg), len(b))
		}
	})
}

// TestSetlinkHoldsToTheSpecification compares what is sent with the table that
// is generated from the kernel's own specification of the nest.
func TestSetlinkHoldsToTheSpecification(t *testing.T) {
	m, err := setlink(1, change{fd: 5, flags: uapi.XPS_FLAGS_REPLACE, expected: 6})
	if err != nil {
		t.Fatal(err)
	}
	ad, err := netlink.NewAttributeDecoder(m.Data[unix.SizeofIfInfomsg:])
	if err != nil {
		t.Fatal(err)
	}
	table := make(map[uint16]uapi.Attr)
	for _, a := range uapi.XpsAttrs() {
		table[a.Type] = a
	}
	seen := 0
	for ad.Next() {
		ad.Nested(func(ad *netlink.AttributeDecoder) error {
			for ad.Next() {
				seen++
				a, ok := table[ad.Type()]
				if !ok {
					t.Errorf("attribute %d is not in the specification", ad.Type())
				} else if got := len(ad.Bytes()); got != a.Kind.Size() {
					t.Errorf("%s has %d bytes, the specification says %d", a.Name, got, a.Kind.Size())
				}
			}
			return nil
		})
	}
	if err := ad.Err(); err != nil || seen != 3 {
		t.Errorf("%d attributes, %v", seen, err)
	}
}
