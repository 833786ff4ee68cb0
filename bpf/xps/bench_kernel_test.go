// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps_test

import (
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	ebpflink "github.com/cilium/ebpf/link"

	"xpsgen/uapi"
)

// These attach and detach a program by a link. The first program of all devices turns
// the static key on, and the last one turns it off. Compare that with a key that another
// device keeps on, and with tcx, which turns its keys on and off likewise:
//
//	go test -run '^$' -bench AttachDetach -exec 'xpsgen vm run --' ./bpf/xps

func BenchmarkKernelAttachDetach(b *testing.B) { attachDetach(b, hookLink, false) }

func BenchmarkKernelAttachDetachKeyOn(b *testing.B) { attachDetach(b, hookLink, true) }

func BenchmarkKernelAttachDetachTCX(b *testing.B) { attachDetach(b, tcxLink, false) }

func BenchmarkKernelAttachDetachTCXKeyOn(b *testing.B) { attachDetach(b, tcxLink, true) }

// attachDetach measures a pair of attach and detach. other attaches a program to another
// device before.
func attachDetach(b *testing.B, linker func(testing.TB) func(ifindex int) (ebpflink.Link, error), other bool) {
	requireHook(b, nil)
	devices := mustRtnetlink(b)
	first, err := devices.add("bench0", "dummy")
	if err != nil {
		b.Fatal(err)
	}
	second, err := devices.add("bench1", "dummy")
	if err != nil {
		b.Fatal(err)
	}
	requireLinks(b, first)
	attach := linker(b)
	if other {
		l, err := attach(second)
		if err != nil {
			b.Fatal(err)
		}
		defer l.Close()
	}
	for b.Loop() {
		l, err := attach(first)
		if err != nil {
			b.Fatal(err)
		}
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func hookLink(tb testing.TB) func(ifindex int) (ebpflink.Link, error) {
	const attachType = ebpf.AttachType(uapi.BPF_XPS)
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.SocketFilter, AttachType: attachType, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { prog.Close() })
	return func(ifindex int) (ebpflink.Link, error) {
		return ebpflink.AttachRawLink(ebpflink.RawLinkOptions{Target: ifindex, Program: prog, Attach: attachType})
	}
}

func tcxLink(tb testing.TB) func(ifindex int) (ebpflink.Link, error) {
	prog := mustProgramOf(tb, ebpf.SchedCLS)
	return func(ifindex int) (ebpflink.Link, error) {
		return ebpflink.AttachTCX(ebpflink.TCXOptions{Interface: ifindex, Program: prog, Attach: ebpf.AttachTCXEgress})
	}
}
