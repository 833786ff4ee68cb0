// SPDX-License-Identifier: GPL-2.0-only OR MIT

package boot

import (
	"fmt"
	"path/filepath"
	"strings"

	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/vm"
)

// Machine describes the guest's machine. The zero value is two CPUs, as much
// memory as the kernel needs and the best accelerator that works.
type Machine struct {
	// Accel is "kvm", "tcg" or "auto". "auto" or empty means KVM if a guest
	// boots under it, else TCG.
	Accel string
	// KVMDevice is the device of KVM; empty means /dev/kvm.
	KVMDevice string
	// CPUs defaults to 2, MemoryMiB to 512, or 3072 for a debug
	// kernel.
	CPUs, MemoryMiB int
	// InstructionClock makes the guest's clock count instructions. Needs one
	// CPU and TCG.
	InstructionClock bool
	// Append is added to the kernel's command line.
	Append string
	// Disks are image files. UserNet gives the guest access to the host's
	// network.
	Disks   []string
	UserNet bool
	// GDB stops the guest before its first instruction until a debugger
	// attaches.
	GDB bool
}

// More CPUs than the kernel supports, or too little memory to unpack the image,
// would fail with an unclear message.
const (
	MaxCPUs      = 8
	MinMemoryMiB = 128
)

// Validate rejects values that no guest can have.
func (m *Machine) Validate() error {
	switch m.Accel {
	case "", string(vm.Auto), string(vm.KVM), string(vm.TCG):
	default:
		return fmt.Errorf("accelerator %q is not kvm, tcg or auto", m.Accel)
	}
	if m.CPUs < 0 || m.CPUs > MaxCPUs {
		return fmt.Errorf("%d CPUs: must be 1 to %d", m.CPUs, MaxCPUs)
	}
	if m.MemoryMiB != 0 && m.MemoryMiB < MinMemoryMiB {
		return fmt.Errorf("%d MiB of memory: must be %d or more", m.MemoryMiB, MinMemoryMiB)
	}
	return nil
}

// MemoryMiB is the default memory of a guest whose kernel has no checkers.
const MemoryMiB = 512

// Fit returns m with as much memory as the kernel needs, unless m sets the
// memory.
func (m *Machine) Fit(k prepare.Checkers) *Machine {
	c := *m
	if c.MemoryMiB == 0 {
		c.MemoryMiB = max(MemoryMiB, k.MemoryMiB)
	}
	return &c
}

// Describe fills in the fields that all guests of a source share.
func (m *Machine) Describe(s *prepare.Source, a *prepare.Artifacts, image string) *vm.Machine {
	checkers := s.Checkers()
	m = m.Fit(checkers)
	return &vm.Machine{
		Kernel:     a.Kernel.Image,
		Vmlinux:    a.Kernel.Vmlinux,
		Arch:       a.Arch,
		Initrds:    []string{image},
		Accel:      vm.Accel(m.Accel),
		KVMDevice:  m.KVMDevice,
		AccelCache: filepath.Join(s.Cache, "accel"),
		CPUs:       m.CPUs,
		MemoryMiB:  m.MemoryMiB,
		Debugger:   m.GDB,
		Slowdown:   checkers.Slowdown,

		InstructionClock: m.InstructionClock,
		Cmdline:          strings.Fields(m.Append),
		Disks:            m.Disks,
		UserNet:          m.UserNet,
	}
}
