// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"

	"xpsgen/bpf"
	"xpsgen/bpf/xps"
	"xpsgen/uapi"
	"xpsgen/vmtest/guest/bench/record"
	"xpsgen/vmtest/guest/suite/rtnl"
)

// wanted is the queue that contenders request. It is not the first or the last one, nor
// the one that the flow's hash selects.
const wanted = 3

// A contender is a way to choose the queue.
type contender struct {
	name string
	// hook says that the contender needs the patched kernel.
	hook bool
	// asks is the queue that the contender requests, record.NoQueue if none.
	asks int
	// onTap says to measure on a tap instead of a dummy.
	onTap bool
	// above says that it acts in the tc hooks, before the kernel selects a queue.
	above bool
	set   func(*setting) error
}

// setting is the device to prepare, with what to close afterwards.
type setting struct {
	conn    *rtnl.Conn
	client  *xps.Client
	device  *device
	closers []func() error
}

func (s *setting) later(f func() error) { s.closers = append(s.closers, f) }

func (s *setting) close() error {
	var err error
	for i := len(s.closers) - 1; i >= 0; i-- {
		err = errors.Join(err, s.closers[i]())
	}
	return err
}

// contenders returns all contenders.
func contenders() []contender {
	return []contender{
		{name: "none", asks: record.NoQueue, set: nothing},
		{name: "xps-elsewhere", hook: true, asks: record.NoQueue, set: elsewhere},
		{name: "xps-fallback", hook: true, asks: record.NoQueue, set: constant(-1)},
		{name: "xps-const", hook: true, asks: wanted, set: constant(wanted)},
		{name: "xps-flow-hash", hook: true, asks: record.NoQueue, set: flowHash},
		{name: "xps-cpu-map", hook: true, asks: wanted, set: cpuMap},
		{name: "xps-mark", hook: true, asks: wanted, set: markDefault},
		{name: "cpus-map", asks: wanted, set: xpsCPUs},
		{name: "rxqs-map", asks: record.NoQueue, set: xpsRXQs},
		{name: "clsact", above: true, asks: wanted, set: onClsact},
		{name: "clsact+cpus-map", above: true, asks: wanted, set: both(xpsCPUsOther, onClsact)},
		{name: "tcx", above: true, asks: wanted, set: onTCX},
		{name: "tcx+cpus-map", above: true, asks: wanted, set: both(xpsCPUsOther, onTCX)},
		{name: "skbedit", above: true, asks: wanted, set: onSkbedit},
		{name: "skbedit+cpus-map", above: true, asks: wanted, set: both(xpsCPUsOther, onSkbedit)},
		{name: "xps-const+cpus-map", hook: true, asks: wanted, set: both(xpsCPUsOther, constant(wanted))},
		{name: "tap-none", onTap: true, asks: record.NoQueue, set: nothing},
		{name: "tap-xps-elsewhere", onTap: true, hook: true, asks: record.NoQueue, set: elsewhere},
		{name: "tap-steering", onTap: true, asks: wanted, set: steering},
		{name: "tap-xps-const", onTap: true, hook: true, asks: wanted, set: constant(wanted)},
	}
}

func nothing(*setting) error { return nil }

// both applies first, then second.
func both(first, second func(*setting) error) func(*setting) error {
	return func(s *setting) error {
		if err := first(s); err != nil {
			return err
		}
		return second(s)
	}
}

// elsewhere attaches a program to another device, which enables the static key.
func elsewhere(s *setting) error {
	other, err := dummy(s.conn, "other", s.device.queues)
	if err != nil {
		return err
	}
	s.later(other.remove)
	return (&setting{client: s.client, device: other}).attach(constantProgram(wanted))
}

func (s *setting) attach(spec *ebpf.ProgramSpec) error {
	prog, err := ebpf.NewProgram(spec)
	if err != nil {
		return fmt.Errorf("load %s: %w", spec.Name, err)
	}
	// The device holds its own reference.
	defer prog.Close()
	return s.client.Attach(s.device.index, prog, nil)
}

// constantProgram returns the same value for every packet.
func constantProgram(value int32) *ebpf.ProgramSpec {
	return &ebpf.ProgramSpec{
		Name: "constant", Type: ebpf.SocketFilter, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, value), asm.Return()},
	}
}

func constant(value int32) func(*setting) error {
	return func(s *setting) error { return s.attach(constantProgram(value)) }
}

