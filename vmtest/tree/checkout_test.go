// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"xpsgen/vmtest/progress"
)

func mustCheckout(t *testing.T, src *Source) *Tree {
	t.Helper()
	tr, err := src.Checkout(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	return tr
}

// TestCheckoutTouchesOnlyWhatDiffers: incremental builds depend on it.
func TestCheckoutTouchesOnlyWhatDiffers(t *testing.T) {
	opt := Options{Project: mustSeries(t, mailOf("net: one", diffFirst), mailOf("net: two", diffSecond)), Dir: mustSource(t), Cache: t.TempDir()}
	tr := mustCheckout(t, mustOpen(t, opt))
	before := map[string]time.Time{}
	for name := range sourceFiles() {
		info, err := os.Stat(filepath.Join(tr.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		before[name] = info.ModTime()
	}
	tr.Close()

	opt.Variant.First = 1
	tr = mustCheckout(t, mustOpen(t, opt))
	for name := range sourceFiles() {
		info, err := os.Stat(filepath.Join(tr.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		touched := !info.ModTime().Equal(before[name])
		if want := name == "net/other.c"; touched != want {
			t.Errorf("%s: touched: %v", name, touched)
		}
	}
	if _, err := os.Stat(filepath.Join(tr.Dir, "net/new.c")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file of the patch is still there: %v", err)
	}
}

// TestCheckoutKeepsUnpatchedApart lets the base and the series be built in
// turn without either costing the other its objects.
func TestCheckoutKeepsUnpatchedApart(t *testing.T) {
	opt := Options{Project: mustSeries(t, mailOf("net: one", diffFirst)), Dir: mustSource(t), Cache: t.TempDir()}
	patched := mustOpen(t, opt)
	opt.Variant.Unpatched = true
	unpatched := mustOpen(t, opt)
	if patched.WorkDir() == unpatched.WorkDir() {
		t.Errorf("both work in %s", patched.WorkDir())
	}
	// NB: each has its own lock, so both can be checked out at the same time.
	a, b := mustCheckout(t, patched), mustCheckout(t, unpatched)
	if mustRead(t, filepath.Join(a.Dir, "net/core/dev.c")) == mustRead(t, filepath.Join(b.Dir, "net/core/dev.c")) {
		t.Error("the base has the patch")
	}
}

func TestCheckoutPutsRight(t *testing.T) {
	opt := Options{Project: mustSeries(t, mailOf("net: two", diffSecond)), Dir: mustSource(t), Cache: t.TempDir()}
	src := mustOpen(t, opt)
	tr := mustCheckout(t, src)
	mustWrite(t, filepath.Join(tr.Dir, "net/other.c"), "int wrong;\n")
	if err := os.Remove(filepath.Join(tr.Dir, "net/new.c")); err != nil {
		t.Fatal(err)
	}
	tr.Close()
	// As a killed git leaves it.
	mustWrite(t, filepath.Join(src.WorkDir(), "index.lock"), "")
	tr = mustCheckout(t, src)
	if got := mustRead(t, filepath.Join(tr.Dir, "net/other.c")); got != "int other;\nint more;\n" {
		t.Errorf("other.c is %q", got)
	}
	if got := mustRead(t, filepath.Join(tr.Dir, "net/new.c")); got != "int fresh;\n" {
		t.Errorf("new.c is %q", got)
	}
}

// TestCheckoutAfterKill starts from files without an index, as a run leaves
// them that was killed in its first checkout.
func TestCheckoutAfterKill(t *testing.T) {
	opt := Options{Project: mustSeries(t), Dir: mustSource(t), Cache: t.TempDir()}
	src := mustOpen(t, opt)
	mustWrite(t, filepath.Join(src.WorkDir(), "src", "net", "other.c"), "int ot")
	mustWrite(t, filepath.Join(src.WorkDir(), "src", "Makefile", "odd"), "a directory in the way")
	tr := mustCheckout(t, src)
	for name, want := range sourceFiles() {
		if got := mustRead(t, filepath.Join(tr.Dir, name)); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
}

func TestTwoCheckoutsAtOnce(t *testing.T) {
	opt := Options{Project: mustSeries(t), Dir: mustSource(t), Cache: t.TempDir()}
	first := mustCheckout(t, mustOpen(t, opt))

	var ev events
	waiting := make(chan struct{}, 8)
	opt.Progress = func(e progress.Event) {
		ev.add(e)
		if e.State == progress.Waiting {
			waiting <- struct{}{}
		}
	}
	src := mustOpen(t, opt)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-waiting
		cancel()
	}()
	if _, err := src.Checkout(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v; want it canceled", err)
	}
	if !strings.Contains(ev.notices(), "waiting for another run (pid ") {
		t.Errorf("notices: %q", ev.notices())
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		<-waiting
		first.Close()
	}()
	tr, err := src.Checkout(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	<-closed
	tr.Close()
	tr.Close() // harmless
}

// TestSnapshotOfCheckout takes a git checkout with local changes and leaves it
// as it was.
func TestSnapshotOfCheckout(t *testing.T) {
	dir := mustSource(t)
	mustGit(t, dir, "init", "-q")
	mustGit(t, dir, "add", "-A", "-f")
	mustGit(t, dir, "commit", "-qm", "base")
	mustWrite(t, filepath.Join(dir, "net/other.c"), "int other;\nint mine;\n")
	mustWrite(t, filepath.Join(dir, "net/untracked.c"), "int untracked;\n")
	mustWrite(t, filepath.Join(dir, "net/product.o"), "object")
	before := listing(t, dir)
	opt := Options{Project: mustSeries(t, mailOf("net: one", diffFirst)), Dir: dir, Cache: t.TempDir()}
	src := mustOpen(t, opt)
	tr := mustCheckout(t, src)
	if got := mustRead(t, filepath.Join(tr.Dir, "net/other.c")); got != "int other;\nint mine;\n" {
		t.Errorf("local change lost: %q", got)
	}
	mustRead(t, filepath.Join(tr.Dir, "net/untracked.c"))
	if _, err := os.Stat(filepath.Join(tr.Dir, "net/product.o")); err == nil {
		t.Error("a build product came along")
	}
	if !strings.Contains(mustRead(t, filepath.Join(tr.Dir, "net/core/dev.c")), "first\n") {
		t.Error("patch not applied")
	}
	if src.Version != "6.12.7" {
		t.Errorf("version %q", src.Version)
	}
	if after := listing(t, dir); after != before {
		t.Errorf("the user's directory changed:\n%s\n---\n%s", before, after)
	}
	// The same again costs no new commit; another change does.
	if again := mustOpen(t, opt); again.Key() != src.Key() {
		t.Error("the same directory gave another key")
	}
	mustWrite(t, filepath.Join(dir, "net/other.c"), "int other;\nint changed;\n")
	if again := mustOpen(t, opt); again.Key() == src.Key() {
		t.Error("a change gave the same key")
	}
}

// TestSnapshotOfWorktree takes a linked working tree with changes staged, not
// staged and not tracked. All of them are tested. git tells the user the same
// of the tree as before, down to the index.
func TestSnapshotOfWorktree(t *testing.T) {
	main := mustSource(t)
	mustGit(t, main, "init", "-q")
	mustGit(t, main, "add", "-A", "-f")
	mustGit(t, main, "commit", "-qm", "base")
	dir := filepath.Join(t.TempDir(), "linked")
	mustGit(t, main, "worktree", "add", "-q", "--detach", dir)
	mustWrite(t, filepath.Join(dir, "net/staged.c"), "int staged;\n")
	mustGit(t, dir, "add", "net/staged.c")
	mustWrite(t, filepath.Join(dir, "net/other.c"), "int mine;\n")
	mustWrite(t, filepath.Join(dir, "net/untracked.c"), "int untracked;\n")
	state := func() string {
		return strings.Join([]string{
			mustGit(t, dir, "--no-optional-locks", "status", "--porcelain"), mustGit(t, dir, "rev-parse", "HEAD"), mustGit(t, dir, "ls-files", "--stage"),
			mustGit(t, dir, "worktree", "list"), mustGit(t, dir, "for-each-ref"), mustGit(t, dir, "count-objects"),
			listing(t, dir), listing(t, main),
		}, "\n")
	}
	before := state()
	tr := mustCheckout(t, mustOpen(t, Options{Project: mustSeries(t, mailOf("net: one", diffFirst)), Dir: dir, Cache: t.TempDir()}))
	for name, want := range map[string]string{
		"net/staged.c": "int staged;\n", "net/other.c": "int mine;\n", "net/untracked.c": "int untracked;\n",
	} {
		if got := mustRead(t, filepath.Join(tr.Dir, name)); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if !strings.Contains(mustRead(t, filepath.Join(tr.Dir, "net/core/dev.c")), "first\n") {
		t.Error("patch not applied")
	}
	if after := state(); after != before {
		t.Errorf("the user's working tree changed:\n%s\n---\n%s", before, after)
	}
}

func TestSnapshotOfPlainDirectory(t *testing.T) {
	dir := mustSource(t)
	for _, product := range []string{"net/x.o", ".config", "include/generated/a.h", "vmlinux", "net/.x.o.cmd"} {
		mustWrite(t, filepath.Join(dir, product), "product")
	}
	before := listing(t, dir)
	tr := mustCheckout(t, mustOpen(t, Options{Project: mustSeries(t), Dir: dir, Cache: t.TempDir()}))
	for name, want := range sourceFiles() {
		if got := mustRead(t, filepath.Join(tr.Dir, name)); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if got := strings.Count(listing(t, tr.Dir), "\n"); got != len(sourceFiles()) {
		t.Errorf("%d files, want %d:\n%s", got, len(sourceFiles()), listing(t, tr.Dir))
	}
	if after := listing(t, dir); after != before {
		t.Errorf("the user's directory changed:\n%s\n---\n%s", before, after)
	}
}

func TestSnapshotOfSomethingElse(t *testing.T) {
	for name, dir := range map[string]string{"empty": t.TempDir(), "missing": filepath.Join(t.TempDir(), "x")} {
		_, err := Open(t.Context(), Options{Project: mustSeries(t), Dir: dir, Cache: t.TempDir()})
		if !errors.Is(err, ErrObtain) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// listing is every file below dir with size and date, .git included.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		date := info.ModTime().String()
		if strings.HasPrefix(rel, ".git/objects/") {
			date = "" // git notes on an object that it was asked for
		}
		b.WriteString(rel + " " + date + " " + info.Mode().String() + "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
