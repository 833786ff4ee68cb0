// SPDX-License-Identifier: GPL-2.0-only OR MIT

package worktree

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func (w *bench) rebase(base, onto string) (*Moved, error) {
	w.tb.Helper()
	return Rebase(w.tb.Context(), RebaseOptions{Options: Options{Change: w.load(), What: base, Cache: w.cache}, Onto: onto})
}

func pairsReport(m *Moved) string {
	var b strings.Builder
	for _, p := range m.Pairs {
		b.WriteString(strings.Join(strings.Fields(p.String()), " ") + "\n")
	}
	return b.String()
}

// TestRebase: a series moves to another base, and its commits become the patches of that
// base.
func TestRebase(t *testing.T) {
	t.Parallel()
	w := newBench(t)
	m, err := w.rebase("old", "new")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := pairsReport(m), "hook net: xps: add the hook: the same\nlink rtnetlink: attach it: the same\ntun tun: ask it: the same\n"; got != want {
		t.Errorf("got\n%s", got)
	}
	if got := mustRead(t, filepath.Join(m.Tree.Dir, "net/core/dev.c")); !strings.HasPrefix(got, "first\n") || !strings.Contains(got, "\nhook\n") {
		t.Errorf("merged to\n%s", got)
	}
	out, err := m.Tree.Refresh(t.Context(), RefreshOptions{Change: w.load()})
	if err != nil {
		t.Fatal(err)
	}
	if got := report(out); got != "1 hook net: xps: add the hook: new\n2 link rtnetlink: attach it: new\n3 tun tun: ask it: new\n" {
		t.Errorf("got\n%s", got)
	}
	c := w.load()
	var keys []string
	for _, p := range c.Find("queue").Base("new").Patches {
		keys = append(keys, p.Key)
	}
	if d := cmp.Diff([]string{"hook", "link", "tun"}, keys); d != "" {
		t.Error(d)
	}
	if len(c.Find("queue").Base("old").Patches) != 3 {
		t.Error("the old base lost patches")
	}
	// The new base can be checked out: the patches apply.
	tr := w.checkout("new")
	if got, want := w.git(tr.Dir, "rev-parse", "HEAD^{tree}"), w.git(m.Tree.Dir, "rev-parse", "HEAD^{tree}"); got != want {
		t.Error("the patches make another tree")
	}
}

// creditOn adds a tag to a patch file of a base.
func (w *bench) creditOn(base, key, who string) {
	w.tb.Helper()
	file := w.load().Find("queue").Base(base).Patch(key).Path
	mustWrite(w.tb, file, strings.Replace(mustRead(w.tb, file), "\n---\n", "\nReviewed-by: "+who+"\n---\n", 1))
}

func (w *bench) tags(base, key string) (tags []string) {
	w.tb.Helper()
	for _, trailer := range w.load().Find("queue").Base(base).Patch(key).Trailers {
		tags = append(tags, trailer.String())
	}
	return tags
}

// TestRebasedFlow: tags that are added to the patch files after a rebase are merged into
// its tree without Force: before the first refresh and after it, on a base and on a
// directory.
func TestRebasedFlow(t *testing.T) {
	t.Parallel()
	w := newBench(t)
	m, err := w.rebase("old", "new")
	if err != nil {
		t.Fatal(err)
	}
	w.mustRefresh(m.Tree)
	w.creditOn("new", "tun", "A <a@example.org>")
	w.edit(m.Tree.Dir, "drivers/net/tun.c", "ask\n", "ask\nmore\n")
	w.git(m.Tree.Dir, "commit", "-qa", "--amend", "--no-edit")
	w.mustRefresh(m.Tree)
	if got := w.tags("new", "tun"); !slices.Contains(got, "Reviewed-by: A <a@example.org>") {
		t.Errorf("after a refresh: tags %q", got)
	}
	if got := w.load().Find("queue").Base("new").Patch("tun").Diff; !strings.Contains(got, "\n+more\n") {
		t.Errorf("the commit's line is lost:\n%s", got)
	}
	// A second rebase, to a base that has patches: it merges these patches.
	if err := os.RemoveAll(m.Tree.Dir); err != nil {
		t.Fatal(err)
	}
	if m, err = w.rebase("old", "new"); err != nil {
		t.Fatal(err)
	}
	w.creditOn("new", "hook", "B <b@example.org>")
	w.mustRefresh(m.Tree)
	if got := w.tags("new", "hook"); !slices.Contains(got, "Reviewed-by: B <b@example.org>") {
		t.Errorf("before a refresh: tags %q", got)
	}
	// A directory is not a base: the patch files stay those of the previous base.
	if err := os.RemoveAll(m.Tree.Dir); err != nil {
		t.Fatal(err)
	}
	w.git(w.kernel, "checkout", "-q", "newer")
	if m, err = w.rebase("old", w.kernel); err != nil {
		t.Fatal(err)
	}
	w.creditOn("old", "hook", "C <c@example.org>")
	w.mustRefresh(m.Tree)
	if got := w.tags("old", "hook"); !slices.Contains(got, "Reviewed-by: C <c@example.org>") {
		t.Errorf("elsewhere: tags %q", got)
	}
}

// conflicting creates a kernel in which another attribute has the same number.
func (w *bench) conflicting() {
	w.tb.Helper()
	w.git(w.kernel, "checkout", "-q", "newer")
	mustWrite(w.tb, filepath.Join(w.kernel, "include/uapi/linux/if_link.h"), uapiHeader("\tIFLA_OTHER,\n"))
	w.git(w.kernel, "commit", "-qam", "another attribute")
}

