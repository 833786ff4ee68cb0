// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func mustOpen(t *testing.T, opt Options) *Source {
	t.Helper()
	if opt.Cache == "" {
		opt.Cache = t.TempDir()
	}
	src, err := Open(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func mustCommit(t *testing.T, src *Source) string {
	t.Helper()
	commit, err := src.Commit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return commit
}

// TestApplyLikeGitAm checks that applying a series makes the same tree as git am.
func TestApplyLikeGitAm(t *testing.T) {
	dir := mustSource(t)
	s := mustSeries(t, mailOf("net: one", diffFirst), mailOf("net: two", diffSecond))
	src := mustOpen(t, Options{Project: s, Dir: dir})
	tree, err := src.TreeID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mustGit(t, dir, "init", "-q")
	mustGit(t, dir, "add", "-A", "-f")
	mustGit(t, dir, "commit", "-qm", "base")
	mustGit(t, dir, "am", "-q", s.Series[0].Bases[0].Patches[0].Path, s.Series[0].Bases[0].Patches[1].Path)
	if want := mustGit(t, dir, "rev-parse", "HEAD^{tree}"); tree != want {
		t.Errorf("tree %s, git am makes %s", tree, want)
	}
	log, err := src.git().output(t.Context(), "log", "--format=%an <%ae> %ad %cn %s|%b", mustCommit(t, src))
	if err != nil {
		t.Fatal(err)
	}
	want := "xpsgen <xpsgen@workbench.invalid> Sun Nov 22 12:00:00 2026 +0000 xpsgen net: two|Why it is so."
	if got, _, _ := strings.Cut(log, "\n"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestCommitIsPure(t *testing.T) {
	s := mustSeries(t, mailOf("net: one", diffFirst))
	a := mustCommit(t, mustOpen(t, Options{Project: s, Dir: mustSource(t)}))
	b := mustCommit(t, mustOpen(t, Options{Project: s, Dir: mustSource(t)}))
	if a != b {
		t.Errorf("the same input gave %s and %s", a, b)
	}
}

func TestVariants(t *testing.T) {
	dir, cache := mustSource(t), t.TempDir()
	s := mustSeries(t, mailOf("net: one", diffFirst), mailOf("net: two", diffSecond))
	extra := filepath.Join(t.TempDir(), "mutant.patch")
	mustWrite(t, extra, mailOf("mutant", strings.ReplaceAll(diffSecond, "/new.c", "/mutant.c")[strings.Index(diffSecond, "diff --git a/net/new"):]))
	keys := map[string]string{}
	for name, v := range map[string]Variant{
		"all": {}, "unpatched": {Unpatched: true}, "first": {First: 1},
		"all+mutant": {Extra: []string{extra}}, "unpatched+mutant": {Unpatched: true, Extra: []string{extra}},
	} {
		src := mustOpen(t, Options{Project: s, Dir: dir, Cache: cache, Variant: v})
		if other, ok := keys[src.Key()]; ok {
			t.Errorf("%s and %s have the same key", name, other)
		}
		keys[src.Key()] = name
		files, err := src.git().output(t.Context(), "ls-tree", "-r", "--name-only", mustCommit(t, src))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := strings.Contains(files, "net/mutant.c"), len(v.Extra) > 0; got != want {
			t.Errorf("%s: mutant there: %v", name, got)
		}
		if got, want := strings.Contains(files, "net/new.c"), strings.HasPrefix(name, "all"); got != want {
			t.Errorf("%s: second patch there: %v", name, got)
		}
	}
	for _, v := range []Variant{{First: 3}, {First: -1}, {First: 1, Unpatched: true}} {
		if _, err := Open(t.Context(), Options{Project: s, Dir: dir, Cache: cache, Variant: v}); err == nil {
			t.Errorf("%+v: no error", v)
		}
	}
}

// wrapped is a patch as a mail program may send it.
func wrapped(patch, name string, encode func([]byte) string) string {
	head, body, _ := strings.Cut(patch, "\n\n")
	return head + "\nContent-Transfer-Encoding: " + name + "\n\n" + encode([]byte(body)) + "\n"
}

func TestPatchDoesNotApply(t *testing.T) {
	good := mailOf("net: one", diffFirst)
	for name, tc := range map[string]struct {
		patch  string
		file   string
		hunk   int
		line   int
		reason string
	}{
		"second hunk": {mailOf("x", strings.Replace(diffFirst, " line 40\n", " line forty\n", 1)),
			"net/core/dev.c", 2, 20, "does not apply"},
		"tabs became spaces": {mailOf("x", strings.Replace(diffFirst, " line 10\n", "  line 10\n", 1)),
			"net/core/dev.c", 1, 13, "does not apply"},
		"file is not there": {mailOf("x", strings.ReplaceAll(diffFirst, "dev.c", "gone.c")),
			"net/core/gone.c", 0, 10, "does not exist"},
		"file is there already": {mailOf("x", strings.ReplaceAll(diffSecond[strings.Index(diffSecond, "diff --git a/net/new"):], "new.c", "other.c")),
			"net/other.c", 0, 10, "already exists"},
		"truncated":           {mailOf("x", diffFirst)[:420], "", 0, 24, "corrupt patch"},
		"trailing whitespace": {mailOf("x", strings.Replace(diffFirst, "+first\n", "+first \n", 1)), "", 0, 17, "trailing whitespace"},
		"CRLF":                {strings.ReplaceAll(good, "\n", "\r\n"), "net/core/dev.c", 1, 13, "does not apply (the patch has CRLF line ends)"},
		"base64": {wrapped(good, "base64", base64.StdEncoding.EncodeToString), "", 0, 0,
			"No valid patches in input (allow with \"--allow-empty\") (the patch is in base64, a mail encoding: apply it with git am"},
		"quoted-printable": {wrapped(good, "Quoted-Printable", func(b []byte) string {
			return strings.ReplaceAll(strings.ReplaceAll(string(b), "=", "=3D"), "line 10", "line=2010")
		}), "net/core/dev.c", 1, 0, "does not apply (the patch is in quoted-printable, a mail encoding"},
		"cover letter": {mailOf("cover", ""), "", 0, 0, "No valid patches in input"},
		"empty":        {"", "", 0, 0, "empty patch"},
		"no mail":      {diffFirst, "", 0, 0, "not a patch by git format-patch"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, cache := mustSource(t), t.TempDir()
			// An existing tree must not change.
			before := mustOpen(t, Options{Project: mustSeries(t, mailOf("net: two", diffSecond)), Dir: dir, Cache: cache})
			tr, err := before.Checkout(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			tr.Close()

			src := mustOpen(t, Options{Project: mustSeries(t, mailOf("net: two", diffSecond), tc.patch), Dir: dir, Cache: cache})
			_, err = src.Checkout(t.Context())
			var aerr *ApplyError
			if !errors.As(err, &aerr) {
				t.Fatalf("got %v; want an ApplyError", err)
			}
			if aerr.N != 2 || aerr.Total != 2 || aerr.Patch.File != "0002-patch.patch" {
				t.Errorf("blames patch %d of %d, %s", aerr.N, aerr.Total, aerr.Patch.File)
			}
			if aerr.File != tc.file || aerr.Hunk != tc.hunk || (tc.line > 0 && aerr.Line != tc.line) {
				t.Errorf("file %q hunk %d line %d, want %q %d %d\n%s", aerr.File, aerr.Hunk, aerr.Line, tc.file, tc.hunk, tc.line, aerr.Output)
			}
			if !strings.Contains(aerr.Reason, tc.reason) || !strings.Contains(err.Error(), "0002-patch.patch") {
				t.Errorf("reason %q in %q, want %q", aerr.Reason, err, tc.reason)
			}
			if got := mustRead(t, filepath.Join(tr.Dir, "net/other.c")); got != "int other;\nint more;\n" {
				t.Errorf("the tree was touched: %q", got)
			}
			left, err := filepath.Glob(filepath.Join(cache, "base", "*", ".apply-*"))
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
			// The lock is free again.
			if tr, err = before.Checkout(t.Context()); err != nil {
				t.Fatal(err)
			}
			tr.Close()
		})
	}
}

// TestFailureIsNotRemembered repairs a patch and tries again.
func TestFailureIsNotRemembered(t *testing.T) {
	dir, cache := mustSource(t), t.TempDir()
	s := mustSeries(t, mailOf("x", strings.Replace(diffFirst, "line 40", "line forty", 1)))
	if _, err := mustOpen(t, Options{Project: s, Dir: dir, Cache: cache}).Commit(t.Context()); err == nil {
		t.Fatal("no error")
	}
	if err := os.WriteFile(s.Series[0].Bases[0].Patches[0].Path, []byte(mailOf("x", diffFirst)), 0o644); err != nil {
		t.Fatal(err)
	}
	mustCommit(t, mustOpen(t, Options{Project: s, Dir: dir, Cache: cache}))
}

// TestDirectoryHasThePatches accepts a user's tree that already has the whole series, and
// rejects one that has only a part of it.
func TestDirectoryHasThePatches(t *testing.T) {
	dir, cache := mustSource(t), t.TempDir()
	both := mustSeries(t, mailOf("net: one", diffFirst), mailOf("net: two", diffSecond))
	tr := mustCheckout(t, mustOpen(t, Options{Project: both, Dir: dir, Cache: cache}))
	var ev events
	again := mustOpen(t, Options{Project: both, Dir: tr.Dir, Cache: cache, Progress: ev.add})
	if got := mustCommit(t, again); got != again.BaseCommit {
		t.Errorf("commit %s, base %s", got, again.BaseCommit)
	}
	if !strings.Contains(ev.notices(), "has the patches already") {
		t.Errorf("notices: %s", ev.notices())
	}
	mustWrite(t, filepath.Join(tr.Dir, "net/other.c"), "int other;\n")
	_, err := mustOpen(t, Options{Project: both, Dir: tr.Dir, Cache: cache}).Commit(t.Context())
	var aerr *ApplyError
	if !errors.As(err, &aerr) || aerr.N != 1 {
		t.Errorf("got %v", err)
	}
}
