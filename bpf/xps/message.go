// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xpsgen/uapi"
)

// errMalformed: the kernel sent what it should not.
var errMalformed = errors.New("malformed link message")

// ifinfo returns a struct ifinfomsg for the device. With 0 for an ifindex it
// stands for all.
func ifinfo(ifindex int) []byte {
	b := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(b[4:], uint32(int32(ifindex)))
	return b
}

// getlink is a request for one device, or with 0 for all of them, without the
// statistics, which are most of the work of an answer.
func getlink(ifindex int) (netlink.Message, error) {
	flags := netlink.Request
	if ifindex == 0 {
		flags |= netlink.Dump
	}
	ae := netlink.NewAttributeEncoder()
	ae.Uint32(uapi.IFLA_EXT_MASK, uapi.RTEXT_FILTER_SKIP_STATS)
	attrs, err := ae.Encode()
	if err != nil {
		return netlink.Message{}, err
	}
	return netlink.Message{
		Header: netlink.Header{Type: uapi.RTM_GETLINK, Flags: flags},
		Data:   append(ifinfo(ifindex), attrs...),
	}, nil
}

// change is the content of the nest in a request.
type change struct {
	// fd is the program to attach, -1 to detach.
	fd int
	// flags are XPS_FLAGS_*.
	flags uint32
	// expected is the program that must be there. It is sent with
	// XPS_FLAGS_REPLACE only.
	expected int
}

// setlink is a request to change the program of a device.
func setlink(ifindex int, ch change) (netlink.Message, error) {
	ae := netlink.NewAttributeEncoder()
	// Nested sets NLA_F_NESTED. From Linux 7.3 the kernel insists on it.
	ae.Nested(uapi.IFLA_XPS, func(nae *netlink.AttributeEncoder) error {
		nae.Int32(uapi.IFLA_XPS_FD, int32(ch.fd))
		if ch.flags != 0 {
			nae.Uint32(uapi.IFLA_XPS_FLAGS, ch.flags)
		}
		if ch.flags&uapi.XPS_FLAGS_REPLACE != 0 {
			nae.Int32(uapi.IFLA_XPS_EXPECTED_FD, int32(ch.expected))
		}
		return nil
	})
	attrs, err := ae.Encode()
	if err != nil {
		return netlink.Message{}, err
	}
	return netlink.Message{
		Header: netlink.Header{Type: uapi.RTM_SETLINK, Flags: netlink.Request | netlink.Acknowledge},
		Data:   append(ifinfo(ifindex), attrs...),
	}, nil
}

// link is what we read in a message about a device.
type link struct {
	state State
	// family is AF_UNSPEC in a message about the device itself. Bridges send
	// messages of their own, AF_BRIDGE, about the devices that are their ports.
	family uint8
	// nest says that there was an IFLA_XPS. Without it the state is not
	// known; an answer to RTM_GETLINK always has it if the kernel has the hook.
	nest bool
}

// parseLink reads the payload of RTM_NEWLINK and RTM_DELLINK. The error wraps
// errMalformed.
func parseLink(b []byte) (link, error) {
	if len(b) < unix.SizeofIfInfomsg {
		return link{}, fmt.Errorf("%w: %d bytes", errMalformed, len(b))
	}
	l := link{family: b[0]}
	l.state.Ifindex = int(int32(binary.NativeEndian.Uint32(b[4:])))
	if l.state.Ifindex <= 0 {
		return link{}, fmt.Errorf("%w: ifindex %d", errMalformed, l.state.Ifindex)
	}

	ad, err := netlink.NewAttributeDecoder(b[unix.SizeofIfInfomsg:])
	if err != nil {
		return link{}, fmt.Errorf("%w: %w", errMalformed, err)
	}
	for ad.Next() {
		switch ad.Type() {
		case uapi.IFLA_IFNAME:
			l.state.Name = ad.String()
		case uapi.IFLA_XPS:
			l.nest = true
			ad.Nested(l.state.parse)
		}
	}
	if err := ad.Err(); err != nil {
		return link{}, fmt.Errorf("%w: %w", errMalformed, err)
	}
	if l.state.Attached != (l.state.ProgramID != 0) {
		return link{}, fmt.Errorf("%w: attached %t, program id %d", errMalformed,
			l.state.Attached, l.state.ProgramID)
	}
	return l, nil
}

// parse reads the nest.
func (s *State) parse(ad *netlink.AttributeDecoder) error {
	for ad.Next() {
		switch ad.Type() {
		case uapi.IFLA_XPS_ATTACHED:
			s.Attached = ad.Uint8() != 0
		case uapi.IFLA_XPS_PROG_ID:
			s.ProgramID = ebpf.ProgramID(ad.Uint32())
		}
	}
	return ad.Err()
}

// ackWarning returns what the kernel says in the acknowledgement of a request
// that succeeded, or the empty string. Package netlink looks for the kernel's
// words in failures only.
func ackWarning(m netlink.Message) (string, error) {
	const errnoLen, headerLen = 4, unix.SizeofNlMsghdr
	if m.Header.Type != netlink.Error || m.Header.Flags&netlink.AcknowledgeTLVs == 0 {
		return "", nil
	}
	if len(m.Data) < errnoLen+headerLen {
		return "", fmt.Errorf("%w: acknowledgement of %d bytes", errMalformed, len(m.Data))
	}

	// Behind errno and header of the request come its payload, unless it was
	// left out, as it is in success, and then the attributes. The header's
	// length is that of the whole request in both cases.
	off := errnoLen + headerLen
	if m.Header.Flags&netlink.Capped == 0 {
		off = errnoLen + nlmsgAlign(binary.NativeEndian.Uint32(m.Data[errnoLen:]))
	}
	if off < errnoLen+headerLen || off > len(m.Data) {
		return "", fmt.Errorf("%w: acknowledgement of a request of %d bytes", errMalformed, off-errnoLen)
	}

	ad, err := netlink.NewAttributeDecoder(m.Data[off:])
	if err != nil {
		return "", fmt.Errorf("%w: %w", errMalformed, err)
	}
	var msg string
	for ad.Next() {
		if ad.Type() == uapi.NLMSGERR_ATTR_MSG {
			msg = ad.String()
		}
	}
	if err := ad.Err(); err != nil {
		return "", fmt.Errorf("%w: %w", errMalformed, err)
	}
	return msg, nil
}

func nlmsgAlign(n uint32) int {
	return (int(n) + uapi.NLMSG_ALIGNTO - 1) &^ (uapi.NLMSG_ALIGNTO - 1)
}
