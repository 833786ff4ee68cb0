// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"xpsgen/bpf/policy"
	"xpsgen/bpf/xps"
	"xpsgen/uapi"
	"xpsgen/vmtest/guest/alternative"
	"xpsgen/vmtest/guest/bench/record"
	"xpsgen/vmtest/guest/suite/rtnl"
)

// wanted is the queue that contenders request. It is neither the first nor the last, and
// not the one that the flow hash selects.
const wanted = 3

// A contender is a method to select the queue.
type contender struct {
	name string
	// hook says that it needs the patched kernel.
	hook bool
	// asks is the queue that it requests, record.NoQueue if it requests none.
	asks int
	// onTap says to measure it on a tap instead of a dummy.
	onTap bool
	// above says that it acts in the tc hooks, before the queue is selected.
	above bool
	// alternative is the key of the alternative to the hook that it needs.
	alternative string
	set         func(*setting) error
}

// setting is the device being prepared, and the files to close afterwards.
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

// contenders returns all contenders, in the order in which they are measured.
func contenders() []contender {
	return []contender{
		{name: "none", asks: record.NoQueue, set: nothing},
		{name: "xps-elsewhere", hook: true, asks: record.NoQueue, set: elsewhere},
		{name: "xps-fallback", hook: true, asks: record.NoQueue, set: constant(-1)},
		{name: "xps-const", hook: true, asks: wanted, set: constant(wanted)},
		{name: "xps-flow-hash", hook: true, asks: record.NoQueue, set: flowHash(uncounted)},
		{name: "xps-flow-hash+stats", hook: true, asks: record.NoQueue, set: flowHash(policy.Options{})},
		{name: "xps-cpu-map", hook: true, asks: wanted, set: cpuMap(uncounted)},
		{name: "xps-cpu-map+stats", hook: true, asks: wanted, set: cpuMap(policy.Options{})},
		{name: "xps-mark", hook: true, asks: wanted, set: markMap(uncounted)},
		{name: "xps-mark+stats", hook: true, asks: wanted, set: markMap(policy.Options{})},
		{name: "xps-port", hook: true, asks: record.NoQueue, set: portMap(uncounted)},
		{name: "xps-port+stats", hook: true, asks: record.NoQueue, set: portMap(policy.Options{})},
		{name: "xps-uid", hook: true, asks: wanted, set: uidMap(uncounted)},
		{name: "xps-uid+stats", hook: true, asks: wanted, set: uidMap(policy.Options{})},
		{name: "cpus-map", asks: wanted, set: xpsCPUs},
		{name: "rxqs-map", asks: record.NoQueue, set: xpsRXQs},
		{name: "clsact", above: true, asks: wanted, set: onClsact},
		{name: "clsact+cpus-map", above: true, asks: wanted, set: both(xpsCPUsOther, onClsact)},
		{name: "tcx", above: true, asks: wanted, set: onTCX},
		{name: "tcx+cpus-map", above: true, asks: wanted, set: both(xpsCPUsOther, onTCX)},
		{name: "skbedit", above: true, asks: wanted, set: onSkbedit},
		{name: "skbedit+cpus-map", above: true, asks: wanted, set: both(xpsCPUsOther, onSkbedit)},
		{name: alternative.Kfunc, alternative: alternative.Kfunc, above: true, asks: wanted, set: byAlternative(alternative.Kfunc)},
		{name: alternative.StructOps, alternative: alternative.StructOps, asks: wanted, set: byAlternative(alternative.StructOps)},
		{name: "xps-const+cpus-map", hook: true, asks: wanted, set: both(xpsCPUsOther, constant(wanted))},
		{name: "tap-none", onTap: true, asks: record.NoQueue, set: nothing},
		{name: "tap-xps-elsewhere", onTap: true, hook: true, asks: record.NoQueue, set: elsewhere},
		{name: "tap-steering", onTap: true, asks: wanted, set: steering},
		{name: "tap-xps-const", onTap: true, hook: true, asks: wanted, set: constant(wanted)},
	}
}

