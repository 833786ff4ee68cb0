// SPDX-License-Identifier: GPL-2.0-only OR MIT

package pong

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
)

var (
	host   = Host{Addr: netip.MustParseAddr("169.254.254.1"), MAC: MAC{2, 0, 0, 0, 0, 1}}
	asking = Host{Addr: netip.MustParseAddr("169.254.254.2"), MAC: MAC{2, 0, 0, 0, 0, 2}}
)

// arp builds a request for target.
func arp(target netip.Addr) []byte {
	b := make([]byte, etherLen+arpLen)
	copy(b, bytes.Repeat([]byte{0xff}, 6))
	copy(b[6:], asking.MAC[:])
	binary.BigEndian.PutUint16(b[12:], etherARP)
	a := b[etherLen:]
	copy(a, []byte{0, arpEthernet, 8, 0, 6, 4, 0, arpRequest})
	copy(a[8:], asking.MAC[:])
	copy(a[14:], asking.Addr.AsSlice())
	copy(a[24:], target.AsSlice())
	return b
}

// echo builds an echo request with the given number of option words in its IP header.
func echo(dst netip.Addr, payload string, options int) []byte {
	msg := EchoRequest(0x1234, 7, []byte(payload))
	header := ipLen + 4*options
	b := make([]byte, etherLen+header+len(msg))
	copy(b, host.MAC[:])
	copy(b[6:], asking.MAC[:])
	binary.BigEndian.PutUint16(b[12:], etherIPv4)
	ip := b[etherLen:]
	ip[0] = 4<<4 | byte(header/4)
	binary.BigEndian.PutUint16(ip[2:], uint16(header+len(msg)))
	ip[8], ip[9] = 64, protoICMP
	copy(ip[12:], asking.Addr.AsSlice())
	copy(ip[16:], dst.AsSlice())
	binary.BigEndian.PutUint16(ip[10:], Checksum(ip[:header]))
	copy(ip[header:], msg)
	return b
}

func TestReplyARP(t *testing.T) {
	r := host.Reply(arp(host.Addr))
	if r == nil {
		t.Fatal("no reply")
	}
	if got := MAC(r[0:6]); got != asking.MAC {
		t.Errorf("sent to %x, want %x", got, asking.MAC)
	}
	a := r[etherLen:]
	if op := binary.BigEndian.Uint16(a[6:]); op != arpReply {
		t.Errorf("operation %d, want %d", op, arpReply)
	}
	if got := MAC(a[8:14]); got != host.MAC {
		t.Errorf("sender %x, want %x", got, host.MAC)
	}
	if got := netip.AddrFrom4([4]byte(a[14:18])); got != host.Addr {
		t.Errorf("sender %v, want %v", got, host.Addr)
	}
	if got := netip.AddrFrom4([4]byte(a[24:28])); got != asking.Addr {
		t.Errorf("target %v, want %v", got, asking.Addr)
	}
	if r := host.Reply(arp(asking.Addr)); r != nil {
		t.Errorf("answered for %v: %x", asking.Addr, r)
	}
	if again := host.Reply(r); again != nil {
		t.Errorf("answered a reply: %x", again)
	}
}

func TestReplyEcho(t *testing.T) {
	for _, payload := range []string{"", "a", "an even one.", "an odd one"} {
		for options := range 3 {
			r := host.Reply(echo(host.Addr, payload, options))
			e, ok := ParseEcho(r)
			if !ok {
				t.Fatalf("payload %q: reply %x does not parse", payload, r)
			}
			if e.Request || e.Src != host.Addr || e.Dst != asking.Addr || e.ID != 0x1234 || e.Seq != 7 || string(e.Payload) != payload {
				t.Errorf("payload %q: reply %+v", payload, e)
			}
		}
	}
}

func TestNoReply(t *testing.T) {
	good := echo(host.Addr, "payload", 0)
	change := func(f func(b []byte)) []byte {
		b := bytes.Clone(good)
		f(b)
		return b
	}
	for name, frame := range map[string][]byte{
		"empty":            nil,
		"cut":              good[:len(good)-1],
		"ethernet only":    good[:etherLen],
		"for another":      echo(asking.Addr, "payload", 0),
		"ip checksum":      change(func(b []byte) { b[etherLen+10] ^= 1 }),
		"icmp checksum":    change(func(b []byte) { b[len(b)-1] ^= 1 }),
		"short header":     change(func(b []byte) { b[etherLen] = 0x44 }),
		"version":          change(func(b []byte) { b[etherLen] = 0x65 }),
		"ethertype":        change(func(b []byte) { b[13] = 1 }),
		"fragment":         change(func(b []byte) { b[etherLen+6] = 0x20; fix(b) }),
		"protocol":         change(func(b []byte) { b[etherLen+9] = 17; fix(b) }),
		"length below min": change(func(b []byte) { b[etherLen+3] = ipLen + icmpLen - 1; fix(b) }),
	} {
		if r := host.Reply(frame); r != nil {
			t.Errorf("%s: answered %x", name, r)
		}
	}
}

// fix recomputes the IP checksum.
func fix(b []byte) {
	ip := b[etherLen : etherLen+ipLen]
	ip[10], ip[11] = 0, 0
	binary.BigEndian.PutUint16(ip[10:], Checksum(ip))
}

func TestChecksum(t *testing.T) {
	// The example of RFC 1071, section 3.
	if got := Checksum([]byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}); got != ^uint16(0xddf2) {
		t.Errorf("got %#x, want %#x", got, ^uint16(0xddf2))
	}
}

func FuzzReply(f *testing.F) {
	f.Add(arp(host.Addr))
	f.Add(echo(host.Addr, "payload", 0))
	f.Add(echo(host.Addr, "payload", 10))
	f.Fuzz(func(t *testing.T, frame []byte) {
		before := bytes.Clone(frame)
		r := host.Reply(frame)
		if !bytes.Equal(frame, before) {
			t.Fatal("frame was changed")
		}
		if r == nil {
			return
		}
		if !bytes.Equal(r[0:6], frame[6:12]) {
			t.Fatalf("reply goes to %x, not to %x", r[0:6], frame[6:12])
		}
		if again := host.Reply(r); again != nil {
			t.Fatalf("reply %x is answered in turn", r)
		}
		asked, ok := ParseEcho(frame)
		if !ok {
			return
		}
		answered, ok := ParseEcho(r)
		if !ok || answered.Request || answered.Src != asked.Dst || answered.Dst != asked.Src ||
			answered.ID != asked.ID || answered.Seq != asked.Seq || !bytes.Equal(answered.Payload, asked.Payload) {
			t.Fatalf("asked %+v, answered %+v", asked, answered)
		}
	})
}
