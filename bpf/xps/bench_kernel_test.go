// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps_test

import (
	"testing"

	"github.com/cilium/ebpf"
	ebpflink "github.com/cilium/ebpf/link"
)

// These attach and detach a program. The first program of all devices turns the static
// key on, and the last one turns it off. Compare that with a key that another device
// keeps on, and with tcx, which turns its key on and off likewise:
//
//	go test -run '^$' -bench AttachDetach -exec 'xpsgen vm run --' ./bpf/xps

func BenchmarkKernelAttachDetach(b *testing.B) { hookBenchmark(b, false) }

func BenchmarkKernelAttachDetachKeyOn(b *testing.B) { hookBenchmark(b, true) }

func BenchmarkKernelAttachDetachTCX(b *testing.B) { tcxBenchmark(b, false) }

func BenchmarkKernelAttachDetachTCXKeyOn(b *testing.B) { tcxBenchmark(b, true) }

// hookBenchmark measures the hook. other attaches a program to another device before.
func hookBenchmark(b *testing.B, other bool) {
	c := requireHook(b, nil)
	prog := mustProgram(b, 0)
	attach := func(ifindex int) {
		if err := c.Attach(b.Context(), ifindex, prog, nil); err != nil {
			b.Fatal(err)
		}
	}
	first, second := mustTwoDevices(b)
	if other {
		attach(second)
	}
	for b.Loop() {
		attach(first)
		if err := c.Detach(b.Context(), first, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// tcxBenchmark measures tcx.
func tcxBenchmark(b *testing.B, other bool) {
	requireHook(b, nil)
	prog := mustProgramOf(b, ebpf.SchedCLS)
	attach := func(ifindex int) ebpflink.Link {
		l, err := ebpflink.AttachTCX(ebpflink.TCXOptions{Interface: ifindex, Program: prog, Attach: ebpf.AttachTCXEgress})
		if err != nil {
			b.Fatal(err)
		}
		return l
	}
	first, second := mustTwoDevices(b)
	if other {
		defer attach(second).Close()
	}
	for b.Loop() {
		if err := attach(first).Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func mustTwoDevices(tb testing.TB) (first, second int) {
	tb.Helper()
	c := mustRtnetlink(tb)
	first, err := c.add("bench0", "dummy")
	if err != nil {
		tb.Fatal(err)
	}
	if second, err = c.add("bench1", "dummy"); err != nil {
		tb.Fatal(err)
	}
	return first, second
}
