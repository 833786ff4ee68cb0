// SPDX-License-Identifier: GPL-2.0-only OR MIT

package worktree

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// files returns the names and contents of a base's directory, and its list of patches.
func (w *bench) files(base string) map[string]string {
	w.tb.Helper()
	dir := filepath.Join(w.root, "kernel-patches/queue", base)
	entries, err := os.ReadDir(dir)
	if err != nil {
		w.tb.Fatal(err)
	}
	m := map[string]string{}
	for _, e := range entries {
		m[e.Name()] = mustRead(w.tb, filepath.Join(dir, e.Name()))
	}
	m["series.toml"] = mustRead(w.tb, filepath.Join(w.root, "kernel-patches/series.toml"))
	return m
}

func TestCheckout(t *testing.T) {
	w := newBench(t)
	for base, want := range map[string]string{
		"old": "tun: ask it\nrtnetlink: attach it\nnet: xps: add the hook\nstart",
		"ip":  "ip: link: xps\nstart",
	} {
		tr := w.checkout(base)
		if got := w.git(tr.Dir, "log", "--format=%s", "--no-notes"); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", base, got, want)
		}
		if got := w.git(tr.Dir, "status", "--porcelain"); got != "" {
			t.Errorf("%s: not clean:\n%s", base, got)
		}
		again, err := Open(t.Context(), tr.Dir)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(tr.settings(), again.settings()); d != "" {
			t.Errorf("(-made +opened):\n%s", d)
		}
	}
	if _, err := Checkout(t.Context(), Options{Change: w.load(), What: "old", Cache: w.cache}); !errors.Is(err, ErrExists) {
		t.Errorf("twice: %v", err)
	}
	if _, err := Checkout(t.Context(), Options{Change: w.load(), What: "none", Cache: w.cache}); err == nil || !strings.Contains(err.Error(), "there is iplink/ip, queue/old") {
		t.Errorf("no base: %v", err)
	}
	if _, err := Open(t.Context(), w.kernel); !errors.Is(err, ErrNotOurs) {
		t.Errorf("another repository: %v", err)
	}
	if _, err := Open(t.Context(), t.TempDir()); !errors.Is(err, ErrNotOurs) {
		t.Errorf("no repository: %v", err)
	}
}

// TestRefreshNothing: refresh writes only changed patches.
func TestRefreshNothing(t *testing.T) {
	w := newBench(t)
	before := w.files("old")
	tr := w.checkout("old")
	out, err := tr.Refresh(t.Context(), RefreshOptions{Change: w.load()})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before, w.files("old")); d != "" {
		t.Errorf("(-before +after):\n%s", d)
	}
	if len(out.Written)+len(out.Removed) > 0 {
		t.Errorf("written %v, removed %v", out.Written, out.Removed)
	}
	if want := "1 hook net: xps: add the hook: unchanged\n2 link rtnetlink: attach it: unchanged\n3 tun tun: ask it: unchanged\n"; report(out) != want {
		t.Errorf("got\n%s", report(out))
	}
}

