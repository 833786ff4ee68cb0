// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import "time"

// DefaultTimeout limits a call unless [Config.Timeout] does. An answer usually
// takes well under a millisecond, but the kernel makes a caller wait while
// somebody else changes network devices.
const DefaultTimeout = 30 * time.Second

// Config describes a connection to the kernel. The zero value means the
// defaults.
type Config struct {
	// NetNS is a file descriptor of the network namespace to work in. [Dial]
	// and [Watch] use it before they return; the caller keeps and closes it.
	// 0 means the namespace of the calling thread.
	NetNS int

	// Timeout limits each call of a [Client], including the wait for other
	// calls of the same Client, and the call of [Watch]. 0 means
	// [DefaultTimeout]; a negative value means that only the context limits
	// a call.
	Timeout time.Duration

	// ReceiveBuffer is the size in bytes of the socket's receive buffer. A
	// larger one loses fewer notifications when many devices change. 0 means
	// the kernel's default. A size above net.core.rmem_max needs CAP_NET_ADMIN;
	// without it, the kernel sets net.core.rmem_max.
	ReceiveBuffer int

	// Warn, if not nil, is called for each warning that the kernel gives with
	// a change. The goroutine that asked for the change calls it,
	// before that call returns. Warn may use the Client.
	Warn func(Warning)
}

// Warning is a message of the kernel about a change.
type Warning struct {
	// Op is the operation, "attach" or "detach".
	Op string
	// Ifindex is the index of the device.
	Ifindex int
	// Message is the kernel's text.
	Message string
}
