// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package vm boots a kernel under QEMU and finds out how that went.
//
// A [Machine] is described, started and waited for like an [os/exec.Cmd]. The
// guest's PID 1 speaks over virtio-serial ports (package wire); the kernel's
// console goes to a writer of the caller's and is searched for splats on the
// way. QEMU's exit status proves nothing and is never asked: a panic under
// -no-reboot looks like a clean end. What counts is that the guest said hello,
// said that it was done, and that everything it sent arrived; else Wait
// returns one of this package's error types, each of which names what
// happened.
//
// Nothing here prints, and nothing outlives the Machine: the context's end
// kills QEMU, and so does the death of this process.
package vm

import (
	"errors"
	"fmt"
	"io"
	"time"

	"xpsgen/vmtest/guest/wire"
)

// Accel is what runs the guest's instructions.
type Accel string

// The accelerators.
const (
	// Auto tries KVM if it looks usable, and falls back to TCG for good if
	// the guest stays silent.
	Auto Accel = "auto"
	KVM  Accel = "kvm"
	TCG  Accel = "tcg"
)

// Type is QEMU's machine type.
type Type string

// The machine types.
const (
	// MicroVM has virtio-mmio and little else, and boots fastest.
	MicroVM Type = "microvm"
	// Q35 is a PC.
	Q35 Type = "q35"
)

// DefaultQEMU is the program that runs a guest.
const DefaultQEMU = "qemu-system-x86_64"

// Machine describes a guest. Kernel, one of Initrds and Config.Mode are
// required; the zero value of everything else is the default.
type Machine struct {
	// Kernel is the kernel to boot.
	Kernel string
	// Vmlinux is the same kernel as it was linked. It has the symbols, to name
	// the place where a vCPU hangs and for the debugger; and if it has a PVH
	// entry it is booted in Kernel's place, which saves the decompression.
	// Optional.
	Vmlinux string
	// Initrds are cpio archives, unpacked one over the other in this order.
	Initrds []string
	// Config goes behind them as one more archive.
	Config wire.Config

	// QEMU is the program; default [DefaultQEMU].
	QEMU string
	// Type is the machine type; default MicroVM.
	Type Type
	// Accel chooses the accelerator; default Auto.
	Accel Accel
	// KVMDevice is the device of KVM; default [DefaultKVMDevice].
	KVMDevice string
	// AccelCache is a directory in which the verdict on KVM is remembered,
	// for this host until it boots again. Empty means not remembered.
	AccelCache string
	// CPUs defaults to 2, MemoryMiB to 512.
	CPUs      int
	MemoryMiB int
	// InstructionClock makes the guest's clocks, the time stamp counter too,
	// advance by one nanosecond per instruction executed: time in the guest
	// is then a count that the host's load does not change. Needs TCG and one
	// CPU, which are the defaults with it.
	InstructionClock bool
	// Shares are directories of the host that the guest can mount over 9p, by
	// their tags. A microvm has room for [MaxShares].
	Shares []Share
	// Disks are the files of disks, raw or qcow2.
	Disks []string
	// UserNet gives the guest a network device whose packets QEMU turns into
	// connections of its own.
	UserNet bool
	// Cmdline is added to the kernel's command line.
	Cmdline []string
	// Debugger stops the guest before its first instruction until a debugger
	// comes: see [Running.DebuggerLine]. It turns all timeouts off.
	Debugger bool

	// Console receives the kernel's console as it comes, up to ConsoleLimit.
	Console io.Writer
	// ConsoleLimit is how much the console may say before the guest is
	// stopped with a [ConsoleFloodError]; default 2 MiB.
	ConsoleLimit int64
	// Result receives the bytes of the result port.
	Result io.Writer
	// Stdin, Stdout and Stderr are those of the program of ModeRun. Stdin is
	// read from the guest's hello on, possibly further than the program
	// does, and a Read may still be pending when Wait returns.
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	// TTYIn and TTYOut are the terminal of ModeShell, which the caller has
	// put into raw mode. As for Stdin, a Read may be left pending.
	TTYIn  io.Reader
	TTYOut io.Writer
	// Windows carries sizes of the terminal to the guest. Not closed, nor
	// waited for.
	Windows <-chan wire.Window
	// Signals carries signals to the program in the guest, likewise.
	Signals <-chan int

	// Timeouts bound the run.
	Timeouts Timeouts
	// Slowdown stretches all of them, and the guest's own, for a kernel that
	// is slow by what it was built with; default 1.
	Slowdown float64
	// Notice is called with what a person should read once. That KVM cannot be
	// used is said once per boot of the host, if there is an AccelCache, and in
	// each [Result.Fallback]. It must not block. May be nil.
	Notice func(text string)
	// OnHello is called when the guest reports in. Likewise.
	OnHello func(wire.Hello)
}

// Share is a directory of the host that the guest can mount.
type Share struct {
	// Tag is its mount tag.
	Tag string
	// Dir is the directory.
	Dir string
	// ReadOnly keeps QEMU from writing to it, whatever the guest does.
	ReadOnly bool
}

// MaxShares is how many shares a guest can have that has no disk and no network: a
// microvm has eight virtio devices, and the ports are one.
const MaxShares = 7

// devices counts the virtio devices besides the ports.
func (m *Machine) devices() int {
	n := len(m.Shares) + len(m.Disks)
	if m.UserNet {
		n++
	}
	return n
}

