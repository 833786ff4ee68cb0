// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"encoding/binary"
	"errors"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"xpsgen/uapi"
	"xpsgen/vmtest/guest/suite/check"
)

// load loads a program of instructions until the end of the test.
func load(t *check.T, typ ebpf.ProgramType, insns asm.Instructions) *ebpf.Program {
	return loadFor(t, typ, ebpf.AttachNone, insns)
}

// loadFor is load with an expected attach type.
func loadFor(t *check.T, typ ebpf.ProgramType, at ebpf.AttachType, insns asm.Instructions) *ebpf.Program {
	prog, err := ebpf.NewProgramWithOptions(&ebpf.ProgramSpec{
		Name:         "suite",
		Type:         typ,
		AttachType:   at,
		Instructions: insns,
		License:      "GPL",
	}, ebpf.ProgramOptions{LogDisabled: true})
	t.Must(err, "load program")
	t.Cleanup(func() { prog.Close() })
	return prog
}

// returns are the instructions of a program that returns ret.
func returns(ret int32) asm.Instructions {
	return asm.Instructions{asm.Mov.Imm32(asm.R0, ret), asm.Return()}
}

// selecting loads a program that selects queues.
func selecting(t *check.T, insns asm.Instructions) *ebpf.Program {
	if l := loaderOf(t); l != nil {
		return l.load(t, insns)
	}
	return load(t, ebpf.SocketFilter, insns)
}

// constant loads a program that returns ret for every packet.
func constant(t *check.T, ret int32) *ebpf.Program {
	return selecting(t, returns(ret))
}

// linkable is constant for a BPF link, which requires the attach type.
func linkable(t *check.T, ret int32) *ebpf.Program {
	return loadFor(t, ebpf.SocketFilter, ebpf.AttachType(uapi.BPF_XPS), returns(ret))
}

// counter is a program that counts its runs and returns a settable value.
type counter struct {
	prog  *ebpf.Program
	state *ebpf.Map
}

// The value of the counter's map: the number of runs, then the return value.
const (
	counterRuns   = 0
	counterReturn = 8
	counterSize   = 16
)

// counting loads a counter that returns ret until set changes it.
func counting(t *check.T, ret int32) *counter {
	state, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: counterSize, MaxEntries: 1})
	t.Must(err, "create map")
	t.Cleanup(func() { state.Close() })
	c := &counter{state: state}
	c.set(t, ret)
	c.prog = selecting(t, asm.Instructions{
		asm.LoadMapPtr(asm.R1, state.FD()),
		asm.StoreImm(asm.RFP, -4, 0, asm.Word),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -4),
		asm.FnMapLookupElem.Call(),
		asm.JNE.Imm(asm.R0, 0, "found"),
		asm.Mov.Imm32(asm.R0, -1),
		asm.Return(),
		asm.Mov.Imm(asm.R1, 1).WithSymbol("found"),
		asm.StoreXAdd(asm.R0, asm.R1, asm.DWord),
		asm.LoadMem(asm.R0, asm.R0, counterReturn, asm.Word),
		asm.Return(),
	})
	return c
}

// set changes the program's return value and restarts the count.
func (c *counter) set(t *check.T, ret int32) {
	value := make([]byte, counterSize)
	binary.NativeEndian.PutUint32(value[counterReturn:], uint32(ret))
	t.Must(c.state.Put(uint32(0), value), "write map")
}

// runs returns the number of runs since set.
func (c *counter) runs(t *check.T) int {
	value, err := c.state.LookupBytes(uint32(0))
	t.Must(err, "read map")
	return int(binary.NativeEndian.Uint64(value[counterRuns:]))
}

// idOf returns the id of a loaded program.
func idOf(t *check.T, prog *ebpf.Program) ebpf.ProgramID {
	info, err := prog.Info()
	t.Must(err, "program info")
	id, ok := info.ID()
	if !ok {
		t.Fatalf("kernel gave the program no id")
	}
	return id
}

// alive reports whether the kernel still has a program of this id.
func alive(t *check.T, id ebpf.ProgramID) bool {
	prog, err := ebpf.NewProgramFromID(id)
	if errors.Is(err, os.ErrNotExist) {
		return false
	}
	t.Must(err, "open program by id")
	prog.Close()
	return true
}

// expectGone fails the test unless the kernel frees the program soon. It does so after
// an RCU grace period.
func expectGone(t *check.T, id ebpf.ProgramID, after string) {
	if !t.Poll(2*time.Second, func() bool { return !alive(t, id) }) {
		t.Errorf("program %d after %s\n  expected: gone\n  seen:     still there: something holds a reference", id, after)
	}
}

// expectAlive fails the test if the kernel has freed the program.
func expectAlive(t *check.T, id ebpf.ProgramID, after string) {
	if !alive(t, id) {
		t.Errorf("program %d after %s\n  expected: still there\n  seen:     gone", id, after)
	}
}
