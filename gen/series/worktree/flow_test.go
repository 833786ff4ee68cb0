// SPDX-License-Identifier: GPL-2.0-only OR MIT

package worktree

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"xpsgen/gen/series/patch"
)

// refresh refreshes a tree without Force.
func (w *bench) refresh(tr *Tree, drop ...string) (*Outcome, error) {
	w.tb.Helper()
	again, err := Open(w.tb.Context(), tr.Dir)
	if err != nil {
		w.tb.Fatal(err)
	}
	return again.Refresh(w.tb.Context(), RefreshOptions{Change: w.load(), Cache: w.cache, Drop: drop})
}

func (w *bench) mustRefresh(tr *Tree, drop ...string) *Outcome {
	w.tb.Helper()
	out, err := w.refresh(tr, drop...)
	if err != nil {
		w.tb.Fatal(err)
	}
	return out
}

// patchFile returns the file of a patch on the base old.
func (w *bench) patchFile(key string) string {
	w.tb.Helper()
	p := w.load().Find("queue").Base("old").Patch(key)
	if p == nil {
		w.tb.Fatalf("no patch %s", key)
	}
	return p.Path
}

// credit adds a tag to a patch file, as series credit does.
func (w *bench) credit(key, tag, who string) {
	w.tb.Helper()
	file := w.patchFile(key)
	p, err := patch.Parse([]byte(mustRead(w.tb, file)))
	if err != nil {
		w.tb.Fatal(err)
	}
	p.AddTrailer(patch.Trailer{Key: tag, Value: who})
	text, err := p.Format()
	if err != nil {
		w.tb.Fatal(err)
	}
	mustWrite(w.tb, file, string(text))
}

// TestFlow: tags and edits of patch files come into the tree, and the tree's commits go
// back, without Force.
func TestFlow(t *testing.T) {
	t.Parallel()
	w := newBench(t)
	tr := w.checkout("old")
	w.credit("hook", "Reviewed-by", "R V <r.v@example.org>")
	w.credit("tun", "Acked-by", "A B <a.b@example.org>")
	// In the tree: an amended tun, and a new message.
	w.edit(tr.Dir, "drivers/net/tun.c", "ask\n", "ask\ntwice\n")
	w.git(tr.Dir, "commit", "-q", "-a", "--amend", "-m", "tun: ask it\n\nTwice.")
	out := w.mustRefresh(tr)
	if !out.Merged {
		t.Error("not merged")
	}
	if text := mustRead(t, w.patchFile("hook")); !strings.Contains(text, "Reviewed-by: R V <r.v@example.org>\n---\n") {
		t.Errorf("hook lost its tag:\n%s", text)
	}
	if text := mustRead(t, w.patchFile("tun")); !strings.Contains(text, "\nTwice.\n\nAcked-by: A B <a.b@example.org>\n---\n") || !strings.Contains(text, "+twice\n") {
		t.Errorf("tun:\n%s", text)
	}
	if got := w.git(tr.Dir, "log", "-1", "--format=%B", "HEAD~2"); !strings.Contains(got, "Reviewed-by: R V") {
		t.Errorf("the commit has no tag: %s", got)
	}
	if out = w.mustRefresh(tr); out.Merged || len(out.Written) > 0 {
		t.Errorf("again: %+v", out)
	}
}