// TestRefresh: each way to work on a series has exactly this outcome.
func TestRefresh(t *testing.T) {
	for name, tc := range map[string]struct {
		do     func(w *bench, dir string)
		opt    RefreshOptions
		report string
		files  []string
	}{
		"amend the last": {
			do: func(w *bench, dir string) {
				w.edit(dir, "drivers/net/tun.c", "ask\n", "ask twice\n")
				w.git(dir, "commit", "-q", "-a", "--amend", "--no-edit")
			},
			report: "1 hook net: xps: add the hook: unchanged\n2 link rtnetlink: attach it: unchanged\n3 tun tun: ask it: diff changed\n",
			files:  []string{"0001-net-xps-add-the-hook.patch", "0002-rtnetlink-attach-it.patch", "0003-tun-ask-it.patch"},
		},
		"amend the first by fixup": {
			do: func(w *bench, dir string) {
				w.edit(dir, "net/core/dev.c", "hook\n", "hook twice\n")
				w.git(dir, "commit", "-q", "-a", "--fixup=HEAD~2")
				w.git(dir, "rebase", "-q", "-i", "--autosquash", "base")
			},
			report: "1 hook net: xps: add the hook: diff changed\n2 link rtnetlink: attach it: context changed\n3 tun tun: ask it: unchanged\n",
			files:  []string{"0001-net-xps-add-the-hook.patch", "0002-rtnetlink-attach-it.patch", "0003-tun-ask-it.patch"},
		},
		"reword": {
			do: func(w *bench, dir string) {
				w.git(dir, "commit", "-q", "--amend", "-m", "tun: ask the program\n\nAnd say why.")
			},
			report: "1 hook net: xps: add the hook: unchanged\n2 link rtnetlink: attach it: unchanged\n" +
				"3 tun tun: ask the program: title, message changed; was \"tun: ask it\"\n",
			files: []string{"0001-net-xps-add-the-hook.patch", "0002-rtnetlink-attach-it.patch", "0003-tun-ask-the-program.patch"},
		},
		"reorder": {
			do: func(w *bench, dir string) { w.rebaseTodo(dir, "1{h;d};3{G}") },
			report: "1 link rtnetlink: attach it: context changed\n2 tun tun: ask it: unchanged\n" +
				"3 hook net: xps: add the hook: moved from 1; context changed\n",
			files: []string{"0001-rtnetlink-attach-it.patch", "0002-tun-ask-it.patch", "0003-net-xps-add-the-hook.patch"},
		},
		"drop": {
			do:     func(w *bench, dir string) { w.git(dir, "reset", "-q", "--hard", "HEAD^") },
			opt:    RefreshOptions{Drop: []string{"tun"}},
			report: "1 hook net: xps: add the hook: unchanged\n2 link rtnetlink: attach it: unchanged\n- tun tun: ask it: dropped\n",
			files:  []string{"0001-net-xps-add-the-hook.patch", "0002-rtnetlink-attach-it.patch"},
		},
		"new in the middle": {
			do: func(w *bench, dir string) {
				w.edit(dir, "drivers/net/tun.c", "tun 2\n", "tun 2\nprepare\n")
				w.commit(dir, "tun: prepare for the program that asks")
				w.rebaseTodo(dir, "3{h;d};4{G}")
			},
			report: "1 hook net: xps: add the hook: unchanged\n2 link rtnetlink: attach it: unchanged\n" +
				"3 prepare-for-the-program tun: prepare for the program that asks: new\n4 tun tun: ask it: context changed\n",
			files: []string{"0001-net-xps-add-the-hook.patch", "0002-rtnetlink-attach-it.patch",
				"0003-tun-prepare-for-the-program-that-asks.patch", "0004-tun-ask-it.patch"},
		},
		"new with a key": {
			do: func(w *bench, dir string) {
				w.edit(dir, "drivers/net/tun.c", "tun 2\n", "tun 2\nmore\n")
				w.commit(dir, "tun: more")
			},
			opt: RefreshOptions{Keys: map[string]string{"HEAD": "tun-more"}},
			report: "1 hook net: xps: add the hook: unchanged\n2 link rtnetlink: attach it: unchanged\n3 tun tun: ask it: unchanged\n" +
				"4 tun-more tun: more: new\n",
			files: []string{"0001-net-xps-add-the-hook.patch", "0002-rtnetlink-attach-it.patch", "0003-tun-ask-it.patch", "0004-tun-more.patch"},
		},
		"split": {
			do: func(w *bench, dir string) {
				w.script(dir, []string{"GIT_SEQUENCE_EDITOR=sed -i -e '2s/^pick/edit/'"}, "rebase", "-q", "-i", "base")
				w.git(dir, "reset", "-q", "HEAD^")
				w.git(dir, "add", "include")
				w.git(dir, "commit", "-qm", "uapi: number the attribute")
				w.git(dir, "commit", "-qam", "rtnetlink: attach it\n\n# Not a comment.", "--cleanup=verbatim")
				w.git(dir, "rebase", "--continue")
			},
			report: "1 hook net: xps: add the hook: unchanged\n2 number-the-attribute uapi: number the attribute: new\n" +
				"3 link rtnetlink: attach it: diff changed\n4 tun tun: ask it: unchanged\n",
			files: []string{"0001-net-xps-add-the-hook.patch", "0002-uapi-number-the-attribute.patch", "0003-rtnetlink-attach-it.patch", "0004-tun-ask-it.patch"},
		},
		"split by amending": {
			do: func(w *bench, dir string) {
				w.script(dir, []string{"GIT_SEQUENCE_EDITOR=sed -i -e '2s/^pick/edit/'"}, "rebase", "-q", "-i", "base")
				w.git(dir, "reset", "-q", "HEAD^", "--", "include")
				w.git(dir, "commit", "-q", "--amend", "--no-edit")
				w.git(dir, "commit", "-qam", "uapi: number the attribute")
				w.git(dir, "rebase", "--continue")
			},
			report: "1 hook net: xps: add the hook: unchanged\n2 link rtnetlink: attach it: diff changed\n" +
				"3 number-the-attribute uapi: number the attribute: new, split off link\n4 tun tun: ask it: unchanged\n",
			files: []string{"0001-net-xps-add-the-hook.patch", "0002-rtnetlink-attach-it.patch", "0003-uapi-number-the-attribute.patch", "0004-tun-ask-it.patch"},
		},
		"squash": {
			do:  func(w *bench, dir string) { w.rebaseTodo(dir, "2s/^pick/fixup/") },
			opt: RefreshOptions{Drop: []string{"link"}},
			report: "1 hook net: xps: add the hook: diff changed\n2 tun tun: ask it: unchanged\n" +
				"- link rtnetlink: attach it: dropped, squashed into hook\n",
			files: []string{"0001-net-xps-add-the-hook.patch", "0002-tun-ask-it.patch"},
		},
		"without notes": {
			do: func(w *bench, dir string) {
				w.git(dir, "update-ref", "-d", notesRef)
				w.git(dir, "commit", "-q", "--amend", "-m", "tun: ask the program")
				w.edit(dir, "drivers/net/tun.c", "tun 2\n", "tun 2\nmore\n")
				w.commit(dir, "tun: more")
			},
			report: "1 hook net: xps: add the hook: recognised by its diff\n2 link rtnetlink: attach it: recognised by its diff\n" +
				"3 tun tun: ask the program: title changed; was \"tun: ask it\"; recognised by its diff\n4 more tun: more: new\n",
			files: []string{"0001-net-xps-add-the-hook.patch", "0002-rtnetlink-attach-it.patch", "0003-tun-ask-the-program.patch", "0004-tun-more.patch"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newBench(t)
			tr := w.checkout("old")
			tc.do(w, tr.Dir)
			tc.opt.Change = w.load()
			tree := w.git(tr.Dir, "rev-parse", "HEAD^{tree}")

			dry := tc.opt
			dry.DryRun = true
			before := w.files("old")
			if _, err := tr.Refresh(t.Context(), dry); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(before, w.files("old")); d != "" {
				t.Fatalf("dry run: (-before +after):\n%s", d)
			}

			out, err := tr.Refresh(t.Context(), tc.opt)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.report, report(out)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			var names []string
			for _, p := range w.load().Find("queue").Base("old").Patches {
				names = append(names, filepath.Base(p.Path))
				if err := p.CheckCanonical(); err != nil {
					t.Error(err)
				}
			}
			if d := cmp.Diff(tc.files, names); d != "" {
				t.Errorf("files (-want +got):\n%s", d)
			}
			// A second refresh has nothing to do, and the patches give the same tree.
			again, err := tr.Refresh(t.Context(), RefreshOptions{Change: w.load()})
			if err != nil || len(again.Written)+len(again.Removed) > 0 {
				t.Errorf("again: %v, %+v", err, again)
			}
			other, err := Checkout(t.Context(), Options{Change: w.load(), What: "old", Cache: w.cache, Dir: filepath.Join(t.TempDir(), "other")})
			if err != nil {
				t.Fatal(err)
			}
			if got := w.git(other.Dir, "rev-parse", "HEAD^{tree}"); got != tree {
				t.Errorf("the patches make another tree")
			}
		})
	}
}

