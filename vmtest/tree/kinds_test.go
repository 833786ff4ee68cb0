// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestKindsOfClone: in every kind of clone that a user works in, the tree is
// the same, and an edit that is not committed is in it. The series is
// recognised in it, except where the clone lacks the history.
func TestKindsOfClone(t *testing.T) {
	one, two := mailOf("net: one", diffFirst), mailOf("net: two", diffSecond)
	origin := mustSource(t)
	mustGit(t, origin, "init", "-q")
	mustGit(t, origin, "config", "uploadpack.allowFilter", "true")
	mustGit(t, origin, "add", "-A", "-f")
	mustGit(t, origin, "commit", "-qm", "base")
	for i, mail := range []string{one, two} {
		path := filepath.Join(t.TempDir(), "mail")
		mustWrite(t, path, mail)
		mustGit(t, origin, "am", "-q", path)
		if i == 0 {
			mustGit(t, origin, "tag", "middle")
		}
	}
	clone := func(t *testing.T, args ...string) string {
		dir := filepath.Join(t.TempDir(), "clone")
		mustGit(t, origin, append(append([]string{"clone", "-q"}, args...), "file://"+origin, dir)...)
		return dir
	}
	read := func(t *testing.T, dir string) (id, said string) {
		t.Helper()
		src := mustOpen(t, Options{Project: mustSeries(t, one, two), Dir: dir, Cache: t.TempDir()})
		mustCommit(t, src)
		id, err := src.TreeID(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := src.Show(t.Context(), "net/other.c"); err != nil || string(got) != "int mine;\n" {
			t.Errorf("the edit: %q, %v", got, err)
		}
		return id, src.Origin[strings.Index(src.Origin, "("):]
	}
	const all = "(your tree: 2 of 2 patches identical)"
	edit := func(dir string) { mustWrite(t, filepath.Join(dir, "net/other.c"), "int mine;\n") }
	whole := clone(t)
	edit(whole)
	want, said := read(t, whole)
	if said != all {
		t.Fatalf("an ordinary clone: %s", said)
	}
	for name, kind := range map[string]struct {
		clone []string
		do    func(t *testing.T, dir string) string
		said  string
	}{
		"shallow":         {clone: []string{"--depth=3"}},
		"shallow at base": {clone: []string{"--depth=1"}, said: "(your tree: 0 of 2 patches identical; not compared, since the clone lacks history: a/patch, a/patch)"},
		"blobless":        {clone: []string{"--filter=blob:none"}},
		"treeless":        {clone: []string{"--filter=tree:0"}},
		"blobless offline": {clone: []string{"--filter=blob:none"}, do: func(t *testing.T, dir string) string {
			mustGit(t, dir, "remote", "set-url", "origin", "file:///nowhere")
			return dir
		}, said: "(your tree: 0 of 2 patches identical; not compared, since the clone lacks history: a/patch, a/patch)"},
		"worktree": {do: func(t *testing.T, dir string) string {
			linked := filepath.Join(t.TempDir(), "linked")
			mustGit(t, dir, "worktree", "add", "-q", "--detach", linked)
			return linked
		}},
		"split index": {do: func(t *testing.T, dir string) string {
			mustGit(t, dir, "update-index", "--split-index")
			return dir
		}},
		"untracked cache and fsmonitor": {do: func(t *testing.T, dir string) string {
			mustGit(t, dir, "update-index", "--force-untracked-cache")
			mustGit(t, dir, "config", "core.fsmonitor", "false")
			return dir
		}},
		"index of version 4": {do: func(t *testing.T, dir string) string {
			mustGit(t, dir, "update-index", "--index-version=4")
			return dir
		}},
		// As xpsgen tree checkout does with .gitignore.
		"ignored file left alone": {do: func(t *testing.T, dir string) string {
			mustGit(t, dir, "update-index", "--skip-worktree", "net/ignored.c", ".gitignore")
			mustWrite(t, filepath.Join(dir, ".gitignore"), "*.o\n.*\nnet/ignored.c\n")
			return dir
		}},
		"packed references": {do: func(t *testing.T, dir string) string { mustGit(t, dir, "gc", "-q"); return dir }},
		"borrowed objects":  {clone: []string{"--shared"}},
		"another owner": {do: func(t *testing.T, dir string) string {
			if os.Getuid() != 0 {
				t.Skip("only root can give files away")
			}
			err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
				if err != nil {
					return err
				}
				return os.Lchown(path, 65534, 65534)
			})
			if err != nil {
				t.Fatal(err)
			}
			return dir
		}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := clone(t, kind.clone...)
			if kind.do != nil {
				dir = kind.do(t, dir)
			}
			edit(dir)
			id, said := read(t, dir)
			if id != want {
				t.Errorf("tree %s, want %s", id, want)
			}
			if kind.said == "" {
				kind.said = all
			}
			if said != kind.said {
				t.Errorf("said %s, want %s", said, kind.said)
			}
		})
	}
}
