// SPDX-License-Identifier: GPL-2.0-only OR MIT

package rtnl

import (
	"encoding/binary"
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xpsgen/uapi"
)

// link builds the kernel's message for a link with this nest.
func link(t *testing.T, nest func(*netlink.AttributeEncoder)) netlink.Message {
	t.Helper()
	b, err := Message(7, func(ae *netlink.AttributeEncoder) {
		ae.String(unix.IFLA_IFNAME, "tap0")
		ae.Uint32(unix.IFLA_NUM_TX_QUEUES, 2)
		ae.Bytes(unix.IFLA_ADDRESS, []byte{2, 0, 0, 0, 0, 1})
		if nest != nil {
			XPSNest(ae, nest)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return netlink.Message{Header: netlink.Header{Type: unix.RTM_NEWLINK}, Data: b}
}

func TestParseInfo(t *testing.T) {
	for name, tc := range map[string]struct {
		nest func(*netlink.AttributeEncoder)
		want string
		id   uint32
	}{
		"no hook": {nil, "no IFLA_XPS", 0},
		"nothing attached": {func(ae *netlink.AttributeEncoder) { ae.Uint8(uapi.IFLA_XPS_ATTACHED, 0) },
			"IFLA_XPS{ATTACHED=[0] PROG_ID=[] other=[] nested=true}", 0},
		"attached": {func(ae *netlink.AttributeEncoder) {
			ae.Uint8(uapi.IFLA_XPS_ATTACHED, 1)
			ae.Uint32(uapi.IFLA_XPS_PROG_ID, 300)
		}, "IFLA_XPS{ATTACHED=[1] PROG_ID=[300] other=[] nested=true}", 300},
		"twice and more": {func(ae *netlink.AttributeEncoder) {
			ae.Uint8(uapi.IFLA_XPS_ATTACHED, 1)
			ae.Uint8(uapi.IFLA_XPS_ATTACHED, 0)
			ae.Int32(uapi.IFLA_XPS_FD, 3)
		}, "IFLA_XPS{ATTACHED=[1 0] PROG_ID=[] other=[1] nested=true}", 0},
	} {
		info, err := parseInfo(link(t, tc.nest))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := info.XPS.String(); got != tc.want || info.XPS.ProgramID() != tc.id {
			t.Errorf("%s: %s id %d, want %s id %d", name, got, info.XPS.ProgramID(), tc.want, tc.id)
		}
		if info.Index != 7 || info.Name != "tap0" || info.TxQueues != 2 || len(info.MAC) != 6 {
			t.Errorf("%s: %+v", name, info)
		}
	}
	if _, err := parseInfo(netlink.Message{Data: make([]byte, 3)}); err == nil {
		t.Error("short message: no error")
	}
}

// ack builds a successful ack with an extack message. It contains that many bytes of the
// request.
func ack(t *testing.T, flags netlink.HeaderFlags, request int) netlink.Message {
	t.Helper()
	ae := netlink.NewAttributeEncoder()
	ae.String(unix.NLMSGERR_ATTR_MSG, "mind the driver")
	tlvs, err := ae.Encode()
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4+request)
	binary.NativeEndian.PutUint32(b[4:], uint32(request))
	return netlink.Message{
		Header: netlink.Header{Type: netlink.Error, Flags: flags},
		Data:   append(b, tlvs...),
	}
}

func TestParseAck(t *testing.T) {
	const tlvs, capped = netlink.AcknowledgeTLVs, netlink.Capped
	for name, tc := range map[string]struct {
		msg  netlink.Message
		want string
	}{
		"capped":        {ack(t, tlvs|capped, unix.NLMSG_HDRLEN), "mind the driver"},
		"whole request": {ack(t, tlvs, 64), "mind the driver"},
		"no message":    {ack(t, 0, unix.NLMSG_HDRLEN), ""},
		"short":         {netlink.Message{Header: netlink.Header{Flags: tlvs}, Data: make([]byte, 8)}, ""},
	} {
		if got := parseAck(tc.msg).Warning; got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
	lying := ack(t, tlvs, unix.NLMSG_HDRLEN)
	binary.NativeEndian.PutUint32(lying.Data[4:], 1<<30)
	if got := parseAck(lying).Warning; got != "" {
		t.Errorf("length beyond the message: %q", got)
	}
}
