// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"context"
	"errors"
	"math"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	ebpflink "github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// Features lists features of the running kernel.
type Features struct {
	// Hook reports whether programs can be attached by netlink.
	Hook bool
	// Links reports whether programs can be attached by links.
	Links bool
}

// Features returns the features of the running kernel. It changes nothing. It reads
// the state of the loopback device, and requests a link to a device that does not
// exist.
//
// The check for links needs CAP_BPF and CAP_NET_ADMIN. Without them, Features returns a
// valid Hook, and an error wrapping [ErrPermission]. If the kernel does not have the
// hook, Features returns the zero value and no error.
func (c *Client) Features(ctx context.Context) (Features, error) {
	err := c.Supported(ctx)
	switch {
	case errors.Is(err, ErrNotSupported):
		return Features{}, nil
	case err != nil:
		return Features{}, err
	}
	f := Features{Hook: true}
	f.Links, err = await(ctx, work[bool]{do: probeLinks, release: func() {}})
	return f, newError(opFeatures, 0, err)
}

// probeLinks reports whether the kernel has links to the hook, by requesting one to
// a device that does not exist. A kernel with such links answers ENODEV. Other kernels
// answer EINVAL, or EOPNOTSUPP if they were built without CONFIG_XPS_BPF.
func probeLinks() (bool, error) {
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type:         ebpf.SocketFilter,
		AttachType:   AttachType,
		License:      "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, -1), asm.Return()},
	})
	if err != nil {
		return false, answered(callProgLoad, err)
	}
	defer prog.Close()
	l, err := ebpflink.AttachRawLink(ebpflink.RawLinkOptions{Target: math.MaxInt32, Program: prog, Attach: AttachType})
	switch {
	case err == nil:
		// The device exists, contrary to expectation.
		l.Close()
		return true, nil
	case errors.Is(err, unix.ENODEV), errors.Is(err, unix.EBUSY):
		return true, nil
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, ebpflink.ErrNotSupported):
		return false, nil
	default:
		return false, answered(callLinkCreate, err)
	}
}