// uncounted loads a policy without counters.
var uncounted = policy.Options{NoStats: true}

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

// elsewhere attaches a program to another device: the static key is on.
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
	return s.client.Attach(context.Background(), s.device.index, prog, nil)
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

// flowHash spreads flows over all queues by the table of the policy.
func flowHash(opt policy.Options) func(*setting) error {
	return func(s *setting) error {
		var queues []int
		for q := range s.device.queues {
			queues = append(queues, q)
		}
		plan, err := policy.Plan(queues, s.device.queues, s.device.queues, 0)
		if err != nil {
			return err
		}
		p, err := policy.LoadFlowHash(&policy.FlowHash{Options: opt, Plan: plan, Seed: new(uint32)})
		return s.attachPolicy(p, err)
	}
}

// attachPolicy attaches a policy, which the device keeps.
func (s *setting) attachPolicy(p *policy.Policy, err error) error {
	if err != nil {
		return err
	}
	defer p.Close()
	return s.client.Attach(context.Background(), s.device.index, p.Program, nil)
}

// The policies with a map find an entry: for the only CPU, for packets without a mark, for
// the destination port of the UDP packets, and for the user.

func cpuMap(opt policy.Options) func(*setting) error {
	return func(s *setting) error {
		p, err := policy.LoadCPU(policy.Queues[uint32]{0: wanted}, opt)
		return s.attachPolicy(p, err)
	}
}

func markMap(opt policy.Options) func(*setting) error {
	return func(s *setting) error {
		p, err := policy.LoadMark(&policy.Mark{Options: opt, Queues: policy.Queues[uint32]{0: wanted}})
		return s.attachPolicy(p, err)
	}
}

func portMap(opt policy.Options) func(*setting) error {
	return func(s *setting) error {
		const discard = 9
		p, err := policy.LoadPort(policy.Queues[policy.Port]{
			{Protocol: unix.IPPROTO_UDP, Port: discard, Side: policy.Destination}: wanted,
		}, opt)
		return s.attachPolicy(p, err)
	}
}

func uidMap(opt policy.Options) func(*setting) error {
	return func(s *setting) error {
		// The loop in the kernel sends packets without a socket. Their user is nobody.
		const nobody = 65534
		p, err := policy.LoadUID(policy.Queues[uint32]{0: wanted, nobody: wanted}, opt)
		return s.attachPolicy(p, err)
	}
}

// xpsCPUs maps the only CPU to the queue wanted.
func xpsCPUs(s *setting) error { return s.device.setMasks("xps_cpus", only(wanted)) }

// xpsCPUsOther maps the only CPU to another queue, which a contender must
// override.
func xpsCPUsOther(s *setting) error { return s.device.setMasks("xps_cpus", only(wanted+2)) }

// xpsRXQs maps receive queues. Only the TCP sockets have a receive queue. For all other
// packets, the lookup finds nothing.
func xpsRXQs(s *setting) error { return s.device.setMasks("xps_rxqs", only(wanted)) }

func only(queue int) func(int) uint64 {
	return func(q int) uint64 {
		if q == queue {
			return 1
		}
		return 0
	}
}

// hintProgram sets skb->queue_mapping to the queue plus one. skb_tx_hash() reads that as
// the receive queue, counted from one, and selects the transmit queue of the same number.
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

// byAlternative attaches a program that returns a constant, by an alternative to the hook.
func byAlternative(key string) func(*setting) error {
	return func(s *setting) error {
		prog, err := alternative.Load(key, constantProgram(wanted).Instructions)
		if err != nil {
			return err
		}
		defer prog.Close()
		attached, err := alternative.Attach(key, s.device.index, prog)
		if err != nil {
			return err
		}
		s.later(attached.Close)
		return nil
	}
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
