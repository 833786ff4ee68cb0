// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"xpsgen/vmtest/ipobjects/objecttest"
)

// Seeds are the objects with two more bytes. The first selects a section or a
// program, each of them in turn, and lets no call of bpf(2) fail.
func TestRun(t *testing.T) {
	objecttest.Toolchain(t)
	plain, seeds := filepath.Join(t.TempDir(), "a", "b"), filepath.Join(t.TempDir(), "c")
	if err := run(t.Context(), plain, false); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), seeds, true); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(plain)
	if err != nil || len(entries) < 70 {
		t.Fatalf("%d objects, %v", len(entries), err)
	}
	for i, e := range entries {
		object, err := os.ReadFile(filepath.Join(plain, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		seed, err := os.ReadFile(filepath.Join(seeds, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if want := append(object, []byte{0, 1, 2, 10, 11}[i%5], 0); !bytes.Equal(seed, want) {
			t.Errorf("%s: the seed is not the object and %q", e.Name(), want[len(want)-2:])
		}
	}
	// A directory that is a file, and one that cannot be written to.
	if err := run(t.Context(), filepath.Join(plain, entries[0].Name()), false); err == nil {
		t.Error("a file instead of a directory: no error")
	}
	t.Setenv("TMPDIR", "/nosuch")
	if err := run(t.Context(), t.TempDir(), false); err == nil {
		t.Error("no temporary directory: no error")
	}
}
