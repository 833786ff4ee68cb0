// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"xpsgen/vmtest/guest/suite/check"
)

// keyFollowsPrograms checks the static key that skips the hook while no device has a
// program. A static key patches a jump in the code that tests it. The code must change
// when the first program is attached, and change back when the last one is detached.
func (e hookTests) keyFollowsPrograms(t *check.T) {
	code := newKernelCode(t, "netdev_pick_tx", "get_xps_queue")
	one, other := e.dummy(t, "dummy0", 2), e.dummy(t, "dummy1", 2)
	first, second := constant(t, 0), constant(t, 1)
	attach(t, one, first)
	up := code.read(t)
	same := func(what string) {
		check.Equal(t, "code that selects a queue is the same as with one program "+what, true, bytes.Equal(up, code.read(t)))
	}
	attach(t, one, second)
	same("after that was replaced")
	attach(t, other, second)
	same("when a second device has one")
	detach(t, one)
	same("when only the second device has one")
	detach(t, other)
	// The kernel may still be deleting devices of earlier tests.
	t.Eventually(ioPatience, "code that selects a queue changing with the last program", func() bool { return !bytes.Equal(up, code.read(t)) })
	down := code.read(t)
	detach(t, other)
	check.Equal(t, "code that selects a queue after detaching once more is as it was", true, bytes.Equal(down, code.read(t)))
	attach(t, other, first)
	same("with one program again")
	detach(t, other)
	check.Equal(t, "code that selects a queue after that is as it was without", true, bytes.Equal(down, code.read(t)))
}

// kernelCode reads the code of some functions of the kernel.
type kernelCode struct {
	parts []codePart
	state *ebpf.Map
	progs []*ebpf.Program
}

// codePart is the location of the code of a function.
type codePart struct {
	address uint64
	size    int
}

// maxCode exceeds the size of each of the functions.
const maxCode = 16 << 10

// newKernelCode finds the functions with these names, and the variants NAME.SUFFIX that the
// compiler makes. Only the first must exist, since the compiler may have inlined the others
// into it.
func newKernelCode(t *check.T, names ...string) *kernelCode {
	symbols := kernelText(t)
	k := &kernelCode{}
	for i, s := range symbols[:len(symbols)-1] {
		base, _, _ := strings.Cut(s.name, ".")
		if !slices.Contains(names, base) {
			continue
		}
		end := i + 1
		for end < len(symbols)-1 && symbols[end].address == s.address {
			end++
		}
		k.parts = append(k.parts, codePart{s.address, int(min(symbols[end].address-s.address, maxCode))})
	}
	if !slices.ContainsFunc(symbols, func(s kernelSymbol) bool { return s.name == names[0] }) {
		t.Fatalf("functions in /proc/kallsyms\n  expected: %s\n  seen:     none", names[0])
	}
	var err error
	k.state, err = ebpf.NewMap(&ebpf.MapSpec{Name: "suite", Type: ebpf.Array, KeySize: 4, ValueSize: maxCode, MaxEntries: 1})
	t.Must(err, "create map")
	t.Cleanup(func() { k.state.Close() })
	for _, p := range k.parts {
		prog := load(t, ebpf.RawTracepoint, asm.Instructions{
			asm.StoreImm(asm.RFP, -4, 0, asm.Word),
			asm.LoadMapPtr(asm.R1, k.state.FD()),
			asm.Mov.Reg(asm.R2, asm.RFP),
			asm.Add.Imm(asm.R2, -4),
			asm.FnMapLookupElem.Call(),
			asm.JEq.Imm(asm.R0, 0, "exit"),
			asm.Mov.Reg(asm.R1, asm.R0),
			asm.Mov.Imm(asm.R2, int32(p.size)),
			asm.LoadImm(asm.R3, int64(p.address), asm.DWord),
			asm.FnProbeReadKernel.Call(),
			asm.Return().WithSymbol("exit"),
		})
		k.progs = append(k.progs, prog)
	}
	return k
}

// read returns the current code of all the functions.
func (k *kernelCode) read(t *check.T) (code []byte) {
	for i, p := range k.parts {
		ret, err := k.progs[i].Run(&ebpf.RunOptions{})
		t.Must(err, "read code")
		check.Equal(t, "bpf_probe_read_kernel", 0, int32(ret))
		value := make([]byte, maxCode)
		t.Must(k.state.Lookup(uint32(0), &value), "look up")
		code = append(code, value[:p.size]...)
	}
	return code
}

// kernelSymbol is a symbol of the kernel and its address.
type kernelSymbol struct {
	address uint64
	name    string
}

// kernelText lists the functions of the kernel by address.
func kernelText(t *check.T) (symbols []kernelSymbol) {
	f, err := os.Open("/proc/kallsyms")
	t.Must(err, "open symbols")
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 3 || !strings.EqualFold(fields[1], "t") {
			continue
		}
		address, err := strconv.ParseUint(fields[0], 16, 64)
		t.Must(err, "read symbols")
		symbols = append(symbols, kernelSymbol{address, fields[2]})
	}
	if len(symbols) < 2 || symbols[0].address == symbols[len(symbols)-1].address {
		t.Fatalf("functions in /proc/kallsyms\n  expected: some, with addresses\n  seen:     %d, %s", len(symbols), fmt.Sprint(symbols[:min(len(symbols), 1)]))
	}
	slices.SortStableFunc(symbols, func(a, b kernelSymbol) int { return cmp.Compare(a.address, b.address) })
	return symbols
}
