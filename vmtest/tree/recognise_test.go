// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOwnTree: the tree of an author who works on the series is used unpatched,
// uncommitted work included. Patches that are still to come are applied.
func TestOwnTree(t *testing.T) {
	one, two := mailOf("net: one", diffFirst), mailOf("net: two", diffSecond)
	for name, tc := range map[string]struct {
		do func(t *testing.T, dir string)
		// origin is a part of Origin. files must be in the tree.
		origin string
		files  map[string]string
		noApply,
		fails bool
	}{
		"all of it": {do: func(*testing.T, string) {}, origin: "your tree: 2 of 2 patches identical"},
		"an edited line": {
			do:     func(t *testing.T, dir string) { mustWrite(t, filepath.Join(dir, "net/own.c"), "own\n") },
			origin: "2 of 2 patches identical", files: map[string]string{"net/own.c": "own\n"},
		},
		"an amended commit": {
			do: func(t *testing.T, dir string) {
				mustWrite(t, filepath.Join(dir, "net/own.c"), "own\n")
				mustGit(t, dir, "add", "-A")
				mustGit(t, dir, "commit", "-q", "--amend", "--no-edit")
			},
			origin: "1 of 2 patches identical; changed: a/patch-two", files: map[string]string{"net/own.c": "own\n"},
		},
		"a new commit": {
			do: func(t *testing.T, dir string) {
				mustWrite(t, filepath.Join(dir, "net/own.c"), "own\n")
				mustGit(t, dir, "add", "-A")
				mustGit(t, dir, "commit", "-q", "-m", "net: own")
			},
			origin: "2 of 2 patches identical", files: map[string]string{"net/own.c": "own\n"},
		},
		"half of it": {
			do:     func(t *testing.T, dir string) { mustGit(t, dir, "reset", "-q", "--hard", "HEAD^") },
			origin: "1 of 2 patches identical; applied to it: a/patch-two",
		},
		"a dropped commit": {
			do: func(t *testing.T, dir string) {
				mustGit(t, dir, "rebase", "-q", "--onto", "HEAD~2", "HEAD^")
			},
			origin: "1 of 2 patches identical; not in it: a/patch-one",
		},
		"none of it": {
			do: func(t *testing.T, dir string) { mustGit(t, dir, "reset", "-q", "--hard", "HEAD~2") },
		},
		"squashed": {
			do: func(t *testing.T, dir string) {
				mustGit(t, dir, "reset", "-q", "--soft", "HEAD~2")
				mustWrite(t, filepath.Join(dir, "net/core/dev.c"), "mine\n")
				mustGit(t, dir, "commit", "-q", "-a", "-m", "all of it")
			}, fails: true,
		},
		"squashed, no apply": {
			do: func(t *testing.T, dir string) {
				mustGit(t, dir, "reset", "-q", "--soft", "HEAD~2")
				mustWrite(t, filepath.Join(dir, "net/core/dev.c"), "mine\n")
				mustGit(t, dir, "commit", "-q", "-a", "-m", "all of it")
			}, noApply: true, origin: "not patched", files: map[string]string{"net/core/dev.c": "mine\n"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := mustSeries(t, one, two)
			for i, key := range []string{"patch-one", "patch-two"} {
				s.Series[0].Bases[0].Patches[i].Key = key
			}
			dir := mustSource(t)
			mustGit(t, dir, "init", "-q")
			mustGit(t, dir, "add", "-A", "-f")
			mustGit(t, dir, "commit", "-qm", "base")
			mustGit(t, dir, "am", "-q", s.Series[0].Bases[0].Patches[0].Path, s.Series[0].Bases[0].Patches[1].Path)
			tc.do(t, dir)
			src := mustOpen(t, Options{Project: s, Dir: dir, Cache: t.TempDir(), NoApply: tc.noApply})
			if !strings.Contains(src.Origin, tc.origin) || tc.origin == "" && src.Origin != dir {
				t.Errorf("origin %q, want %q", src.Origin, tc.origin)
			}
			_, err := src.Commit(t.Context())
			var aerr *ApplyError
			if tc.fails {
				if !errors.As(err, &aerr) || !strings.Contains(err.Error(), "--no-apply") {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for file, want := range tc.files {
				if got, err := src.Show(t.Context(), file); err != nil || string(got) != want {
					t.Errorf("%s: %q, %v", file, got, err)
				}
			}
		})
	}
}

// TestSnapshotIsTheUsersTree: what the user's repository tracks is in it,
// independent of .gitignore, sparse-checkout and the date of the commit.
func TestSnapshotIsTheUsersTree(t *testing.T) {
	s, cache := mustSeries(t), t.TempDir()
	dir := mustSource(t)
	mustWrite(t, filepath.Join(dir, ".gitignore"), "*.gen\n")
	mustGit(t, dir, "init", "-q")
	mustGit(t, dir, "add", "-A")
	mustGit(t, dir, "commit", "-qm", "base")
	opt := Options{Project: s, Dir: dir, Cache: cache}
	mustCommit(t, mustOpen(t, opt))
	mustWrite(t, filepath.Join(dir, "net/late.gen"), "late\n")
	mustWrite(t, filepath.Join(dir, "net/junk.gen"), "junk\n")
	mustGit(t, dir, "add", "-f", "net/late.gen")
	mustGit(t, dir, "commit", "-qm", "late")
	src := mustOpen(t, opt)
	if got, err := src.Show(t.Context(), "net/late.gen"); err != nil || string(got) != "late\n" {
		t.Errorf("committed after the first run: %q, %v", got, err)
	}
	if _, err := src.Show(t.Context(), "net/junk.gen"); !errors.Is(err, ErrNoFile) {
		t.Error("an ignored file is in it")
	}
	full, err := src.TreeID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mustGit(t, dir, "sparse-checkout", "set", "drivers")
	if _, err := os.Stat(filepath.Join(dir, "net/late.gen")); err == nil {
		t.Fatal("not sparse")
	}
	for _, c := range []string{cache, t.TempDir()} {
		again := mustOpen(t, Options{Project: s, Dir: dir, Cache: c})
		if got, err := again.TreeID(t.Context()); err != nil || got != full {
			t.Errorf("sparse: %s, %v, want %s", got, err, full)
		}
	}
}

// TestNearestWorkingCopy: a directory that is used for the first time takes the
// working copy that differs least, and keeps its objects.
func TestNearestWorkingCopy(t *testing.T) {
	s, cache := mustSeries(t, mailOf("net: one", diffFirst)), t.TempDir()
	base := mustCheckout(t, mustOpen(t, Options{Project: s, Dir: mustSource(t), Cache: cache}))
	mustWrite(t, filepath.Join(base.Work, "objects", "dev.o"), "object\n")
	work := base.Work
	base.Close()
	dir := mustSource(t)
	mustWrite(t, filepath.Join(dir, "net/own.c"), "own\n")
	tr := mustCheckout(t, mustOpen(t, Options{Project: s, Dir: dir, Cache: cache}))
	if tr.Work != work {
		t.Errorf("works in %s, the nearest is %s", tr.Work, work)
	}
	if data, err := os.ReadFile(filepath.Join(tr.Dir, "net/own.c")); err != nil || string(data) != "own\n" {
		t.Errorf("%q, %v", data, err)
	}
	if _, err := os.Stat(filepath.Join(tr.Work, "objects", "dev.o")); err != nil {
		t.Error(err)
	}
}
