// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package vm boots a kernel under QEMU and reports how the guest ended.
//
// A [Machine] is described, started and waited for like an [os/exec.Cmd]. The guest's
// PID 1 communicates over virtio-serial ports (package wire). The kernel's console goes
// to the caller's writer and is searched for splats. QEMU's exit status is ignored: a
// panic under -no-reboot looks like a clean exit. A run is complete if the guest said
// hello, said that it was done, and all that it sent arrived. Otherwise Wait returns
// one of this package's error types.
//
// The package prints nothing. QEMU is killed when the context ends or this process
// dies.
package vm

import (
	"errors"
	"fmt"
	"io"
	"time"

	"xpsgen/vmtest/arch"
	"xpsgen/vmtest/guest/wire"
)

// Accel is an accelerator: it runs the guest's instructions.
type Accel string

// The accelerators.
const (
	// Auto tries KVM if the device can be opened. It falls back to TCG if the guest
	// stays silent, and does not try KVM again.
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
	// Vmlinux is the same kernel as an ELF file. Its symbols name the place where a
	// vCPU hangs, and serve the debugger. If it has a PVH entry, QEMU boots it instead
	// of Kernel, which saves the decompression. Optional.
	Vmlinux string
	// Initrds are cpio archives. The kernel unpacks them in this order.
	Initrds []string
	// Config is appended to them as another archive.
	Config wire.Config

	// Arch is the architecture; nil means amd64.
	Arch *arch.Arch
	// QEMU is the program; default [DefaultQEMU], or that of Arch.
	QEMU string
	// Type is the machine type; default MicroVM. Architectures other than amd64 have
	// only one machine, [arch.Arch.Board].
	Type Type
	// Accel chooses the accelerator; default Auto.
	Accel Accel
	// KVMDevice is the device of KVM; default [DefaultKVMDevice].
	KVMDevice string
	// AccelCache is the directory of the verdict on KVM, which is valid until this host
	// reboots. Empty means that no verdict is kept.
	AccelCache string
	// CPUs defaults to 2, MemoryMiB to 512.
	CPUs      int
	MemoryMiB int
	// InstructionClock advances the guest's clocks, including the time stamp counter,
	// by one nanosecond per executed instruction. Time in the guest is then independent
	// of the host's load. It needs TCG and one CPU, which become the defaults.
	InstructionClock bool
	// Shares are directories of the host that the guest can mount over 9p by tag. A
	// microvm takes at most [MaxShares].
	Shares []Share
	// Disks are image files, raw or qcow2.
	Disks []string
	// UserNet gives the guest a network device with QEMU's user-mode network.
	UserNet bool
	// Cmdline is added to the kernel's command line.
	Cmdline []string
	// Debugger stops the guest before its first instruction until a debugger connects,
	// see [Running.DebuggerLine]. It disables all timeouts.
	Debugger bool

	// Console receives the kernel's console, up to ConsoleLimit.
	Console io.Writer
	// ConsoleLimit is the size in bytes at which the guest is stopped with a
	// [ConsoleFloodError]; default 2 MiB.
	ConsoleLimit int64
	// Result receives the bytes of the result port.
	Result io.Writer
	// Counts receives the bytes of the counts port, see [wire.Config.Counts].
	Counts io.Writer
	// Stdin, Stdout and Stderr belong to the program of ModeRun. Stdin is read after
	// the guest's hello. More may be read than the program reads, and a Read may still
	// be pending when Wait returns.
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	// TTYIn and TTYOut are the terminal of ModeShell. The caller has put it into raw
	// mode. As with Stdin, a Read may still be pending when Wait returns.
	TTYIn  io.Reader
	TTYOut io.Writer
	// Windows carries sizes of the terminal to the guest. It is neither closed nor
	// drained.
	Windows <-chan wire.Window
	// Signals carries signals to the program in the guest. It is neither closed nor
	// drained.
	Signals <-chan int

	// Timeouts limit the run.
	Timeouts Timeouts
	// Slowdown multiplies these timeouts, except Oops, and those in the guest, for a
	// kernel that is slow because of its configuration; default 1.
	Slowdown float64
	// Notice is called with a text that the user should read once. With an AccelCache
	// it is called once per boot of the host if KVM cannot be used. Each
	// [Result.Fallback] has the reason too. It must not block. May be nil.
	Notice func(text string)
	// OnHello is called when the guest says hello. It must not block. May be nil.
	OnHello func(wire.Hello)
}

// Share is a directory of the host that the guest can mount.
type Share struct {
	// Tag is its mount tag.
	Tag string
	// Dir is the directory.
	Dir string
	// ReadOnly makes QEMU refuse all writes.
	ReadOnly bool
}

// MaxShares is the maximum number of shares of a guest without disk and network. A
// microvm has eight virtio devices, and the ports use one.
const MaxShares = 7

