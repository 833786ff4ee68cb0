// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"

	"xpsgen/bpf"
	"xpsgen/uapi"
	"xpsgen/vmtest/guest/suite/check"
	"xpsgen/vmtest/guest/suite/rtnl"
)

// cbWords is the number of words of __sk_buff.cb, and cbOffset their offset.
const (
	cbWords  = 5
	cbOffset = int16(unsafe.Offsetof(uapi.SkBuff{}.Cb))
)

// cbMark is the value that the egress program writes to a word of cb[].
func cbMark(word int) int32 { return int32(0x5053_0000 | word + 1) }

// cbIsKept runs the XPS program between two other users of cb[]. A program at egress
// writes to it before the queue is selected, and a classifier of the qdisc reads it
// afterwards. The XPS program writes to it as well. It must neither see nor change the
// marks of the others.
func (e hookTests) cbIsKept(t *check.T) {
	const packets = 3
	n := e.dummy(t, "dummy0", 4)
	n.fallBack(t, 0)
	t.Must(dial(t).SetQdisc(rtnl.Qdisc{Ifindex: n.index, Kind: "prio", Handle: 0x10,
		Options: uapi.TcPrioQopt{Bands: 2}}), "qdisc with classes")
	later, seen := cbReader(t)
	t.Must(dial(t).AddClassifier(n.index, 0x10, later.FD()), "classifier")
	before, err := link.AttachTCX(link.TCXOptions{Interface: n.index, Program: cbWriter(t), Attach: ebpf.AttachTCXEgress})
	t.Must(err, "program at egress")
	t.Cleanup(func() { before.Close() })
	p := newProbe(t, n, icmpSender(t, peerAddr))
	var want [cbWords]int32
	for i := range want {
		want[i] = cbMark(i)
	}
	p.queue()
	check.Equal(t, "cb[] that the classifier finds without an XPS program", want, readCB(t, seen))

	prog, counts := loadTestCB(t, 2)
	attach(t, n, prog)
	for range packets {
		p.expect("with a program that uses cb[]", 2)
		check.Equal(t, "cb[] that the classifier finds after the XPS program wrote to it", want, readCB(t, seen))
	}
	check.Equal(t, "runs of the XPS program", packets, perCPU(t, counts, 0))
	check.Equal(t, "runs that did not find cb[] zeroed", 0, perCPU(t, counts, 1))
}

// cbWriter writes marks to cb[] and passes the packet on.
func cbWriter(t *check.T) *ebpf.Program {
	var insns asm.Instructions
	for i := range cbWords {
		insns = append(insns,
			asm.Mov.Imm32(asm.R2, cbMark(i)),
			asm.StoreMem(asm.R1, cbOffset+int16(4*i), asm.R2, asm.Word))
	}
	const next = -1
	return load(t, ebpf.SchedCLS, append(insns, returns(next)...))
}

// cbReader copies cb[] to a map and puts the packet into no class.
func cbReader(t *check.T) (*ebpf.Program, *ebpf.Map) {
	seen, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4 * cbWords, MaxEntries: 1})
	t.Must(err, "create map")
	t.Cleanup(func() { seen.Close() })
	insns := asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.LoadMapPtr(asm.R1, seen.FD()),
		asm.StoreImm(asm.RFP, -4, 0, asm.Word),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -4),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "out"),
	}
	for i := range cbWords {
		insns = append(insns,
			asm.LoadMem(asm.R2, asm.R6, cbOffset+int16(4*i), asm.Word),
			asm.StoreMem(asm.R0, int16(4*i), asm.R2, asm.Word))
	}
	insns = append(insns, asm.Mov.Imm(asm.R0, 0).WithSymbol("out"), asm.Return())
	return load(t, ebpf.SchedCLS, insns), seen
}

// readCB returns the words that cbReader copied last.
func readCB(t *check.T, seen *ebpf.Map) (cb [cbWords]int32) {
	value, err := seen.LookupBytes(uint32(0))
	t.Must(err, "read map")
	for i := range cb {
		cb[i] = int32(binary.NativeEndian.Uint32(value[4*i:]))
	}
	t.Must(seen.Put(uint32(0), make([]byte, 4*cbWords)), "clear map")
	return cb
}

// loadTestCB loads the object test_cb, which counts nonzero words of cb[] and
// overwrites them.
func loadTestCB(t *check.T, ret int32) (*ebpf.Program, *ebpf.Map) {
	spec, err := bpf.Spec("test_cb")
	t.Must(err, "read object")
	t.Must(spec.Variables["ret"].Set(ret), "set return value")
	coll, err := ebpf.NewCollection(spec)
	t.Must(err, "load object")
	t.Cleanup(coll.Close)
	prog, seen := coll.Programs["test_cb"], coll.Maps["seen"]
	if prog == nil || seen == nil {
		t.Fatalf("object test_cb has no program of its name, or no map seen")
	}
	return prog, seen
}

// perCPU sums up a per-CPU counter.
func perCPU(t *check.T, m *ebpf.Map, key uint32) int {
	var counts []uint64
	t.Must(m.Lookup(key, &counts), fmt.Sprintf("read map at %d", key))
	sum := 0
	for _, n := range counts {
		sum += int(n)
	}
	return sum
}