// TestFlowOfAnotherTree: changes that another tree wrote back come into this tree. A
// conflict leaves a rebase of git in progress.
func TestFlowOfAnotherTree(t *testing.T) {
	t.Parallel()
	w := newBench(t)
	one := w.checkout("old")
	two, err := Checkout(t.Context(), Options{Change: w.load(), What: "old", Cache: w.cache, Dir: filepath.Join(t.TempDir(), "two")})
	if err != nil {
		t.Fatal(err)
	}
	w.edit(two.Dir, "drivers/net/tun.c", "tun 25\n", "tun 25\nother\n")
	mustWrite(t, filepath.Join(two.Dir, "net/new.c"), "new\n")
	w.git(two.Dir, "add", "-A")
	w.git(two.Dir, "commit", "-q", "--amend", "--no-edit")
	w.edit(two.Dir, "drivers/net/tun.c", "tun 2\n", "tun 2\nmore\n")
	w.commit(two.Dir, "tun: more")
	w.mustRefresh(two)
	w.edit(one.Dir, "drivers/net/tun.c", "ask\n", "ask\ntwice\n")
	w.git(one.Dir, "commit", "-q", "-a", "--amend", "--no-edit")
	out := w.mustRefresh(one)
	if got, want := report(out), "3 tun tun: ask it: diff changed\n4 more tun: more: context changed\n"; !strings.HasSuffix(got, want) {
		t.Errorf("got\n%s", got)
	}
	if text := mustRead(t, w.patchFile("tun")); !strings.Contains(text, "+ask\n+twice\n") || !strings.Contains(text, "+other\n") || !strings.Contains(text, "+new\n") {
		t.Errorf("tun:\n%s", text)
	}

	// Both trees change the same line: a conflict.
	w.mustRefresh(two)
	w.edit(two.Dir, "drivers/net/tun.c", "more\n", "more of two\n")
	w.git(two.Dir, "commit", "-q", "-a", "--amend", "--no-edit")
	w.mustRefresh(two)
	w.edit(one.Dir, "drivers/net/tun.c", "more\n", "more of one\n")
	w.git(one.Dir, "commit", "-q", "-a", "--amend", "--no-edit")
	var merge *MergeError
	if _, err := w.refresh(one); !errors.As(err, &merge) || len(merge.Files) != 1 || merge.Files[0] != "drivers/net/tun.c" {
		t.Fatalf("got %v\n%s\n%s", err, mustRead(t, w.patchFile("more")), mustRead(t, w.patchFile("tun")))
	}
	if !strings.Contains(mustRead(t, filepath.Join(one.Dir, "drivers/net/tun.c")), "<<<<<<<") {
		t.Error("no conflict markers")
	}
	if _, err := w.refresh(one); !errors.Is(err, ErrBusy) {
		t.Errorf("in the middle: %v", err)
	}
	w.git(one.Dir, "checkout", "--theirs", "drivers/net/tun.c")
	w.edit(one.Dir, "drivers/net/tun.c", "more of one\n", "more of both\n")
	w.git(one.Dir, "add", "-A")
	w.git(one.Dir, "rebase", "--continue")
	w.mustRefresh(one)
	if text := mustRead(t, w.patchFile("more")); !strings.Contains(text, "+more of both\n") || strings.Contains(text, "of two") {
		t.Errorf("more:\n%s", text)
	}
}

// TestFlowIntoDropped: refresh fails if a patch that was dropped in the tree
// has changed in the patch files.
func TestFlowIntoDropped(t *testing.T) {
	t.Parallel()
	w := newBench(t)
	tr := w.checkout("old")
	w.git(tr.Dir, "reset", "-q", "--hard", "HEAD^")
	w.credit("tun", "Acked-by", "A B <a.b@example.org>")
	var gone *GoneError
	if _, err := w.refresh(tr); !errors.As(err, &gone) || gone.Commits["tun"] == "" {
		t.Fatalf("got %v", err)
	}
	w.git(tr.Dir, "cherry-pick", gone.Commits["tun"])
	w.mustRefresh(tr)
	if !strings.Contains(mustRead(t, w.patchFile("tun")), "Acked-by: A B") {
		t.Error("the tag is gone")
	}
	w.git(tr.Dir, "reset", "-q", "--hard", "HEAD^")
	w.credit("tun", "Tested-by", "A B <a.b@example.org>")
	w.mustRefresh(tr, "tun")
	if w.load().Find("queue").Base("old").Patch("tun") != nil {
		t.Error("still there")
	}
}

// TestFlowOfFoundation: when a series changes, the tree of a series that depends on it
// moves along.
func TestFlowOfFoundation(t *testing.T) {
	t.Parallel()
	w := newBench(t)
	w.stacked()
	top := w.checkout("top/old")
	below, err := Checkout(t.Context(), Options{Change: w.load(), What: "queue/old", Cache: w.cache, Dir: filepath.Join(t.TempDir(), "below")})
	if err != nil {
		t.Fatal(err)
	}
	w.edit(below.Dir, "drivers/net/tun.c", "ask\n", "ask\ntwice\n")
	w.git(below.Dir, "commit", "-q", "-a", "--amend", "--no-edit")
	w.mustRefresh(below)
	w.edit(top.Dir, "drivers/net/tun.c", "top\n", "TOP\n")
	w.git(top.Dir, "commit", "-q", "-a", "--amend", "--no-edit")
	out := w.mustRefresh(top)
	if !out.Merged || !strings.Contains(mustRead(t, filepath.Join(top.Dir, "drivers/net/tun.c")), "ask\ntwice\n") {
		t.Errorf("not moved: %+v", out)
	}
	if got := w.git(top.Dir, "log", "--format=%s", "base.."); got != "tun: the top" {
		t.Errorf("commits %q", got)
	}
}