// TestRefreshRefuses: refresh writes nothing, and the error names the remedy.
func TestRefreshRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		do   func(w *bench, dir string)
		opt  RefreshOptions
		kind error
		want string
	}{
		"lost": {
			do:   func(w *bench, dir string) { w.rebaseTodo(dir, "2d") },
			want: "link (\"rtnetlink: attach it\")\nTo drop them, use --drop link.",
		},
		"squashed": {
			do:   func(w *bench, dir string) { w.rebaseTodo(dir, "2s/^pick/fixup/") },
			want: "which was squashed into hook\nTo drop them, use --drop link.",
		},
		"all lost": {
			do:   func(w *bench, dir string) { w.git(dir, "reset", "-q", "--hard", "base") },
			want: "--drop hook --drop link --drop tun",
		},
		"dropped but there": {do: func(*bench, string) {}, opt: RefreshOptions{Drop: []string{"tun"}}, kind: ErrKey, want: "still has that patch"},
		"no such drop":      {do: func(*bench, string) {}, opt: RefreshOptions{Drop: []string{"x"}}, kind: ErrKey, want: `linux/old has no patch "x"`},
		"no such commit":    {do: func(*bench, string) {}, opt: RefreshOptions{Keys: map[string]string{"base": "x"}}, kind: ErrKey, want: "not a commit of the series"},
		"bad key": {
			do: func(*bench, string) {}, opt: RefreshOptions{Keys: map[string]string{"HEAD": "a b"}, Drop: []string{"tun"}},
			want: `patch key "a b": want letters, digits`,
		},
		"local changes": {
			do:   func(w *bench, dir string) { w.edit(dir, "Kbuild", "nothing", "something") },
			kind: ErrDirty, want: " M Kbuild\nCommit them",
		},
		"untracked": {
			do:   func(w *bench, dir string) { mustWrite(w.tb, filepath.Join(dir, "new.c"), "x\n") },
			kind: ErrDirty, want: "?? new.c",
		},
		"in a rebase": {
			do: func(w *bench, dir string) {
				w.script(dir, []string{"GIT_SEQUENCE_EDITOR=sed -i -e '2s/^pick/edit/'"}, "rebase", "-q", "-i", "base")
			},
			kind: ErrBusy, want: "git rebase --continue, or git rebase --abort",
		},
		"a merge": {
			do: func(w *bench, dir string) {
				w.git(dir, "checkout", "-q", "-b", "side", "HEAD^")
				mustWrite(w.tb, filepath.Join(dir, "side"), "x\n")
				w.commit(dir, "side")
				w.git(dir, "merge", "-q", "stack/old", "-m", "merge")
			},
			kind: ErrHistory, want: "rebase the commits onto",
		},
		"elsewhere": {
			do: func(w *bench, dir string) {
				w.git(dir, "checkout", "-q", "--orphan", "other")
				w.git(dir, "commit", "-qm", "root")
			},
			kind: ErrHistory,
		},
		"empty commit": {
			do:   func(w *bench, dir string) { w.git(dir, "commit", "-q", "--allow-empty", "-m", "net: nothing") },
			kind: ErrCommit, want: `("net: nothing"): empty patch`,
		},
		"binary": {
			do: func(w *bench, dir string) {
				mustWrite(w.tb, filepath.Join(dir, "blob"), "\x00\x01")
				w.commit(dir, "net: blob")
			},
			kind: ErrCommit, want: "binary file in the diff: blob",
		},
		"files changed": {
			do: func(w *bench, dir string) {
				path := filepath.Join(w.root, "kernel-patches/queue/old/0003-tun-ask-it.patch")
				mustWrite(w.tb, path, strings.Replace(mustRead(w.tb, path), "+ask\n", "+ask!\n", 1))
			},
			kind: ErrStale, want: "--force",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newBench(t)
			tr := w.checkout("old")
			tc.do(w, tr.Dir)
			before := w.files("old")
			tc.opt.Change = w.load()
			out, err := tr.Refresh(t.Context(), tc.opt)
			var lost *LostError
			if out != nil || err == nil || tc.kind != nil && !errors.Is(err, tc.kind) ||
				tc.kind == nil && !errors.As(err, &lost) && name != "bad key" || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, %v\nwant %v with %q", out, err, tc.kind, tc.want)
			}
			if d := cmp.Diff(before, w.files("old")); d != "" {
				t.Errorf("(-before +after):\n%s", d)
			}
		})
	}
}

// TestCacheIsGone: the tree uses the objects of its base in the cache, and
// works again when they are back.
func TestCacheIsGone(t *testing.T) {
	t.Parallel()
	w := newBench(t)
	tr := w.checkout("old")
	w.edit(tr.Dir, "drivers/net/tun.c", "ask\n", "ask twice\n")
	w.git(tr.Dir, "commit", "-q", "-a", "--amend", "--no-edit")
	if err := os.RemoveAll(w.cache); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), tr.Dir); !errors.Is(err, ErrNoBase) || !strings.Contains(err.Error(), "xpsgen tree apply linux/old") {
		t.Errorf("got %v", err)
	}
	if _, err := Checkout(t.Context(), Options{Change: w.load(), What: "old", Cache: w.cache, Dir: filepath.Join(t.TempDir(), "other")}); err != nil {
		t.Fatal(err)
	}
	again, err := Open(t.Context(), tr.Dir)
	if err != nil {
		t.Fatal(err)
	}
	out, err := again.Refresh(t.Context(), RefreshOptions{Change: w.load()})
	if err != nil {
		t.Fatal(err)
	}
	if got := report(out); !strings.Contains(got, "tun tun: ask it: diff changed") {
		t.Errorf("got\n%s", got)
	}
}
