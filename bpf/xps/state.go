// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import "github.com/cilium/ebpf"

// State says whether a device has a program, and which.
type State struct {
	// Ifindex is the device.
	Ifindex int
	// Name is the name that the device had when this was read.
	Name string
	// Attached: the device has a program.
	Attached bool
	// ProgramID is the id of the program, 0 if there is none. Use
	// [ebpf.NewProgramFromID] to get at the program, which takes
	// CAP_SYS_ADMIN.
	ProgramID ebpf.ProgramID
}
