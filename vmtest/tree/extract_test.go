// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExtractPaths(t *testing.T) {
	src := mustOpen(t, Options{Project: mustSeries(t, mailOf("net: two", diffSecond)), Dir: mustSource(t), Cache: t.TempDir()})
	dir := t.TempDir()
	if err := src.ExtractPaths(t.Context(), dir, "net/core", "Kbuild", "not/there"); err != nil {
		t.Fatal(err)
	}
	var got []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			got = append(got, rel)
		}
		return err
	})
	if diff := cmp.Diff([]string{"Kbuild", "net/core/dev.c"}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// TestObjectIDs: an id changes only with the content of its path.
func TestObjectIDs(t *testing.T) {
	paths := []string{"net/core", "net/other.c", "not/there"}
	ids := func(patches ...string) []string {
		t.Helper()
		src := mustOpen(t, Options{Project: mustSeries(t, patches...), Dir: mustSource(t), Cache: t.TempDir()})
		got, err := src.ObjectIDs(t.Context(), paths...)
		if err != nil || len(got) != len(paths) {
			t.Fatalf("%q, %v", got, err)
		}
		return got
	}
	bare, patched := ids(), ids(mailOf("net: two", diffSecond))
	if bare[0] != patched[0] || bare[1] == patched[1] || bare[2] != "-" || patched[2] != "-" || !isObjectID(bare[0]) {
		t.Errorf("%q, %q", bare, patched)
	}
}

// TestChangedSince checks which differences count as edits.
func TestChangedSince(t *testing.T) {
	dir, cache := mustSource(t), t.TempDir()
	mode := "diff --git a/Kbuild b/Kbuild\nold mode 100644\nnew mode 100755\n"
	s := mustSeries(t, mailOf("net: one", diffFirst), mailOf("net: two", diffSecond), mailOf("net: three", mode))
	first := mustOpen(t, Options{Project: s, Dir: dir, Cache: cache, Variant: Variant{First: 1}})
	old, err := first.TreeID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := mustOpen(t, Options{Project: s, Dir: dir, Cache: cache})
	got, err := all.ChangedSince(t.Context(), old)
	want := []Change{{Path: "Kbuild"}, {Path: "net/new.c"}, {Path: "net/other.c", Edited: true}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	if got, err := first.ChangedSince(t.Context(), old); err != nil || got != nil {
		t.Errorf("the same tree: %v, %v", got, err)
	}
	if got, err := first.ChangedSince(t.Context(), strings.Repeat("0", 40)); err == nil {
		t.Errorf("a tree that is not there: %v", got)
	}
}
