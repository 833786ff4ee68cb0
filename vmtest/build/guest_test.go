// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestGuestDirs: all sources of the guest's programs are hashed.
func TestGuestDirs(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./vmtest/guest/init", "./vmtest/guest/bench", "./bpf/cmd/xps")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for pkg := range strings.FieldsSeq(string(out)) {
		path, ours := strings.CutPrefix(pkg, "xpsgen/")
		if !ours {
			continue
		}
		n++
		if !slices.ContainsFunc(guestDirs, func(dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }) {
			t.Errorf("%s is not in guestDirs", pkg)
		}
	}
	if n == 0 {
		t.Error("no package of ours")
	}
}

func TestSourceSum(t *testing.T) {
	dir := t.TempDir()
	sum := func() string {
		s, err := sourceSum(dir, []string{"go.mod", "a"})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	mustWrite(t, dir+"/go.mod", "module x")
	mustWrite(t, dir+"/a/b/c.go", "package c")
	first := sum()
	mustWrite(t, dir+"/a/b/c_test.go", "package c")
	mustWrite(t, dir+"/d/d.go", "package d")
	if sum() != first {
		t.Error("a test or another directory counts")
	}
	mustWrite(t, dir+"/a/b/c.go", "package e")
	if sum() == first {
		t.Error("the contents do not count")
	}
}
