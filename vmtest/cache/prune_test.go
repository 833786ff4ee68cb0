// SPDX-License-Identifier: GPL-2.0-only OR MIT

package cache

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// fill makes a cache entry of size bytes for each name in hours. The value is the time in
// hours since its last use.
func fill(tb testing.TB, dir string, hours map[string]int, size int) {
	tb.Helper()
	for name, h := range hours {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(path, 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, "data"), []byte(strings.Repeat("x", size)), 0o644); err != nil {
			tb.Fatal(err)
		}
		at := time.Now().Add(-time.Duration(h) * time.Hour)
		if err := os.Chtimes(path, at, at); err != nil {
			tb.Fatal(err)
		}
	}
}

func left(tb testing.TB, dir string) string {
	tb.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		tb.Fatal(err)
	}
	more, err := filepath.Glob(filepath.Join(dir, "*", tempPrefix+"*"))
	if err != nil {
		tb.Fatal(err)
	}
	found = append(found, more...)
	for i, path := range found {
		found[i] = strings.TrimPrefix(path, dir+"/")
	}
	slices.Sort(found)
	return strings.Join(slices.Compact(found), " ")
}

func TestPrune(t *testing.T) {
	const mib = 1 << 20
	hours := map[string]int{
		"kernel/old": 100, "kernel/new": 2, "kernel/now": 0, "image/older": 200, "base/linux": 900, "work/tree": 150,
		"image/.tmp-image-1": 3, "image/.tmp-image-2": 0,
	}
	for name, c := range map[string]struct {
		opt  PruneOptions
		want string
	}{
		"only what is incomplete": {PruneOptions{}, "base/linux image/.tmp-image-2 image/older kernel/new kernel/now kernel/old work/tree"},
		"by age":                  {PruneOptions{Older: 24 * time.Hour}, "base/linux image/.tmp-image-2 kernel/new kernel/now"},
		"by size":                 {PruneOptions{MaxBytes: 6*mib + mib/2}, "base/linux image/.tmp-image-2 kernel/new kernel/now kernel/old"},
		"all that may go":         {PruneOptions{MaxBytes: 1}, "base/linux image/.tmp-image-2 kernel/now"},
		"dry": {PruneOptions{MaxBytes: 1, Dry: true},
			"base/linux image/.tmp-image-1 image/.tmp-image-2 image/older kernel/new kernel/now kernel/old work/tree"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			fill(t, dir, hours, mib)
			removed, err := Prune(t.Context(), dir, c.opt)
			if err != nil {
				t.Fatal(err)
			}
			if got := left(t, dir); got != c.want {
				t.Errorf("left\n%s, want\n%s", got, c.want)
			}
			for _, e := range removed {
				if e.Bytes < mib || e.Bytes > mib+mib/16 || e.Bytes%512 != 0 {
					t.Errorf("%s takes %d bytes", e.Path, e.Bytes)
				}
			}
		})
	}
}

// TestPruneHeedsLocks: a working tree in which a run builds stays.
func TestPruneHeedsLocks(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, map[string]int{"work/free": 9, "work/busy": 9}, 1)
	l, err := Acquire(t.Context(), filepath.Join(dir, "work/busy/lock"), "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Release()
	opt := PruneOptions{Older: time.Hour, Now: time.Now().Add(9 * time.Hour)}
	if _, err := Prune(t.Context(), dir, opt); err != nil {
		t.Fatal(err)
	}
	if got := left(t, dir); got != "work/busy" {
		t.Errorf("left %s", got)
	}
}

func TestPruneDir(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, map[string]int{"a": 9, "b": 8, "c": 7, "d": 0, tempPrefix + "x": 2, tempPrefix + "y": 0}, 1)
	if err := PruneDir(dir, 2); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != tempPrefix+"y c d" {
		t.Errorf("left %s", got)
	}
}
