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

// errMalformed: a message of the kernel does not have the form of its type.
var errMalformed = errors.New("malformed link message")

// ifinfo returns a struct ifinfomsg for a device, or for all devices if ifindex is 0.
func ifinfo(ifindex int) []byte {
	b := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(b[4:], uint32(int32(ifindex)))
	return b
}

// getlink returns a request for the state of one device, or of all devices if ifindex
// is 0. It skips the statistics, which are most of the work of an answer.
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
	// expected is the program that must be attached. It is sent with
	// XPS_FLAGS_REPLACE only.
	expected int
	// expectedID, if not 0, is that program by its id instead.
	expectedID uint32
}

// call is the interface that a request with this change uses.
func (ch *change) call() call {
	if ch.flags&uapi.XPS_FLAGS_UPDATE_IF_NOEXIST != 0 {
		return callSetlinkEmpty
	}
	return callSetlink
}

// setlink is a request to change the program of a device.
func setlink(ifindex int, ch change) (netlink.Message, error) {
	ae := netlink.NewAttributeEncoder()
	// Nested sets NLA_F_NESTED, which the kernel requires for this attribute.
	ae.Nested(uapi.IFLA_XPS, func(nae *netlink.AttributeEncoder) error {
		nae.Int32(uapi.IFLA_XPS_FD, int32(ch.fd))
		if ch.flags != 0 {
			nae.Uint32(uapi.IFLA_XPS_FLAGS, ch.flags)
		}
		switch {
		case ch.flags&uapi.XPS_FLAGS_REPLACE == 0:
		case ch.expectedID != 0:
			nae.Uint32(uapi.IFLA_XPS_EXPECTED_ID, ch.expectedID)
		default:
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

// link has the fields of a device message that this package reads.
type link struct {
	state State
	// family is AF_UNSPEC in a message about the device itself. Bridges send
	// their own messages, AF_BRIDGE, about the devices that are their ports.
	family uint8
	// nest says that the message has the nest of the hook. An answer to
	// RTM_GETLINK always has it if the kernel has the hook.
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
		case uapi.IFLA_NUM_TX_QUEUES:
			l.state.MaxQueues = int(ad.Uint32())
		case uapi.IFLA_XPS:
			if id, ok := parseNest(ad.Bytes()); ok {
				l.nest = true
				l.state.Attached, l.state.ProgramID = id != 0, id
			}
		}
	}
	if err := ad.Err(); err != nil {
		return link{}, fmt.Errorf("%w: %w", errMalformed, err)
	}
	return l, nil
}

// parseNest reads the nest of the hook. It returns the id of the program, 0 if none is
// attached. The number of the attribute is not official: on another kernel it may be
// another attribute. Then ok is false, because a request could change something else.
//
// The nest has IFLA_XPS_ATTACHED, of one byte, 0 or 1, and IFLA_XPS_PROG_ID
// exactly if that is 1. It has no attribute that only requests have.
func parseNest(b []byte) (id ebpf.ProgramID, ok bool) {
	ad, err := netlink.NewAttributeDecoder(b)
	if err != nil {
		return 0, false
	}
	var attached, prog []byte
	for ad.Next() {
		v := ad.Bytes()
		switch ad.Type() {
		case uapi.IFLA_XPS_ATTACHED:
			if attached != nil || len(v) != 1 || v[0] > 1 {
				return 0, false
			}
			attached = v
		case uapi.IFLA_XPS_PROG_ID:
			if prog != nil || len(v) != 4 {
				return 0, false
			}
			prog = v
		case uapi.IFLA_XPS_FD, uapi.IFLA_XPS_FLAGS, uapi.IFLA_XPS_EXPECTED_FD, uapi.IFLA_XPS_EXPECTED_ID:
			return 0, false
		}
	}
	if ad.Err() != nil || attached == nil {
		return 0, false
	}
	if prog != nil {
		id = ebpf.ProgramID(binary.NativeEndian.Uint32(prog))
	}
	if (attached[0] == 1) != (id != 0) || (prog != nil) != (id != 0) {
		return 0, false
	}
	return id, true
}

// ackWarning returns the text in the acknowledgement of a request that
// succeeded, or the empty string. Package netlink reads it in failures only.
func ackWarning(m netlink.Message) (string, error) {
	const errnoLen, headerLen = 4, unix.SizeofNlMsghdr
	if m.Header.Type != netlink.Error || m.Header.Flags&netlink.AcknowledgeTLVs == 0 {
		return "", nil
	}
	if len(m.Data) < errnoLen+headerLen {
		return "", fmt.Errorf("%w: acknowledgement of %d bytes, want at least %d", errMalformed, len(m.Data), errnoLen+headerLen)
	}

	// Errno and header of the request come first, then the payload of the
	// request unless the kernel left it out, then the attributes. The length in
	// the header is the length of the whole request in both cases.
	off := errnoLen + headerLen
	if m.Header.Flags&netlink.Capped == 0 {
		off = errnoLen + nlmsgAlign(binary.NativeEndian.Uint32(m.Data[errnoLen:]))
	}
	if off < errnoLen+headerLen || off > len(m.Data) {
		return "", fmt.Errorf("%w: acknowledgement of %d bytes quotes a request of %d bytes", errMalformed, len(m.Data), off-errnoLen)
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
