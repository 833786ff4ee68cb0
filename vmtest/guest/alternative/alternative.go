// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package alternative loads and attaches programs that select a transmit queue on kernels
// with an alternative to the hook. An alternative has the key of its series.
//
// A program returns what a program for the hook returns: a queue, modulo the queues in
// use, or a negative value for no preference.
package alternative

import (
	"errors"
	"fmt"
	"io"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
)

// Keys of the series.
const (
	// Kfunc lets a tcx program bind the queue by a kfunc.
	Kfunc = "tcx-kfunc"
	// StructOps has a struct_ops for each device. The program gets the arguments of
	// the function instead of a struct __sk_buff.
	StructOps = "struct-ops"
)

// ErrUnknown: the key is neither Kfunc nor StructOps.
var ErrUnknown = errors.New("no such alternative")

// Load loads the instructions of a socket filter as the program of an alternative. The
// kernel must have BTF.
func Load(key string, insns asm.Instructions) (*ebpf.Program, error) {
	spec, err := programSpec(key, insns, btf.LoadKernelSpec)
	if err != nil {
		return nil, err
	}
	prog, err := ebpf.NewProgram(spec)
	if err != nil {
		return nil, fmt.Errorf("load program of %s: %w", key, err)
	}
	return prog, nil
}

// programSpec returns the program that [Load] loads. It calls kernel for the kernel's BTF.
func programSpec(key string, insns asm.Instructions, kernel func() (*btf.Spec, error)) (*ebpf.ProgramSpec, error) {
	spec := &ebpf.ProgramSpec{Name: "alternative", License: "GPL"}
	switch key {
	case Kfunc:
		types, err := kernel()
		if err != nil {
			return nil, fmt.Errorf("load the BTF of the kernel: %w", err)
		}
		main, err := binding(types)
		if err != nil {
			return nil, err
		}
		choose := append(asm.Instructions{}, insns...)
		choose[0] = choose[0].WithSymbol(chooseName)
		spec.Type, spec.AttachType = ebpf.SchedCLS, ebpf.AttachTCXEgress
		spec.Instructions = append(main, choose...)
	case StructOps:
		spec.Type, spec.AttachTo, spec.Instructions = ebpf.StructOps, opsName+":"+opsMember, insns
	default:
		return nil, fmt.Errorf("load program: %w %q", ErrUnknown, key)
	}
	return spec, nil
}

// Attach attaches a program that Load returned to a device of the calling thread's network
// namespace. Closing what it returns detaches the program.
func Attach(key string, ifindex int, prog *ebpf.Program) (io.Closer, error) {
	switch key {
	case Kfunc:
		l, err := link.AttachTCX(link.TCXOptions{Interface: ifindex, Program: prog, Attach: ebpf.AttachTCXEgress})
		if err != nil {
			return nil, fmt.Errorf("attach to tcx: %w", err)
		}
		return l, nil
	case StructOps:
		return attachOps(ifindex, prog)
	}
	return nil, fmt.Errorf("attach program: %w %q", ErrUnknown, key)
}

const (
	chooseName = "choose"
	kfuncName  = "bpf_skb_set_txqueue"
)

// binding returns the main function of the program. It calls the function that selects the
// queue, and the kfunc with the result unless that is negative.
func binding(spec *btf.Spec) (asm.Instructions, error) {
	var kfunc *btf.Func
	if err := spec.TypeByName(kfuncName, &kfunc); err != nil {
		return nil, fmt.Errorf("find kfunc %s in BTF: %w", kfuncName, err)
	}
	id, err := spec.TypeID(kfunc)
	if err != nil {
		return nil, fmt.Errorf("find kfunc %s in BTF: %w", kfuncName, err)
	}
	const next = -1
	return asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.Call.Label(chooseName),
		asm.JSLT.Imm32(asm.R0, 0, "next"),
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Reg32(asm.R2, asm.R0),
		{
			OpCode: asm.OpCode(asm.JumpClass).SetJumpOp(asm.Call), Src: asm.PseudoKfuncCall,
			Constant: int64(id),
		},
		asm.Mov.Imm(asm.R0, next).WithSymbol("next"),
		asm.Return(),
	}, nil
}
