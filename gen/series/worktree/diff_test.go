// SPDX-License-Identifier: GPL-2.0-only OR MIT

package worktree

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// TestDiffBases: each patch shows the differences between two bases.
func TestDiffBases(t *testing.T) {
	t.Parallel()
	w := newBench(t)
	dir := w.clone(w.kernel, w.newBase)
	w.edit(dir, "net/core/dev.c", "line 20\n", "line 20\nanother hook\n")
	w.commit(dir, "net: xps: add the hook\n\nBecause.\n\nLink: https://example.org/1")
	w.edit(dir, "drivers/net/tun.c", "tun 15\n", "tun 15\nask\n")
	w.commit(dir, "tun: ask it")
	w.edit(dir, "drivers/net/tun.c", "tun 2\n", "tun 2\nmore\n")
	w.commit(dir, "tun: more")
	w.export(dir, w.newBase, "kernel-patches/queue/new", "hook", "tun", "more")

	c := w.load()
	opt := DiffOptions{Options: Options{Change: c, Cache: w.cache}, Series: c.Find("queue"), Old: "old", New: "new"}
	pairs, err := Diff(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := pairsReport(&Moved{Pairs: pairs}), "hook net: xps: add the hook: changed\ntun tun: ask it: the same\n"+
		"more tun: more: new\nlink rtnetlink: attach it: gone\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if !strings.Contains(pairs[0].Diff, "-+hook\n") || !strings.Contains(pairs[0].Diff, "++another hook\n") {
		t.Errorf("range-diff:\n%s", pairs[0].Diff)
	}
	for _, name := range []string{"v1", "none"} {
		opt.Old = name
		if _, err := Diff(t.Context(), opt); !errors.Is(err, ErrNoForm) {
			t.Errorf("%s: %v", name, err)
		}
	}
	entries, err := os.ReadDir(w.cache)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".diff-") {
			t.Errorf("%s is left", e.Name())
		}
	}
}