func flowHash(s *setting) error {
	spec, err := bpf.Spec("xps_flow_hash")
	if err != nil {
		return err
	}
	if v := spec.Variables["queues"]; v != nil {
		if err := v.Set(uint32(s.device.queues)); err != nil {
			return err
		}
	}
	return s.attachCollection(spec, "xps_flow_hash", nil)
}

// attachCollection fills the map of a collection and attaches its only program.
func (s *setting) attachCollection(spec *ebpf.CollectionSpec, program string, fill func(*ebpf.Collection) error) error {
	c, err := ebpf.NewCollection(spec)
	if err != nil {
		return fmt.Errorf("load %s: %w", program, err)
	}
	defer c.Close()
	if fill != nil {
		if err := fill(c); err != nil {
			return fmt.Errorf("fill the map of %s: %w", program, err)
		}
	}
	return s.client.Attach(s.device.index, c.Programs[program], nil)
}

func cpuMap(s *setting) error {
	spec, err := bpf.Spec("xps_cpu")
	if err != nil {
		return err
	}
	return s.attachCollection(spec, "xps_cpu", func(c *ebpf.Collection) error {
		return c.Maps["cpu_queue"].Put(uint32(0), int32(wanted))
	})
}

// markDefault adds the map entry for packets without a mark.
func markDefault(s *setting) error {
	spec, err := bpf.Spec("xps_mark")
	if err != nil {
		return err
	}
	return s.attachCollection(spec, "xps_mark", func(c *ebpf.Collection) error {
		return c.Maps["mark_queue"].Put(uint32(0), int32(wanted))
	})
}

// xpsCPUs maps the only CPU to the wanted queue.
func xpsCPUs(s *setting) error { return s.device.setMasks("xps_cpus", only(wanted)) }

// xpsCPUsOther maps the CPU to another queue, which a contender must override.
func xpsCPUsOther(s *setting) error { return s.device.setMasks("xps_cpus", only(wanted+2)) }

// xpsRXQs sets the receive queue maps. Locally sent packets have no receive queue, so the
// kernel looks up the map and finds no match.
func xpsRXQs(s *setting) error { return s.device.setMasks("xps_rxqs", only(wanted)) }

func only(queue int) func(int) uint64 {
	return func(q int) uint64 {
		if q == queue {
			return 1
		}
		return 0
	}
}

// hintProgram writes the queue plus one to skb->queue_mapping. After the tc hooks the
// kernel reads the field as the receive queue, counted from one, when it selects a queue.
func hintProgram() *ebpf.ProgramSpec {
	return &ebpf.ProgramSpec{
		Name: "hint", Type: ebpf.SchedCLS, License: "GPL",
		Instructions: asm.Instructions{
			asm.Mov.Imm(asm.R2, wanted+1),
			asm.StoreMem(asm.R1, int16(unsafe.Offsetof(uapi.SkBuff{}.QueueMapping)), asm.R2, asm.Word),
			asm.Mov.Imm(asm.R0, uapi.TC_ACT_OK),
			asm.Return(),
		},
	}
}

func onClsact(s *setting) error {
	prog, err := ebpf.NewProgram(hintProgram())
	if err != nil {
		return fmt.Errorf("load hint: %w", err)
	}
	defer prog.Close()
	if err := clsact(s.conn, s.device.index); err != nil {
		return err
	}
	return bpfFilter(s.conn, s.device.index, prog.FD())
}

func onTCX(s *setting) error {
	prog, err := ebpf.NewProgram(hintProgram())
	if err != nil {
		return fmt.Errorf("load hint: %w", err)
	}
	defer prog.Close()
	l, err := link.AttachTCX(link.TCXOptions{Interface: s.device.index, Program: prog, Attach: ebpf.AttachTCXEgress})
	if err != nil {
		return fmt.Errorf("attach to tcx: %w", err)
	}
	s.later(l.Close)
	return nil
}

func onSkbedit(s *setting) error {
	if err := clsact(s.conn, s.device.index); err != nil {
		return err
	}
	return skbeditFilter(s.conn, s.device.index, wanted)
}

func steering(s *setting) error {
	prog, err := ebpf.NewProgram(constantProgram(wanted))
	if err != nil {
		return fmt.Errorf("load constant: %w", err)
	}
	defer prog.Close()
	return s.device.setSteering(prog.FD())
}
