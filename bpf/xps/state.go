// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"github.com/cilium/ebpf"
	ebpflink "github.com/cilium/ebpf/link"
)

// State is the state of a device.
type State struct {
	// Ifindex is the index of the device.
	Ifindex int
	// Name is the name of the device when its state was read.
	Name string
	// MaxQueues is the number of tx queues that the device can have
	// (IFLA_NUM_TX_QUEUES). It may use fewer: see
	// /sys/class/net/NAME/queues. 0 if not known.
	MaxQueues int
	// Attached reports whether the device has a program.
	Attached bool
	// ProgramID is the id of the program, 0 if there is none.
	// [ebpf.NewProgramFromID] returns the program; it needs CAP_SYS_ADMIN.
	ProgramID ebpf.ProgramID
	// Via is how the program was attached. It is [ViaUnknown] without
	// [QueryOptions.Links], or if there is no program.
	Via Via
	// LinkID is the id of the link that holds the program, 0 unless Via is
	// [ViaLink].
	LinkID ebpflink.ID
}

// Via is a way by which a program was attached.
type Via int

const (
	// ViaUnknown: not determined.
	ViaUnknown Via = iota
	// ViaNetlink: attached over rtnetlink, as by [Client.Attach] and ip.
	ViaNetlink
	// ViaLink: attached through a BPF link, as by [AttachLink].
	ViaLink
)

// String returns "unknown", "netlink" or "link".
func (v Via) String() string {
	switch v {
	case ViaNetlink:
		return "netlink"
	case ViaLink:
		return "link"
	default:
		return "unknown"
	}
}
