// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xpsgen/uapi"
	"xpsgen/vmtest/guest/bench/record"
	"xpsgen/vmtest/guest/suite/rtnl"
)

// change is an operation on a device's program. Its cost is that of the request,
// including the notification and the system calls.
type change int

const (
	attaching change = iota
	replacing
	detaching
)

// byQueues measures a change on devices with a growing number of queues. Another device
// has a program throughout.
func byQueues(c change) func(*bench, int) (*record.Result, error) {
	return func(b *bench, size int) (*record.Result, error) { return b.change(c, 1, size, true) }
}

// byDevices measures a change with a growing number of other devices. If they have
// programs, the static key does not change. Otherwise the change attaches the first
// program or detaches the last one. The count then includes patching the code, which is
// cheaper on one CPU than on several.
func byDevices(c change, programs bool) func(*bench, int) (*record.Result, error) {
	return func(b *bench, size int) (*record.Result, error) { return b.change(c, size, queues, programs) }
}

func (b *bench) change(c change, others, queues int, programs bool) (_ *record.Result, err error) {
	s := &setting{conn: b.conn, client: b.client}
	defer func() { err = errors.Join(err, s.close()) }()
	var set func(*setting) error
	if programs {
		set = constant(wanted)
	}
	if err := b.many(s, others, queues, set); err != nil {
		return nil, err
	}
	if s.device, err = dummy(b.conn, "changed", queues); err != nil {
		return nil, err
	}
	s.later(s.device.remove)
	r := &record.Result{Asked: record.NoQueue}
	return r, b.repeat(r, s.device, way{open: func(d *device) (sender, error) {
		return openChanger(d.index, c, b.interrupts)
	}})
}

// changer performs a cycle of changes in each round and counts one of them.
type changer struct {
	*request
	programs []*ebpf.Program
	// steps are requests of one message each, in order. Only the step with the index
	// counted is measured.
	steps      [][]byte
	counted    int
	interrupts *interrupts
	found      round
}

// openChanger loads two programs; the second replaces the first.
func openChanger(ifindex int, c change, i *interrupts) (_ *changer, err error) {
	r, err := openRequest()
	if err != nil {
		return nil, err
	}
	x := &changer{request: r, counted: int(c), interrupts: i}
	defer func() {
		if err != nil {
			x.close()
		}
	}()
	fds := make([]int32, detaching+1)
	for _, step := range []change{attaching, replacing} {
		prog, err := ebpf.NewProgram(constantProgram(int32(step)))
		if err != nil {
			return nil, fmt.Errorf("load constant: %w", err)
		}
		x.programs = append(x.programs, prog)
		fds[step] = int32(prog.FD())
	}
	fds[detaching] = -1
	for _, fd := range fds {
		payload, err := rtnl.Message(ifindex, func(ae *netlink.AttributeEncoder) {
			rtnl.XPSNest(ae, func(ae *netlink.AttributeEncoder) { ae.Int32(uapi.IFLA_XPS_FD, fd) })
		})
		if err != nil {
			return nil, err
		}
		if err := r.add(unix.RTM_SETLINK, netlink.Acknowledge, payload); err != nil {
			return nil, err
		}
	}
	x.steps = r.requests
	return x, nil
}

func (x *changer) send() error {
	for i, step := range x.steps {
		x.requests = [][]byte{step}
		if i != x.counted {
			if err := x.request.send(); err != nil {
				return err
			}
			continue
		}
		var err error
		if x.found, err = x.interrupts.measure(1, x.request.send); err != nil {
			return err
		}
	}
	return nil
}

func (x *changer) last() (float64, bool) { return x.found.perOp, x.found.interrupted }

func (x *changer) close() {
	x.request.close()
	for _, p := range x.programs {
		p.Close()
	}
}
