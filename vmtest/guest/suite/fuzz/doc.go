// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package fuzz generates valid and invalid link messages with IFLA_XPS, and predicts the
// answer of a kernel with the hook.
//
// The output of a [Generator] depends only on its seed and its [World]. A [Model]
// implements the kernel's rules a second time, from the UAPI and not from the series.
// Neither touches the kernel.
package fuzz

import "golang.org/x/sys/unix"

// Program is a socket filter program that messages may name.
type Program struct {
	// FD is open in the process that sends the messages.
	FD int32
	// ID is the program's id in the kernel.
	ID uint32
}

// World is the set of objects that messages refer to.
type World struct {
	// Devices are ifindexes. At least one.
	Devices []int32
	// Masters are the devices that refuse programs.
	Masters []int32
	// Programs can be attached. At least two.
	Programs []Program
	// Foreign are open file descriptors that are not programs.
	Foreign []int32
	// Closed are numbers that are not open file descriptors.
	Closed []int32
	// Absent are ifindexes that no link has.
	Absent []int32
}

// Message is a NETLINK_ROUTE message.
type Message struct {
	// Type is RTM_SETLINK or RTM_GETLINK. Flags request an acknowledgement.
	Type, Flags uint16
	// Payload follows the header.
	Payload []byte
}

// Answer is the errno in the kernel's acknowledgement; 0 means success.
type Answer = unix.Errno
