// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// git am takes the patch, and the same edits make the same bytes.
func TestWritePatch(t *testing.T) {
	dir := t.TempDir()
	edits := []Edit{{File: "net/Makefile", Before: "obj-y += a.o\n", After: "obj-y += a.o\nobj-y += b.o\n"}, {File: "net/b.c", After: "int b;\n"}}
	var first []byte
	for _, name := range []string{"one.patch", "two.patch"} {
		path := filepath.Join(dir, name)
		if err := WritePatch(t.Context(), path, "add b", edits); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if first != nil && string(data) != string(first) {
			t.Errorf("the second patch differs:\n%s", data)
		}
		first = data
	}
	repo := filepath.Join(dir, "repo")
	if err := os.MkdirAll(filepath.Join(repo, "net"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(repo, "net/Makefile"), []byte(edits[0].Before), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"init", "-q"}, {"add", "."}, {"-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "base"},
		{"-c", "user.name=a", "-c", "user.email=a@b", "am", "-q", filepath.Join(dir, "one.patch")},
	} {
		cmd := exec.Command("git", args...)
		cmd.Dir = repo
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v: %s", args, err, out)
		}
	}
	for _, e := range edits {
		if data, err := os.ReadFile(filepath.Join(repo, e.File)); err != nil || string(data) != e.After {
			t.Errorf("%s: %q, %v", e.File, data, err)
		}
	}
	if err := WritePatch(t.Context(), filepath.Join(dir, "no", "such", "file"), "x", edits); err == nil {
		t.Error("a directory that is not there: no error")
	}
}
