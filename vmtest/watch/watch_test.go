// SPDX-License-Identifier: GPL-2.0-only OR MIT

package watch

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// mustWrite writes a file and creates its directories.
func mustWrite(tb testing.TB, path string) {
	tb.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("x\n"), 0o644); err != nil {
		tb.Fatal(err)
	}
}

func mustNew(tb testing.TB, dirs ...string) *Watcher {
	tb.Helper()
	w, err := New(dirs...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := w.Close(); err != nil {
			tb.Error(err)
		}
	})
	return w
}

// mustSee waits until want is among the changed paths. On a busy host one write may be
// reported twice, so before lists paths that may still arrive.
func mustSee(tb testing.TB, w *Watcher, want string, before ...string) {
	tb.Helper()
	for seen := false; !seen; {
		for _, path := range mustWait(tb, w) {
			seen = seen || path == want
			if path != want && !slices.Contains(before, path) {
				tb.Errorf("got %q, want %q", path, want)
			}
		}
	}
}

func mustWait(tb testing.TB, w *Watcher) []string {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 15*time.Minute)
	defer cancel()
	changed, err := w.Wait(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	return changed
}

func TestWaitReturnsChangedPaths(t *testing.T) {
	dir := t.TempDir()
	old, deep := filepath.Join(dir, "a.patch"), filepath.Join(dir, "net", "core", "dev.c")
	mustWrite(t, old)
	mustWrite(t, deep)
	w := mustNew(t, dir)

	// Nobody waits now, as during a run.
	mustWrite(t, deep)
	mustSee(t, w, deep)

	// Write as editors do: to a temporary file, then rename.
	mustWrite(t, filepath.Join(dir, ".a.patch.new"))
	if err := os.Rename(filepath.Join(dir, ".a.patch.new"), old); err != nil {
		t.Fatal(err)
	}
	mustSee(t, w, old, deep)

	if err := os.Remove(old); err != nil {
		t.Fatal(err)
	}
	mustSee(t, w, old)
}

func TestNewDirectoriesAreWatched(t *testing.T) {
	dir := t.TempDir()
	w := mustNew(t, dir)
	sub := filepath.Join(dir, "later")
	if err := os.Mkdir(sub, 0o755); err != nil {
		t.Fatal(err)
	}
	mustWait(t, w)
	file := filepath.Join(sub, "new.c")
	mustWrite(t, file)
	mustSee(t, w, file, sub)
}

func TestByProductsAreIgnored(t *testing.T) {
	dir := t.TempDir()
	mustWrite(t, filepath.Join(dir, ".git", "index"))
	w := mustNew(t, dir)
	for _, name := range []string{"dev.o", ".dev.o.cmd", "dev.c~", ".dev.c.swp", "4913", ".git/index", ".git/new/file"} {
		mustWrite(t, filepath.Join(dir, name))
	}
	if err := os.Chtimes(dir, time.Now(), time.Now()); err != nil {
		t.Fatal(err)
	}
	// The last change is reported. An earlier false change would be reported with it.
	last := filepath.Join(dir, "dev.c")
	mustWrite(t, last)
	mustSee(t, w, last)
}

func TestWaitEndsWithItsContext(t *testing.T) {
	w := mustNew(t, t.TempDir())
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("enough")
	cancel(stop)
	if _, err := w.Wait(ctx); !errors.Is(err, stop) {
		t.Errorf("got %v, want %v", err, stop)
	}
}

func TestNewRequiresDirectories(t *testing.T) {
	if _, err := New(t.TempDir(), filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
