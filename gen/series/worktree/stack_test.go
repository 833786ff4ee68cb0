// SPDX-License-Identifier: GPL-2.0-only OR MIT

package worktree

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/tree/manifest"
)

// stacked adds the series top, which depends on queue, to the base old: one patch to
// drivers/net/tun.c.
func (w *bench) stacked() {
	w.tb.Helper()
	dir := w.checkout("queue/old").Dir
	w.edit(dir, "drivers/net/tun.c", "tun 25\n", "tun 25\ntop\n")
	w.commit(dir, "tun: the top")
	path := filepath.Join(w.root, "kernel-patches", manifest.Name)
	mustWrite(w.tb, path, mustRead(w.tb, path)+"\n[[series]]\nkey = \"top\"\ntitle = \"t\"\non = [\"queue\"]\n")
	w.export(dir, "HEAD^", "kernel-patches/top/old", "crown")
}

// TestOneOfStack: the tree of a series has the series that it depends on below its
// base, and a refresh writes that series only.
func TestOneOfStack(t *testing.T) {
	t.Parallel()
	w := newBench(t)
	w.stacked()
	before := w.files("old")
	tr := w.checkout("top/old")
	if got := w.git(tr.Dir, "log", "--format=%s", "base.."); got != "tun: the top" {
		t.Errorf("commits %q", got)
	}
	if got := w.git(tr.Dir, "log", "-1", "--format=%s", "base"); got != "tun: ask it" || filepath.Base(tr.Dir) != "linux-old-top" {
		t.Errorf("base %q in %s", got, tr.Dir)
	}
	w.edit(tr.Dir, "drivers/net/tun.c", "top\n", "TOP\n")
	w.git(tr.Dir, "commit", "-qa", "--amend", "--no-edit")
	out, err := tr.Refresh(t.Context(), RefreshOptions{Change: w.load()})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := report(out), "1 crown tun: the top: diff changed\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if !strings.Contains(mustRead(t, filepath.Join(w.root, "kernel-patches/top/old/0001-tun-the-top.patch")), "+TOP\n") {
		t.Error("the patch file was not written")
	}
	if d := cmp.Diff(before, w.files("old")); d != "" {
		t.Errorf("the other series changed (-want +got):\n%s", d)
	}
}

// TestWholeStack: refresh of a stack writes commits back to their own series, and new ones
// to the series of the commit before.
func TestWholeStack(t *testing.T) {
	t.Parallel()
	w := newBench(t)
	w.stacked()
	tr := w.checkout("old")
	if got := w.git(tr.Dir, "log", "--format=%s", "base.."); got != "tun: the top\ntun: ask it\nrtnetlink: attach it\nnet: xps: add the hook" {
		t.Errorf("commits %q", got)
	}
	// A new commit after tun, one at the end, and an edit of the last.
	w.git(tr.Dir, "reset", "-q", "--hard", "HEAD^")
	mustWrite(t, filepath.Join(tr.Dir, "net/new.c"), "new\n")
	w.commit(tr.Dir, "net: something new")
	w.git(tr.Dir, "cherry-pick", "ORIG_HEAD")
	mustWrite(t, filepath.Join(tr.Dir, "net/last.c"), "last\n")
	w.commit(tr.Dir, "net: the last")
	out, err := tr.Refresh(t.Context(), RefreshOptions{Change: w.load()})
	if err != nil {
		t.Fatal(err)
	}
	want := "1 queue/hook net: xps: add the hook: unchanged\n2 queue/link rtnetlink: attach it: unchanged\n3 queue/tun tun: ask it: unchanged\n" +
		"4 queue/something-new net: something new: new\n5 top/crown tun: the top: recognised by its diff\n6 top/the-last net: the last: new\n"
	if got := report(out); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	c := w.load()
	names := func(key string) (list []string) {
		for _, p := range c.Find(key).Base("old").Patches {
			list = append(list, p.Key+" "+filepath.Base(p.Path))
		}
		return list
	}
	if d := cmp.Diff([]string{"hook 0001-net-xps-add-the-hook.patch", "link 0002-rtnetlink-attach-it.patch", "tun 0003-tun-ask-it.patch",
		"something-new 0004-net-something-new.patch"}, names("queue")); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"crown 0001-tun-the-top.patch", "the-last 0002-net-the-last.patch"}, names("top")); d != "" {
		t.Error(d)
	}
	// The order of the series must not change.
	w.rebaseTodo(tr.Dir, "1{h;d};6{G}")
	if _, err := tr.Refresh(t.Context(), RefreshOptions{Change: w.load()}); !errors.Is(err, ErrHistory) || !strings.Contains(err.Error(), "belongs to series queue, but follows commits of top") {
		t.Errorf("mixed: %v", err)
	}
}

// TestMoveToAnotherSeries: a key moves a commit to another series, and out of its own.
func TestMoveToAnotherSeries(t *testing.T) {
	t.Parallel()
	w := newBench(t)
	w.stacked()
	tr := w.checkout("old")
	opt := RefreshOptions{Change: w.load(), Keys: map[string]string{"HEAD^": "top/tun"}}
	var lost *LostError
	if _, err := tr.Refresh(t.Context(), opt); !errors.As(err, &lost) || lost.Lost[0].Key != "queue/tun" {
		t.Fatalf("got %v", err)
	}
	opt.Drop = []string{"queue/tun"}
	out, err := tr.Refresh(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	if got := report(out); !strings.Contains(got, "3 top/tun tun: ask it: new\n4 top/crown tun: the top: unchanged\n- queue/tun tun: ask it: dropped") {
		t.Errorf("got\n%s", got)
	}
	if got := w.files("old")["0003-tun-ask-it.patch"]; got != "" {
		t.Error("the old file is there")
	}
}

// TestSeveralBases: a series with several bases must be named with a base.
func TestSeveralBases(t *testing.T) {
	t.Parallel()
	w := newBench(t)
	dir := w.clone(w.kernel, w.newBase)
	w.edit(dir, "drivers/net/tun.c", "tun 15\n", "tun 15\nask\n")
	w.commit(dir, "tun: ask it")
	w.export(dir, w.newBase, "kernel-patches/queue/new", "tun")
	_, err := Checkout(t.Context(), Options{Change: w.load(), What: "queue", Cache: w.cache})
	if !errors.Is(err, manifest.ErrNoThread) || !strings.Contains(err.Error(), "queue is on several bases: name one of queue/old, queue/new") {
		t.Errorf("got %v", err)
	}
}
