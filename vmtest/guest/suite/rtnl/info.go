// SPDX-License-Identifier: GPL-2.0-only OR MIT

package rtnl

import (
	"encoding/binary"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xpsgen/uapi"
)

// Info is a link as described by one message of the kernel.
type Info struct {
	// Type is RTM_NEWLINK or RTM_DELLINK.
	Type uint16
	// Index and Name identify the link.
	Index int
	Name  string
	// Flags are the IFF_ flags.
	Flags uint32
	// TxQueues is the number of allocated queues, which may exceed the queues in use.
	TxQueues int
	// Qdisc is the name of the root qdisc: "noop" until the link is ready.
	Qdisc string
	// MAC is the link layer address.
	MAC []byte
	// XPS is the state of the hook.
	XPS XPS
}

// XPS has the attributes of the IFLA_XPS nest, without any interpretation.
type XPS struct {
	// Present says that the nest exists, that is, the kernel has the hook.
	Present bool
	// Attached lists the values of IFLA_XPS_ATTACHED, normally one. ProgramIDs lists
	// those of IFLA_XPS_PROG_ID, at most one.
	Attached   []byte
	ProgramIDs []uint32
	// Other lists the types of unexpected attributes.
	Other []uint16
	// Nested says that the attribute had NLA_F_NESTED.
	Nested bool
}

// String returns the state for a failed comparison.
func (x XPS) String() string {
	if !x.Present {
		return "no IFLA_XPS"
	}
	return fmt.Sprintf("IFLA_XPS{ATTACHED=%v PROG_ID=%v other=%v nested=%v}", x.Attached, x.ProgramIDs, x.Other, x.Nested)
}

// ProgramID returns the id of the attached program, or 0.
func (x XPS) ProgramID() uint32 {
	if len(x.ProgramIDs) == 0 {
		return 0
	}
	return x.ProgramIDs[0]
}

func parseInfo(m netlink.Message) (Info, error) {
	if len(m.Data) < unix.SizeofIfInfomsg {
		return Info{}, fmt.Errorf("link message of %d bytes, want at least %d", len(m.Data), unix.SizeofIfInfomsg)
	}
	info := Info{
		Type:  uint16(m.Header.Type),
		Index: int(int32(binary.NativeEndian.Uint32(m.Data[4:]))),
		Flags: binary.NativeEndian.Uint32(m.Data[8:]),
	}
	ad, err := netlink.NewAttributeDecoder(m.Data[unix.SizeofIfInfomsg:])
	if err != nil {
		return Info{}, fmt.Errorf("link %d: %w", info.Index, err)
	}
	for ad.Next() {
		switch ad.Type() {
		case unix.IFLA_IFNAME:
			info.Name = ad.String()
		case unix.IFLA_QDISC:
			info.Qdisc = ad.String()
		case unix.IFLA_ADDRESS:
			info.MAC = append([]byte(nil), ad.Bytes()...)
		case unix.IFLA_NUM_TX_QUEUES:
			info.TxQueues = int(ad.Uint32())
		case uapi.IFLA_XPS:
			info.XPS.Present = true
			info.XPS.Nested = ad.TypeFlags()&netlink.Nested != 0
			ad.Nested(info.XPS.decode)
		}
	}
	if err := ad.Err(); err != nil {
		return Info{}, fmt.Errorf("link %d: %w", info.Index, err)
	}
	return info, nil
}

func (x *XPS) decode(ad *netlink.AttributeDecoder) error {
	for ad.Next() {
		switch ad.Type() {
		case uapi.IFLA_XPS_ATTACHED:
			x.Attached = append(x.Attached, ad.Uint8())
		case uapi.IFLA_XPS_PROG_ID:
			x.ProgramIDs = append(x.ProgramIDs, ad.Uint32())
		default:
			x.Other = append(x.Other, ad.Type())
		}
	}
	return nil
}