// Timeouts are for a guest on hardware; under TCG all are stretched by
// [TCGScale]. The time in which QEMU waits for a CPU of the host does not count.
// Zero means the default, negative none.
type Timeouts struct {
	// Boot is from the start of QEMU to the guest's hello; default 15 s.
	Boot time.Duration
	// Idle is how long neither a port nor the console may be silent; default
	// 60 s, and none for ModeRun and ModeShell.
	Idle time.Duration
	// Whole is from the start of QEMU to its end; default 10 min, and none
	// for ModeRun and ModeShell.
	Whole time.Duration
	// Oops is what a guest gets to end in once its kernel has oopsed, or has said
	// that a CPU or a task is stuck: whoever wants a lock of theirs waits for
	// ever; default 15 s, and none for ModeShell. A Slowdown does not stretch it:
	// nothing that still runs then needs the time.
	Oops time.Duration
	// Alive is how long the guest of ModeRun or ModeShell may show no sign of
	// life. Its init does every [wire.AliveEvery]; default 30 s, and none with an
	// InstructionClock.
	Alive time.Duration
	// KVM is how long a guest under KVM may take to say hello before KVM is
	// taken for unusable; default 5 s, 10 s if KVM is forced. Not stretched.
	KVM time.Duration
	// Exact keeps all of these from being stretched.
	Exact bool
	// Drain is how long, after the guest said that it was done, what it sent
	// may still be on the way and its machine may take to go off; default
	// 10 s.
	Drain time.Duration
}

// TCGScale is by how much timeouts are longer without hardware support.
const TCGScale = 4

// stretch returns by how much timeouts are longer under accel.
func (m *Machine) stretch(accel Accel) float64 {
	if m.Slowdown > 0 {
		return Scale(accel) * m.Slowdown
	}
	return Scale(accel)
}

// Scale returns by how much accel stretches timeouts.
func Scale(accel Accel) float64 {
	if accel == TCG {
		return TCGScale
	}
	return 1
}

// effective returns the timeouts with defaults and scale applied; 0 is none.
func (m *Machine) effective(accel Accel) Timeouts {
	interactive := m.Config.Mode == wire.ModeRun || m.Config.Mode == wire.ModeShell
	pick := func(set, def time.Duration) time.Duration {
		switch {
		case m.Debugger || set < 0:
			return 0
		case set > 0:
			def = set
		}
		if m.Timeouts.Exact && set > 0 {
			return def
		}
		return time.Duration(float64(def) * m.stretch(accel))
	}
	t := Timeouts{Boot: pick(m.Timeouts.Boot, 15*time.Second), KVM: m.Timeouts.KVM}
	idle, whole, oops := 60*time.Second, 10*time.Minute, 15*time.Second
	alive := time.Duration(0)
	if interactive {
		idle, whole, alive = 0, 0, 30*time.Second
	}
	if m.InstructionClock {
		// What the guest executes is counted, its heartbeat too.
		alive = 0
	}
	if m.Config.Mode == wire.ModeShell {
		oops = 0
	}
	t.Alive = pick(m.Timeouts.Alive, alive)
	t.Idle, t.Whole = pick(m.Timeouts.Idle, idle), pick(m.Timeouts.Whole, whole)
	t.Oops = pick(m.Timeouts.Oops, oops)
	if m.Slowdown > 1 && !m.Timeouts.Exact {
		t.Oops = time.Duration(float64(t.Oops) / m.Slowdown)
	}
	t.Drain = pick(m.Timeouts.Drain, 10*time.Second)
	if t.KVM == 0 {
		t.KVM = 5 * time.Second
		if m.Accel == KVM {
			t.KVM = 10 * time.Second
		}
		if m.Slowdown > 1 {
			t.KVM = time.Duration(float64(t.KVM) * m.Slowdown)
		}
	}
	return t
}

// check finds contradictions before anything is started, and returns a copy
// with the defaults filled in.
func (m *Machine) check() (*Machine, error) {
	c := *m
	fill := func(s *string, def string) {
		if *s == "" {
			*s = def
		}
	}
	fill(&c.QEMU, DefaultQEMU)
	fill(&c.KVMDevice, DefaultKVMDevice)
	fill((*string)(&c.Type), string(MicroVM))
	fill((*string)(&c.Accel), string(Auto))
	if c.InstructionClock && c.Accel == Auto {
		c.Accel = TCG
	}
	if c.CPUs == 0 {
		c.CPUs = 2
		if c.InstructionClock {
			c.CPUs = 1
		}
	}
	if c.MemoryMiB == 0 {
		c.MemoryMiB = 512
	}
	if c.ConsoleLimit == 0 {
		c.ConsoleLimit = 2 << 20
	}
	switch {
	case c.Kernel == "":
		return nil, errors.New("vm: no kernel given")
	case len(c.Initrds) == 0:
		return nil, errors.New("vm: no initrd given")
	case c.Config.Mode == "":
		return nil, errors.New("vm: no mode given")
	case c.Type != MicroVM && c.Type != Q35:
		return nil, fmt.Errorf("vm: unknown machine type %q", c.Type)
	case c.Accel != Auto && c.Accel != KVM && c.Accel != TCG:
		return nil, fmt.Errorf("vm: unknown accelerator %q: want auto, kvm or tcg", c.Accel)
	case c.CPUs < 0 || c.MemoryMiB < 0:
		return nil, fmt.Errorf("vm: %d cpus and %d MiB make no machine", c.CPUs, c.MemoryMiB)
	case c.InstructionClock && (c.Accel != TCG || c.CPUs != 1):
		return nil, fmt.Errorf("vm: counting instructions needs tcg and one cpu, not %s and %d", c.Accel, c.CPUs)
	case c.devices() > MaxShares:
		return nil, fmt.Errorf("vm: %d shared directories, disks and networks: a guest has at most %d", c.devices(), MaxShares)
	case c.Config.Mode == wire.ModeRun && len(c.Config.Args) == 0:
		return nil, errors.New("vm: no program given to run")
	}
	if canBootDirectly(c.Vmlinux) {
		c.Kernel = c.Vmlinux
	}
	return &c, nil
}
