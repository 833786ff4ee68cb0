// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// The fake kernel of the other tests sends bytes that are written by hand. These tests
// compare the same bytes with those of a real kernel.

func native(parts ...any) []byte {
	var buf bytes.Buffer
	for _, p := range parts {
		// Writing numbers of fixed size to a buffer cannot fail.
		_ = binary.Write(&buf, binary.NativeEndian, p)
	}
	return buf.Bytes()
}

// nestOf returns the payload of IFLA_XPS, 70, as the kernel sends it.
func nestOf(tb testing.TB, c rtnetlink, ifindex int) []byte {
	tb.Helper()
	msgs, err := c.Execute(netlink.Message{
		Header: netlink.Header{Type: 18, Flags: netlink.Request},
		Data:   native(uint32(0), int32(ifindex), uint64(0)),
	})
	if err != nil {
		tb.Fatal(err)
	}
	if len(msgs) != 1 || msgs[0].Header.Type != 16 {
		tb.Fatalf("answer %v, want one RTM_NEWLINK", msgs)
	}
	ad, err := netlink.NewAttributeDecoder(msgs[0].Data[16:])
	if err != nil {
		tb.Fatal(err)
	}
	for ad.Next() {
		if ad.Type() == 70 {
			return ad.Bytes()
		}
	}
	tb.Fatalf("no IFLA_XPS: %v", ad.Err())
	return nil
}

// setOf sends IFLA_XPS { IFLA_XPS_FD fd } and returns the acknowledgement.
func setOf(tb testing.TB, c rtnetlink, ifindex int, fd int32) netlink.Message {
	tb.Helper()
	msgs, err := c.Execute(netlink.Message{
		Header: netlink.Header{Type: 19, Flags: netlink.Request | netlink.Acknowledge},
		Data: native(uint32(0), int32(ifindex), uint64(0),
			uint16(12), uint16(0x8046), uint16(8), uint16(1), fd),
	})
	if err != nil {
		tb.Fatal(err)
	}
	if len(msgs) != 1 || msgs[0].Header.Type != netlink.Error {
		tb.Fatalf("answer %v, want one acknowledgement", msgs)
	}
	return msgs[0]
}

func TestKernelWire(t *testing.T) {
	requireHook(t, nil)
	c := mustRtnetlink(t)
	d0 := mustAdd(t, "d0")
	prog := mustProgram(t, 1)

	if diff := cmp.Diff(native(uint16(5), uint16(2), uint32(0)), nestOf(t, c, d0)); diff != "" {
		t.Errorf("detached (-want +got):\n%s", diff)
	}

	m := setOf(t, c, d0, int32(prog.FD()))
	if m.Header.Flags != netlink.Capped || len(m.Data) != 4+unix.SizeofNlMsghdr {
		t.Errorf("acknowledgement with flags %#x, %d bytes, want %#x and 20", m.Header.Flags, len(m.Data), netlink.Capped)
	}
	want := native(uint16(5), uint16(2), uint8(1), [3]uint8{}, uint16(8), uint16(4), uint32(mustID(t, prog)))
	if diff := cmp.Diff(want, nestOf(t, c, d0)); diff != "" {
		t.Errorf("attached (-want +got):\n%s", diff)
	}
}