// devices counts the virtio devices other than the ports.
func (m *Machine) devices() int {
	n := len(m.Shares) + len(m.Disks)
	if m.UserNet {
		n++
	}
	return n
}

// Timeouts are for a guest under KVM. Under TCG they are multiplied by [TCGScale]. Time
// in which QEMU waits for a CPU of the host does not count. Zero means the default, a
// negative value none.
type Timeouts struct {
	// Boot limits the time from the start of QEMU to the guest's hello; default 15 s.
	Boot time.Duration
	// Idle limits the time without a byte on any port or the console; default 60 s, and
	// none for ModeRun and ModeShell.
	Idle time.Duration
	// Whole limits the time from the start of QEMU to its end; default 10 min, and none
	// for ModeRun and ModeShell.
	Whole time.Duration
	// Oops limits the time from an oops, or from the report of a stuck CPU or task, to
	// the guest's end. Tasks that wait for a lock of a dead task never continue.
	// Default 15 s, and none for ModeShell. Slowdown does not multiply it, so that a
	// slow kernel's guest ends soon too.
	Oops time.Duration
	// Alive limits the time without a heartbeat in ModeRun and ModeShell. The
	// guest's init sends one every [wire.AliveEvery]. Default 30 s, and none
	// with an InstructionClock or in other modes.
	Alive time.Duration
	// KVM limits the time to the hello of a guest under KVM. After that KVM
	// counts as unusable. Default 5 s, or 10 s if KVM is forced, multiplied by
	// Slowdown. A value that is set is not multiplied.
	KVM time.Duration
	// Exact disables the multiplication of values that are set, but not of
	// defaults.
	Exact bool
	// Drain limits the time from the end that the guest announces to the arrival of all
	// that it sent and the machine's stop; default 10 s.
	Drain time.Duration
}

// TCGScale is the factor of timeouts under TCG.
const TCGScale = 4

// stretch returns the factor of timeouts under accel, including Slowdown.
func (m *Machine) stretch(accel Accel) float64 {
	if m.Slowdown > 0 {
		return Scale(accel) * m.Slowdown
	}
	return Scale(accel)
}

// Scale returns the factor of timeouts under accel.
func Scale(accel Accel) float64 {
	if accel == TCG {
		return TCGScale
	}
	return 1
}

// effective returns the timeouts with defaults and factors applied; 0 means none.
func (m *Machine) effective(accel Accel) Timeouts {
	interactive := m.Config.Mode == wire.ModeRun || m.Config.Mode == wire.ModeShell
	scaled := func(set, def time.Duration, factor float64) time.Duration {
		switch {
		case m.Debugger || set < 0:
			return 0
		case set > 0:
			def = set
		}
		if m.Timeouts.Exact && set > 0 {
			return def
		}
		return time.Duration(float64(def) * factor)
	}
	pick := func(set, def time.Duration) time.Duration { return scaled(set, def, m.stretch(accel)) }
	t := Timeouts{Boot: pick(m.Timeouts.Boot, 15*time.Second), KVM: m.Timeouts.KVM}
	idle, whole, oops := 60*time.Second, 10*time.Minute, 15*time.Second
	alive := time.Duration(0)
	if interactive {
		idle, whole, alive = 0, 0, 30*time.Second
	}
	if m.InstructionClock {
		// A heartbeat would add to the counted instructions.
		alive = 0
	}
	if m.Config.Mode == wire.ModeShell {
		oops = 0
	}
	t.Alive = pick(m.Timeouts.Alive, alive)
	t.Idle, t.Whole = pick(m.Timeouts.Idle, idle), pick(m.Timeouts.Whole, whole)
	t.Oops = scaled(m.Timeouts.Oops, oops, Scale(accel))
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

// check rejects contradictions before anything starts. It returns a copy with the
// defaults filled in.
func (m *Machine) check() (*Machine, error) {
	c := *m
	fill := func(s *string, def string) {
		if *s == "" {
			*s = def
		}
	}
	if c.Arch == nil {
		c.Arch, _ = arch.Find(arch.Amd64) // always known
	}
	if c.Arch.Cross() {
		fill((*string)(&c.Type), c.Arch.Board)
		if c.Accel == "" || c.Accel == Auto {
			c.Accel = TCG
		}
	}
	fill(&c.QEMU, c.Arch.QEMU)
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
	case c.Arch.Cross() && c.Accel == KVM:
		return nil, fmt.Errorf("vm: %w: a guest of %s is emulated on this machine", ErrKVMUnusable, c.Arch.Name)
	case c.Arch.Cross() && string(c.Type) != c.Arch.Board || !c.Arch.Cross() && c.Type != MicroVM && c.Type != Q35:
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
