// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeTree is a fake of a kernel tree for make headers. It logs each run in the file
// "runs". line is the text in its Makefile that can fail or sleep.
func fakeTree(t *testing.T, line string) string {
	t.Helper()
	requireCompiler(t, "make")
	tree := t.TempDir()
	dir := filepath.Join(tree, "include", "uapi", "linux")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, filepath.Join(dir, "a.h"), "#define A 1\n")
	mustWrite(t, filepath.Join(tree, "Makefile"), ".RECIPEPREFIX = >\nheaders:\n"+
		"> @echo $(ARCH) >>runs\n> "+line+"\n> @mkdir -p $(O)/usr\n> @cp -r include/uapi $(O)/usr/include\n")
	return tree
}

func runs(t *testing.T, tree string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(tree, "runs"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(text)), " ")
}

func TestOpenTree(t *testing.T) {
	tree := fakeTree(t, "@:")
	src, err := Open(t.Context(), SourceOptions{Tree: tree, Arch: "arm64"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(src.Dirs[0], "linux", "a.h")); err != nil {
		t.Error(err)
	}
	if err := src.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(src.Dirs[0]); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Close: %v", err)
	}
	if got := runs(t, tree); got != "arm64" {
		t.Errorf("made for %s", got)
	}
}

func TestOpenTreeCached(t *testing.T) {
	tree, cache := fakeTree(t, "@:"), t.TempDir()
	opt := SourceOptions{Tree: tree, CacheDir: cache}
	// Leftovers of a killed run.
	if err := os.MkdirAll(filepath.Join(cache, "incomplete", "usr", "include", "linux"), 0o755); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			src, err := Open(t.Context(), opt)
			if err != nil {
				t.Error(err)
				return
			}
			if err := src.Close(); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(filepath.Join(src.Dirs[0], "linux", "a.h")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := runs(t, tree); got != "x86" {
		t.Errorf("three at once made %s, want one run", got)
	}
	header := filepath.Join(tree, "include", "uapi", "linux", "a.h")
	mustWrite(t, header, "#define A 2\n")
	later := time.Now().Add(time.Second)
	if err := os.Chtimes(header, later, later); err != nil {
		t.Fatal(err)
	}
	src, err := Open(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(src.Dirs[0], "linux", "a.h"))
	if err != nil || string(text) != "#define A 2\n" {
		t.Errorf("after a change: %q, %v", text, err)
	}
	if got := runs(t, tree); got != "x86 x86" {
		t.Errorf("made %s", got)
	}
}

// A change of any file that make headers reads makes the headers anew.
func TestOpenTreeInputs(t *testing.T) {
	tree, cache := fakeTree(t, "@:"), t.TempDir()
	opt := SourceOptions{Tree: tree, Arch: "s390x", CacheDir: cache}
	want := ""
	for _, name := range []string{"", "Kbuild", "scripts/syscallhdr.sh", "include/asm-generic/Kbuild", "arch/s390/Makefile",
		"arch/s390/include/asm/Kbuild", "arch/s390/include/uapi/asm/a.h", "arch/s390/kernel/syscalls/syscall.tbl",
		"arch/s390/tools/gen.c", "arch/s390/entry/syscalls/syscall.tbl"} {
		if name != "" {
			file := filepath.Join(tree, name)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			mustWrite(t, file, "new\n")
		}
		src, err := Open(t.Context(), opt)
		if err != nil {
			t.Fatal(err)
		}
		if err := src.Close(); err != nil {
			t.Error(err)
		}
		want = strings.TrimSpace(want + " s390")
		if got := runs(t, tree); got != want {
			t.Fatalf("after a change of %q: made %s, want %s", name, got, want)
		}
	}
}

func TestOpenTreeFails(t *testing.T) {
	tree, cache := fakeTree(t, "@echo scripts/unifdef is broken >&2; false"), t.TempDir()
	var log bytes.Buffer
	_, err := Open(t.Context(), SourceOptions{Tree: tree, CacheDir: cache, Log: &log})
	if err == nil || !strings.Contains(err.Error(), "scripts/unifdef is broken") {
		t.Errorf("got %v", err)
	}
	if !strings.Contains(log.String(), "scripts/unifdef is broken") {
		t.Errorf("log %q", log.String())
	}
	for name := range readNames(t, cache) {
		if name != "lock" {
			t.Errorf("left %s in the cache", name)
		}
	}
}

func TestOpenTreeCancelled(t *testing.T) {
	tree, cache := fakeTree(t, "@exec sleep 3600"), t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(filepath.Join(tree, "runs")); err == nil {
				cancel()
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	// make would take an hour if it were not stopped.
	_, err := Open(ctx, SourceOptions{Tree: tree, CacheDir: cache})
	cancel()
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if len(readNames(t, cache)) > 1 {
		t.Errorf("left %v in the cache", readNames(t, cache))
	}
}

func readNames(t *testing.T, dir string) map[string]bool {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]bool)
	for _, e := range entries {
		names[e.Name()] = true
	}
	return names
}
