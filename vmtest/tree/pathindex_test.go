// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xpsgen/vmtest/seed"
)

// patchesOf returns the patches of the last n commits of dir.
func patchesOf(t *testing.T, dir string, n int, options ...string) []string {
	t.Helper()
	out := t.TempDir()
	mustGit(t, dir, append(append([]string{"format-patch", "-q", "-o", out, fmt.Sprintf("-%d", n)}, options...), "HEAD")...)
	files, err := filepath.Glob(filepath.Join(out, "*.patch"))
	if err != nil || len(files) != n {
		t.Fatalf("%d patches, want %d: %v", len(files), n, err)
	}
	var all []string
	for _, f := range files {
		all = append(all, mustRead(t, f))
	}
	return all
}

// changeTree makes one random change to the checkout in dir.
func changeTree(t *testing.T, rng *rand.Rand, dir string, step int) {
	t.Helper()
	files := strings.Split(mustGit(t, dir, "ls-files", "-z"), "\x00")
	files = files[:len(files)-1]
	name := filepath.Join(dir, files[rng.IntN(len(files))])
	fresh := filepath.Join(dir, "net", []string{"a b", "tab\there", "naïve", "x", `q"uote`, "deep/er"}[rng.IntN(6)], fmt.Sprintf("f%d.c", step))
	switch rng.IntN(9) {
	case 0:
		mustWrite(t, fresh, fmt.Sprintf("int f%d;\n", step))
	case 1:
		mustWrite(t, fresh, "") // an empty file has no hunk
	case 2:
		mustWrite(t, fresh, "\x00\x01\x02binary\n")
	case 3:
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	case 4:
		if err := os.Chmod(name, 0o755); err != nil {
			t.Fatal(err)
		}
	case 5:
		mustWrite(t, filepath.Join(filepath.Dir(fresh), "k"), "")
		if err := os.Rename(name, fresh); err != nil {
			t.Fatal(err)
		}
	case 6: // a directory becomes a file
		sub := filepath.Join(dir, "net", "x")
		if err := os.RemoveAll(sub); err != nil {
			t.Fatal(err)
		}
		mustWrite(t, sub, "file\n")
		mustGit(t, dir, "add", "-A")
		mustGit(t, dir, "commit", "-qm", "file", "--allow-empty")
		if err := os.Remove(sub); err != nil {
			t.Fatal(err)
		}
	case 7:
		if err := os.Symlink("Kbuild", filepath.Join(dir, fmt.Sprintf("link%d", step))); err != nil {
			t.Fatal(err)
		}
	default:
		mustWrite(t, name, mustRead(t, name)+fmt.Sprintf("more %d\n", step))
	}
	mustWrite(t, filepath.Join(dir, "Kbuild"), fmt.Sprintf("# step %d\n", step)) // a commit is never empty
	mustGit(t, dir, "add", "-A")
	mustGit(t, dir, "commit", "-qm", fmt.Sprintf("step %d", step))
}

// TestApplyRandomPatches checks that random patches make the same tree as the commits that
// they are of, with renames, copies, modes, binary files and odd names.
func TestApplyRandomPatches(t *testing.T) {
	rng := seed.Rand(t)
	for range 4 {
		base := mustSource(t)
		dir := filepath.Join(t.TempDir(), "work")
		mustGit(t, base, "init", "-q")
		mustGit(t, base, "add", "-A", "-f")
		mustGit(t, base, "commit", "-qm", "base")
		mustGit(t, base, "clone", "-q", base, dir)
		for step := range 12 {
			changeTree(t, rng, dir, step)
		}
		n := strings.Count(mustGit(t, dir, "log", "--format=%H", "origin/main.."), "\n") + 1
		for _, options := range [][]string{{"--binary", "--full-index"}, {"--binary", "-M", "-C", "--find-copies-harder"}} {
			src := mustOpen(t, Options{Project: mustSeries(t, patchesOf(t, dir, n, options...)...), Dir: base})
			got, err := src.TreeID(t.Context())
			if want := mustGit(t, dir, "rev-parse", "HEAD^{tree}"); err != nil || got != want {
				t.Errorf("%v: tree %s, want %s: %v", options, got, want, err)
			}
		}
	}
}

// TestPatchOfDirectory checks a patch that puts a file in the place of a
// directory, and one that creates a file that exists.
func TestPatchOfDirectory(t *testing.T) {
	dir := mustSource(t)
	file := "diff --git a/net b/net\nnew file mode 100644\n--- /dev/null\n+++ b/net\n@@ -0,0 +1 @@\n+x\n"
	var aerr *ApplyError
	src := mustOpen(t, Options{Project: mustSeries(t, mailOf("net: one", diffFirst), mailOf("net: a file", file)), Dir: dir})
	commit, err := src.Commit(t.Context())
	if err == nil {
		// git apply replaces the directory. Then nothing of it may be left.
		out, err := src.git().output(t.Context(), "ls-tree", "-r", "--name-only", commit, "net")
		if err != nil || out != "net" {
			t.Errorf("below net: %q, %v", out, err)
		}
	} else if !errors.As(err, &aerr) || aerr.N != 2 {
		t.Errorf("a file in the place of a directory: %v", err)
	}
	exists := "diff --git a/net/other.c b/net/other.c\nnew file mode 100644\n--- /dev/null\n+++ b/net/other.c\n@@ -0,0 +1 @@\n+x\n"
	src = mustOpen(t, Options{Project: mustSeries(t, mailOf("net: a new file", exists)), Dir: dir})
	if _, err := src.Commit(t.Context()); !errors.As(err, &aerr) || aerr.Reason != "already exists" {
		t.Errorf("a new file that exists: %v", err)
	}
}

// TestPathsOfPatches checks that every path which a patch changes is found, and
// no path outside of the tree.
func TestPathsOfPatches(t *testing.T) {
	for text, want := range map[string]string{
		diffFirst:  "[net/core/dev.c net/core/dev.c net/core/dev.c]",
		diffSecond: "[net/other.c net/other.c net/other.c net/new.c net/new.c]",
		"diff --git a/a b b/a b\nnew file mode 100644\n":                       "[a b]",
		"--- \"a/tab\\there\"\n+++ b/x y\t2026-11-22\n":                        "[tab\there x y]",
		"rename from a/b\nrename to c\ncopy from d\ncopy to \"e\\303\\244\"\n": "[a/b c d eä]",
		"--- /dev/null\n+++ /etc/passwd\n+++ b/../../x\n+++ b/..\n":            "[etc/passwd]",
	} {
		if got := fmt.Sprint(patchPaths([]byte(text))); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
