// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// An unpacked program runs with the loader and the libraries that came with it.
func TestWrapper(t *testing.T) {
	dir := t.TempDir()
	lib := filepath.Join(dir, "usr/lib/x86_64-linux-gnu")
	if err := os.MkdirAll(lib, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(lib, "ld-linux-x86-64.so.2"), []byte("#!/bin/sh\necho \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	path, err := Wrapper(dir, "usr/bin/pahole")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), path, "--version", "a b").Output()
	want := "--library-path " + lib + ":" + dir + "/usr/lib " + dir + "/usr/bin/pahole --version a b"
	if got := strings.TrimSpace(string(out)); err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if _, err := Wrapper(t.TempDir(), "usr/bin/pahole"); err == nil {
		t.Error("a directory without a loader has a wrapper")
	}
}
