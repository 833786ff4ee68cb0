// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package fuzz makes link messages around IFLA_XPS, right and wrong ones, and
// says what a kernel with the hook must answer to each.
//
// A [Generator] is a pure function of its seed and its [World]; a [Model] is
// the kernel's rules written a second time, from the UAPI and not from the
// series. Neither touches the kernel.
package fuzz

import "golang.org/x/sys/unix"

// Program is a socket filter program that messages may name.
type Program struct {
	// FD is open in the process that sends the messages.
	FD int32
	// ID is the kernel's.
	ID uint32
}

// World is what messages may be about.
type World struct {
	// Devices are the indexes of links. At least one.
	Devices []int32
	// Programs may be attached. At least two.
	Programs []Program
	// Foreign are open file descriptors of anything else.
	Foreign []int32
	// Closed are no file descriptors.
	Closed []int32
	// Absent are indexes that no link has.
	Absent []int32
}

// Message is a netlink message of NETLINK_ROUTE.
type Message struct {
	// Type is RTM_SETLINK or RTM_GETLINK. Flags ask for an acknowledgement.
	Type, Flags uint16
	// Payload is what follows the header.
	Payload []byte
}

// Answer is what the kernel acknowledges a message with; 0 means success.
type Answer = unix.Errno
