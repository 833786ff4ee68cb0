// SPDX-License-Identifier: GPL-2.0-only OR MIT

package bpf_test

import (
	"errors"
	"os"
	"testing"

	"github.com/cilium/ebpf"

	"xpsgen/bpf"
)

// mustLoad loads the named object with these constants. It skips the test where
// loading is not permitted.
func mustLoad(tb testing.TB, name string, constants map[string]any) *ebpf.Collection {
	tb.Helper()
	spec, err := bpf.Spec(name)
	if err != nil {
		tb.Fatal(err)
	}
	for constant, value := range constants {
		if err := spec.Variables[constant].Set(value); err != nil {
			tb.Fatalf("%s = %v: %v", constant, value, err)
		}
	}
	coll, err := ebpf.NewCollection(spec)
	if errors.Is(err, os.ErrPermission) {
		skipUnlessRequired(tb, "root", "loading BPF programs is not permitted (run as root): "+err.Error())
	}
	if errors.Is(err, ebpf.ErrNotSupported) {
		skipUnlessRequired(tb, "root", "the kernel has no BPF: "+err.Error())
	}
	if err != nil {
		tb.Fatalf("%+v", err)
	}
	tb.Cleanup(coll.Close)
	return coll
}

// skBuff has the first members of struct __sk_buff, the context of a test run.
type skBuff struct {
	Len, PktType, Mark, QueueMapping, Protocol uint32
	VLANPresent, VLANTCI, VLANProto, Priority  uint32
	IngressIfindex, Ifindex, TCIndex           uint32
	CB                                         [5]uint32
	_                                          [27]uint32
}

// run runs the program on an Ethernet frame and returns its return value.
func run(tb testing.TB, coll *ebpf.Collection, name string, frame []byte, ctx *skBuff) int32 {
	tb.Helper()
	return runProgram(tb, coll.Programs[name], frame, ctx)
}

// runProgram runs the program on an Ethernet frame. The kernel takes the first 14 bytes
// as the MAC header, and the rest as the network header.
func runProgram(tb testing.TB, prog *ebpf.Program, frame []byte, ctx *skBuff) int32 {
	tb.Helper()
	opts := &ebpf.RunOptions{Data: frame}
	if ctx != nil {
		opts.Context = ctx
	}
	ret, err := prog.Run(opts)
	if err != nil {
		tb.Fatal(err)
	}
	return int32(ret)
}

func TestReturns(t *testing.T) {
	frame := ipv4(udp, 1, 2, 1000, 53).bytes()
	tests := []struct {
		name      string
		constants map[string]any
		want      int32
	}{
		{name: "hello0", want: 0},
		{name: "hello1", want: 1},
		{name: "hello2", want: 2},
		{name: "hello_neg1", want: -1},
		{name: "test_const", want: 0},
		{name: "test_const", constants: map[string]any{"ret": int32(7)}, want: 7},
		{name: "test_const", constants: map[string]any{"ret": int32(-2147483648)}, want: -2147483648},
		{name: "test_cb", want: -1},
		{name: "test_cb", constants: map[string]any{"ret": int32(3)}, want: 3},
		{name: "test_count", want: -1},
	}
	for _, tt := range tests {
		coll := mustLoad(t, tt.name, tt.constants)
		if got := run(t, coll, tt.name, frame, nil); got != tt.want {
			t.Errorf("%s %v: %d, want %d", tt.name, tt.constants, got, tt.want)
		}
	}
}

func TestCountCounts(t *testing.T) {
	coll := mustLoad(t, "test_count", map[string]any{"ret": int32(1)})
	frame := ipv4(udp, 1, 2, 1000, 53).bytes()
	if got := run(t, coll, "test_count", frame, nil); got != 1 {
		t.Errorf("answer %d, want 1", got)
	}
	if err := coll.Maps["answer"].Put(uint32(0), int32(4)); err != nil {
		t.Fatal(err)
	}
	if got := run(t, coll, "test_count", frame, nil); got != 5 {
		t.Errorf("answer after a change %d, want 5", got)
	}
	if got := sum(t, coll.Maps["runs"], 0); got != 2 {
		t.Errorf("%d runs, want 2", got)
	}
}

func TestCBSeesWhatItIsGiven(t *testing.T) {
	coll := mustLoad(t, "test_cb", nil)
	frame := ipv4(udp, 1, 2, 1000, 53).bytes()
	run(t, coll, "test_cb", frame, nil)
	run(t, coll, "test_cb", frame, &skBuff{CB: [5]uint32{0, 0, 0, 0, 1}})
	for key, want := range []uint64{2, 1} {
		if got := sum(t, coll.Maps["seen"], uint32(key)); got != want {
			t.Errorf("seen[%d] = %d, want %d", key, got, want)
		}
	}
}

// sum adds up the entry of a per-cpu array.
func sum(tb testing.TB, m *ebpf.Map, key uint32) uint64 {
	tb.Helper()
	var perCPU []uint64
	if err := m.Lookup(key, &perCPU); err != nil {
		tb.Fatal(err)
	}
	var n uint64
	for _, v := range perCPU {
		n += v
	}
	return n
}
