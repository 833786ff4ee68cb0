// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"debug/elf"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestParseRegisters reads what QEMU 7.2 answered.
func TestParseRegisters(t *testing.T) {
	b, err := os.ReadFile("testdata/registers.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := []CPUState{{CPU: 0, RIP: 0xffffffff81022928, Halted: true}, {CPU: 1, RIP: 0xffffffff814e6b90}}
	if diff := cmp.Diff(want, parseRegisters(string(b))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := parseRegisters("no registers here\nCPU#0\nnor here"); len(got) != 0 {
		t.Errorf("found %v in nothing", got)
	}
}

func TestLookup(t *testing.T) {
	f := elf.ST_INFO(elf.STB_GLOBAL, elf.STT_FUNC)
	s := symbols{
		{Name: "alpha", Value: 0x1000, Size: 0x20, Info: f},
		{Name: "inner", Value: 0x1010, Info: f},
		{Name: "beta", Value: 0x2000, Size: 0x10, Info: f},
		{Name: "label", Value: 0x100000},
	}
	for addr, want := range map[uint64]string{
		0xfff: "", 0x1000: "alpha", 0x1008: "alpha+0x8", 0x1018: "alpha+0x18", 0x1020: "",
		0x2001: "beta+0x1", 0x100010: "label+0x10", 0x200000: "",
	} {
		if got := s.lookup(addr); got != want {
			t.Errorf("%#x is in %q, want %q", addr, got, want)
		}
	}
}
