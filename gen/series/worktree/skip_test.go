// SPDX-License-Identifier: GPL-2.0-only OR MIT

package worktree

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSkipIsNoSquash: a patch that a rebase skipped is lost. It was not squashed into the
// next one, although git gives that one both notes.
func TestSkipIsNoSquash(t *testing.T) {
	t.Parallel()
	w := newBench(t)
	tr := w.checkout("old")
	// hook conflicts with the change before it, and is skipped.
	w.git(tr.Dir, "checkout", "-q", "-b", "below", "base")
	w.edit(tr.Dir, "net/core/dev.c", "line 20\nline 21\n", "line twenty\nline 21\n")
	w.commit(tr.Dir, "net: another first")
	w.git(tr.Dir, "checkout", "-q", "stack/old")
	cmd := exec.Command("git", "rebase", "-q", "below")
	cmd.Dir = tr.Dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_EDITOR=true", "GIT_COMMITTER_NAME=x", "GIT_COMMITTER_EMAIL=x@example.org")
	if out, err := cmd.CombinedOutput(); err == nil {
		t.Fatalf("no conflict:\n%s", out)
	}
	w.git(tr.Dir, "rebase", "--skip")
	if got := w.git(tr.Dir, "log", "-1", "--notes="+notesRef, "--format=%N", "HEAD~2"); got != "key: queue/hook" {
		t.Fatalf("git gives the note of the skipped commit to nobody: %q", got)
	}
	var lost *LostError
	_, err := tr.Refresh(t.Context(), RefreshOptions{Change: w.load()})
	if !errors.As(err, &lost) || len(lost.Lost) != 1 || lost.Lost[0].Key != "hook" || lost.Lost[0].Into != "" {
		t.Fatalf("got %v", err)
	}
	out, err := tr.Refresh(t.Context(), RefreshOptions{Change: w.load(), Drop: []string{"hook"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := report(out); !strings.Contains(got, "1 another-first net: another first: new\n") || !strings.Contains(got, "- hook net: xps: add the hook: dropped\n") {
		t.Errorf("got\n%s", got)
	}
}

// TestDashesAreNotes: text below "---" in a message becomes the text below the patch's
// "---", and stays there in the next tree.
func TestDashesAreNotes(t *testing.T) {
	t.Parallel()
	w := newBench(t)
	tr := w.checkout("old")
	w.git(tr.Dir, "commit", "-q", "--amend", "-m", "tun: ask it\n\nWhy.\n\n---\nv2: ask twice.\n\nMore.")
	out, err := tr.Refresh(t.Context(), RefreshOptions{Change: w.load()})
	if err != nil {
		t.Fatal(err)
	}
	if got := report(out); !strings.Contains(got, "3 tun tun: ask it: message, notes changed") {
		t.Errorf("got\n%s", got)
	}
	file := filepath.Join(w.root, "kernel-patches/queue/old/0003-tun-ask-it.patch")
	if text := mustRead(t, file); !strings.Contains(text, "\n\nWhy.\n---\nv2: ask twice.\n\nMore.\n\n drivers/net/tun.c | 1 +\n") {
		t.Errorf("got\n%s", text)
	}
	again, err := tr.Refresh(t.Context(), RefreshOptions{Change: w.load()})
	if err != nil || len(again.Written) > 0 {
		t.Errorf("again: %v, %v", again, err)
	}
	other, err := Checkout(t.Context(), Options{Change: w.load(), What: "old", Cache: w.cache, Dir: filepath.Join(t.TempDir(), "other")})
	if err != nil {
		t.Fatal(err)
	}
	if got := w.git(other.Dir, "log", "-1", "--format=%B"); got != "tun: ask it\n\nWhy." {
		t.Errorf("message %q", got)
	}
	w.git(other.Dir, "commit", "-q", "--amend", "--no-edit", "--reset-author")
	if out, err = other.Refresh(t.Context(), RefreshOptions{Change: w.load()}); err != nil || strings.Contains(report(out), "notes") {
		t.Errorf("%v, %v", out, err)
	}
	if !strings.Contains(mustRead(t, file), "\n---\nv2: ask twice.\n\nMore.\n\n") {
		t.Error("the notes are gone")
	}
}

// TestTagInTitle: refresh rejects brackets in a title, because git am removes them.
func TestTagInTitle(t *testing.T) {
	t.Parallel()
	w := newBench(t)
	tr := w.checkout("old")
	w.git(tr.Dir, "commit", "-q", "--amend", "-m", "[tun] ask it")
	if _, err := tr.Refresh(t.Context(), RefreshOptions{Change: w.load()}); !errors.Is(err, ErrCommit) || !strings.Contains(err.Error(), `write "[tun]" as "area: "`) {
		t.Errorf("got %v", err)
	}
}
