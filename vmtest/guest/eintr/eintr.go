// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package eintr repeats system calls that a signal interrupted.
//
// The Go runtime signals its threads to preempt goroutines. The kernel restarts
// most calls by itself, but not those on a socket with SO_RCVTIMEO or
// SO_SNDTIMEO: see signal(7), "Interruption of system calls".
package eintr

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Retry calls f until its result is not EINTR.
func Retry(f func() error) error {
	for {
		if err := f(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// Connect connects a blocking socket. After an interrupted connect the kernel
// continues to connect: the next call waits for it, or finds it connected.
func Connect(fd int, to unix.Sockaddr) error {
	return connect(func() error { return unix.Connect(fd, to) })
}

func connect(call func() error) error {
	interrupted := false
	return Retry(func() error {
		err := call()
		if interrupted && errors.Is(err, unix.EISCONN) {
			return nil
		}
		interrupted = errors.Is(err, unix.EINTR)
		return err
	})
}