// TestRebaseConflict: the user resolves the conflicts, and the rebase continues.
func TestRebaseConflict(t *testing.T) {
	t.Parallel()
	w := newBench(t)
	w.conflicting()
	m, err := w.rebase("old", w.kernel)
	var conflict *ConflictError
	if m != nil || !errors.As(err, &conflict) {
		t.Fatalf("got %v, %v", m, err)
	}
	dir := conflict.Dir
	want := &ConflictError{Dir: w.rebaseDir("old"), Base: "linux/old", Onto: w.kernel, Key: "link", Title: "rtnetlink: attach it",
		N: 2, Total: 3, Files: []string{"include/uapi/linux/if_link.h"}}
	conflict.Output = ""
	if d := cmp.Diff(want, conflict); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for _, text := range []string{"patch 2 of 3, link (\"rtnetlink: attach it\")", "git -C " + dir + " add include/uapi/linux/if_link.h",
		"series rebase --continue -o " + dir, "series rebase --abort -o " + dir} {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("no %q in %s", text, err)
		}
	}
	header := filepath.Join(dir, "include/uapi/linux/if_link.h")
	if !strings.Contains(mustRead(t, header), "<<<<<<<") {
		t.Error("no conflict markers")
	}
	// First without a resolution, then with a bad one.
	if _, err := Continue(t.Context(), dir); !errors.As(err, &conflict) || len(conflict.Files) != 1 {
		t.Errorf("unresolved: %v", err)
	}
	w.git(dir, "add", "include")
	if _, err := Continue(t.Context(), dir); !errors.Is(err, ErrMarkers) || !strings.Contains(err.Error(), "if_link.h") {
		t.Errorf("markers: %v", err)
	}
	if _, err := w.rebase("old", w.kernel); !errors.Is(err, ErrBusy) {
		t.Errorf("again: %v", err)
	}
	tr, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Refresh(t.Context(), RefreshOptions{Change: w.load()}); !errors.Is(err, ErrBusy) {
		t.Errorf("refresh: %v", err)
	}
	mustWrite(t, header, uapiHeader("\tIFLA_OTHER,\n\tIFLA_XPS,\n"))
	w.git(dir, "add", "include")
	m, err = Continue(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := pairsReport(m), "hook net: xps: add the hook: the same\n"+
		"link rtnetlink: attach it: the same change, other context lines\ntun tun: ask it: the same\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s\n%s", got, want, m.Pairs[1].Diff)
	}
	if !strings.Contains(m.Pairs[1].Diff, "IFLA_OTHER") {
		t.Errorf("range-diff:\n%s", m.Pairs[1].Diff)
	}
	out, err := m.Tree.Refresh(t.Context(), RefreshOptions{Change: w.load()})
	if err != nil {
		t.Fatal(err)
	}
	if got := report(out); !strings.Contains(got, "2 link rtnetlink: attach it: diff changed\n") {
		t.Errorf("got\n%s", got)
	}
	if err := Abort(t.Context(), dir); !errors.Is(err, ErrNoRebase) {
		t.Errorf("abort at the end: %v", err)
	}
}

func TestRebaseAbort(t *testing.T) {
	t.Parallel()
	w := newBench(t)
	w.conflicting()
	before := w.files("old")
	if _, err := w.rebase("old", w.kernel); err == nil {
		t.Fatal("no conflict")
	}
	dir := w.rebaseDir("old")
	if err := Abort(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the tree is left: %v", err)
	}
	if d := cmp.Diff(before, w.files("old")); d != "" {
		t.Errorf("(-before +after):\n%s", d)
	}
	if err := Abort(t.Context(), dir); !errors.Is(err, ErrNotOurs) {
		t.Errorf("twice: %v", err)
	}
}

// TestRebaseTaken: a rebase drops a patch that the new base already has. Refresh removes
// its file only if the user names the patch.
func TestRebaseTaken(t *testing.T) {
	t.Parallel()
	w := newBench(t)
	w.git(w.kernel, "checkout", "-q", "newer")
	w.edit(w.kernel, "drivers/net/tun.c", "tun 15\n", "tun 15\nask\n")
	w.git(w.kernel, "commit", "-qam", "tun: ask it")
	w.git(w.kernel, "tag", "v9")
	// Rebase onto a revision of the user's own clone.
	m, err := Rebase(t.Context(), RebaseOptions{Options: Options{Change: w.load(), What: "old", Cache: w.cache}, Onto: "v9", Repo: w.kernel})
	if err != nil {
		t.Fatal(err)
	}
	if got := pairsReport(m); !strings.HasSuffix(got, "tun tun: ask it: gone\n") {
		t.Errorf("got\n%s", got)
	}
	var lost *LostError
	if _, err := m.Tree.Refresh(t.Context(), RefreshOptions{Change: w.load()}); !errors.As(err, &lost) || lost.Lost[0].Key != "tun" {
		t.Errorf("refresh: %v", err)
	}
}

func TestRebaseRefuses(t *testing.T) {
	t.Parallel()
	w := newBench(t)
	for onto, want := range map[string]string{
		"old": "this is already its base", "nowhere": `"nowhere" is not another base (there is new), not a directory, and not a commit`, "-x": "not another base",
	} {
		if _, err := w.rebase("old", onto); !errors.Is(err, ErrOnto) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", onto, err)
		}
	}
	if _, err := w.rebase("none", "new"); err == nil {
		t.Error("no base, no error")
	}
	tr := w.checkout("old")
	if _, err := Continue(t.Context(), tr.Dir); !errors.Is(err, ErrNoRebase) {
		t.Errorf("continue: %v", err)
	}
	if err := Abort(t.Context(), tr.Dir); !errors.Is(err, ErrNoRebase) {
		t.Errorf("abort: %v", err)
	}
}
