// SPDX-License-Identifier: GPL-2.0-only OR MIT

package config

import "testing"

// TestFull checks that full builds on what base has, and needs no other fragment for a
// disk.
func TestFull(t *testing.T) {
	base, err := Load("base")
	if err != nil {
		t.Fatal(err)
	}
	full, err := Load("full")
	if err != nil {
		t.Fatal(err)
	}
	without, err := Merge([]Fragment{base, full})
	if err != nil {
		t.Fatal(err)
	}
	// A disk needs nothing that full lacks, so --disk needs no other kernel.
	disk, err := Load("disk")
	if err != nil {
		t.Fatal(err)
	}
	with, err := Merge([]Fragment{base, full, disk})
	if err != nil {
		t.Fatal(err)
	}
	if string(Format(with.Symbols)) != string(Format(without.Symbols)) {
		t.Errorf("full with disk is another kernel")
	}
	// Selftests run with what full has built in.
	for _, s := range without.Symbols {
		if s.Value == "m" {
			for _, b := range mustSymbols(t, base) {
				if b.Name == s.Name && b.Value == "y" {
					t.Errorf("%s: base has it built in, full as a module", s.Name)
				}
			}
		}
	}
}

func mustSymbols(t *testing.T, f Fragment) []Symbol {
	t.Helper()
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	return symbols
}
