// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"errors"
	"fmt"

	ebpflink "github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// linkError turns what the bpf system call returned into an [*Error]. It
// returns nil for nil.
func linkError(op string, ifindex int, err error) error {
	if err == nil {
		return nil
	}
	e := &Error{Op: op, Ifindex: ifindex, Err: err}
	errno := unix.Errno(0)
	switch {
	case errors.As(err, &errno):
		e.Errno = errno
		e.Err = linkSentinel(op, errno, err)
	case errors.Is(err, ebpflink.ErrNotSupported):
		e.Err = fmt.Errorf("%w: %w", ErrNotSupported, err)
	}
	return e
}

// linkSentinel returns what errno means in the answer to op, or err if it does
// not mean one thing.
func linkSentinel(op string, errno unix.Errno, err error) error {
	switch {
	case errno == unix.EBUSY && op == opLink:
		return ErrAttached
	case errno == unix.ENODEV && op == opLink:
		return ErrNoDevice
	case errno == unix.EINVAL && op == opLink, errno == unix.EOPNOTSUPP:
		// EINVAL: this kernel does not know the attach type. There is nothing
		// else wrong with a request of ours.
		return ErrNotSupported
	case errno == unix.ENOLINK:
		return ErrDetached
	case errno == unix.EPERM, errno == unix.EACCES:
		return ErrPermission
	default:
		return err
	}
}
