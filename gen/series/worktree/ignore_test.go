// SPDX-License-Identifier: GPL-2.0-only OR MIT

package worktree

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

// TestIgnoredSource: in a tree whose .gitignore hides everything, as in Debian's kernels,
// git lists new files after a checkout and after a rebase.
func TestIgnoredSource(t *testing.T) {
	t.Parallel()
	w := newBench(t)
	for branch, base := range map[string]string{"a": w.oldBase, "b": w.newBase} {
		w.git(w.kernel, "checkout", "-q", "-b", branch, base)
		mustWrite(t, filepath.Join(w.kernel, ".gitignore"), "*.o\n# "+branch+"\n/*\n!/debian/\n")
		w.git(w.kernel, "add", "-f", ".gitignore")
		w.git(w.kernel, "commit", "-qm", "ignore all")
		path := filepath.Join(w.root, "kernel-patches/series.toml")
		mustWrite(t, path, strings.Replace(mustRead(t, path), base, w.git(w.kernel, "rev-parse", "HEAD"), 1))
	}
	w.git(w.kernel, "checkout", "-q", "--detach", w.oldBase)
	tr := w.checkout("old")
	mustWrite(t, filepath.Join(tr.Dir, "net/new.c"), "int x;\n")
	mustWrite(t, filepath.Join(tr.Dir, "net/new.o"), "x\n")
	if _, err := tr.Refresh(t.Context(), RefreshOptions{Change: w.load()}); !errors.Is(err, ErrDirty) || !strings.Contains(err.Error(), "?? net/new.c\nCommit") {
		t.Errorf("got %v", err)
	}
	w.git(tr.Dir, "add", "net/new.c")
	w.git(tr.Dir, "commit", "-qm", "net: new file")
	w.git(tr.Dir, "rebase", "-q", "-i", "--force-rebase", "base")
	if _, err := tr.Refresh(t.Context(), RefreshOptions{Change: w.load()}); err != nil {
		t.Fatal(err)
	}
	m, err := w.rebase("old", "new")
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, filepath.Join(m.Tree.Dir, "net/more.c"), "int x;\n")
	w.git(m.Tree.Dir, "add", "net/more.c")
	w.git(m.Tree.Dir, "commit", "-q", "--amend", "--no-edit")
	out, err := m.Tree.Refresh(t.Context(), RefreshOptions{Change: w.load()})
	if err != nil || len(out.Steps) != 4 {
		t.Errorf("%v, %+v", err, out)
	}
	for _, p := range w.load().Find("queue").Base("new").Patches {
		if strings.Contains(p.Diff, "gitignore") {
			t.Errorf("%s has changes that are not the series'", p.Path)
		}
	}
}
