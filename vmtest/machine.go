// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vmtest

import (
	"fmt"
	"path/filepath"

	"xpsgen/vmtest/vm"
)

// Machine says what the guest runs on. The zero value is two CPUs, 512 MiB
// and the best accelerator that works.
type Machine struct {
	// Accel is "kvm", "tcg", or "auto" or empty for KVM if a guest reports
	// in under it and TCG otherwise.
	Accel string
	// CPUs and MemoryMiB default to 2 and 512.
	CPUs, MemoryMiB int
	// InstructionClock makes the guest's clock count instructions. Needs one
	// CPU and TCG.
	InstructionClock bool
	// GDB stops the guest before its first instruction until a debugger
	// comes.
	GDB bool
}

// Bounds of a machine: more CPUs than the kernel was built for, or less
// memory than it unpacks into, fail in ways that are hard to read.
const (
	maxCPUs      = 8
	minMemoryMiB = 128
)

// Validate reports what no guest can have.
func (m *Machine) Validate() error {
	switch m.Accel {
	case "", string(vm.Auto), string(vm.KVM), string(vm.TCG):
	default:
		return fmt.Errorf("accelerator %q is not kvm, tcg or auto", m.Accel)
	}
	if m.CPUs < 0 || m.CPUs > maxCPUs {
		return fmt.Errorf("%d CPUs: must be 1 to %d", m.CPUs, maxCPUs)
	}
	if m.MemoryMiB != 0 && m.MemoryMiB < minMemoryMiB {
		return fmt.Errorf("%d MiB of memory: must be %d or more", m.MemoryMiB, minMemoryMiB)
	}
	return nil
}

// describe fills in what all guests of a source have in common.
func (m *Machine) describe(s *Source, a *Artifacts, image string) *vm.Machine {
	return &vm.Machine{
		Kernel:     a.Kernel.BzImage,
		Vmlinux:    a.Kernel.Vmlinux,
		Initrds:    []string{image},
		Accel:      vm.Accel(m.Accel),
		AccelCache: filepath.Join(s.Cache, "accel"),
		CPUs:       m.CPUs,
		MemoryMiB:  m.MemoryMiB,
		Debugger:   m.GDB,

		InstructionClock: m.InstructionClock,
	}
}
