// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/boot"
	"xpsgen/vmtest/prepare"
)

// The command works in any directory, and vm run accepts it.
func TestVMRun(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	o := &sourceOptions{kernel: "linux", with: []string{"tcx-kfunc"}}
	src := &prepare.Source{Root: "/r", Cache: "/c", Base: "6.12", Fragments: []string{"full", "mine.config"}, Unpatched: true}
	got, err := o.vmRun(src, &boot.Machine{MemoryMiB: 2048, CPUs: 1, Accel: "tcg"})
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Fields("-q --root /r --cache /c vm run --base 6.12 --memory 2048 --config full --config " + filepath.Join(dir, "mine.config") +
		" --cpus 1 --accel tcg --kernel " + filepath.Join(dir, "linux") + " --with tcx-kfunc --unpatched --")
	if diff := cmp.Diff(want, got[1:]); diff != "" {
		t.Error(diff)
	}
	if known, err := checkCommand(strings.Join(append(append([]string{"xpsgen"}, want...), "true"), " ")); err != nil || !known {
		t.Errorf("vm run does not accept it: %t, %v", known, err)
	}
}
