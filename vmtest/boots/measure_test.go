// SPDX-License-Identifier: GPL-2.0-only OR MIT

package boots

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/tree/manifest"
)

func TestMedian(t *testing.T) {
	for want, d := range map[time.Duration][]time.Duration{1: {1}, 2: {3, 1, 2}, 25: {10, 100, 20, 30}, 7: {7, 7}, 4: {9, 1, 4, 2, 8}} {
		before := slices.Clone(d)
		if got := medianOf(d); got != want || !slices.Equal(d, before) {
			t.Errorf("median of %v is %d, want %d; then %v", before, got, want, d)
		}
	}
}

// The order rotates, and each way gets its own times.
func TestMeasure(t *testing.T) {
	var order string
	take := func(name string, d time.Duration) way {
		return way{name: name, what: "what " + name, boot: func(context.Context) error { order += name; time.Sleep(d); return nil }}
	}
	var events []string
	got, err := measure(t.Context(), []way{take("a", 0), take("b", 20*time.Millisecond), take("c", 0)}, 4, func(e progress.Event) {
		events = append(events, fmt.Sprintf("%s %d %d/%d %s %s", e.Step, e.State, e.Done, e.Total, e.Unit, e.Text))
	})
	if err != nil || order != "abcbcacababc" {
		t.Fatalf("order %s, %v", order, err)
	}
	if len(events) != 14 || events[0] != "compare boots 0 0/0  3 ways, 4 rounds" || events[1] != "compare boots 1 1/12 boots " ||
		events[12] != "compare boots 1 12/12 boots " || events[13] != "compare boots 2 0/0  " {
		t.Errorf("events %q", events)
	}
	for i, name := range []string{"a", "b", "c"} {
		if g := got[i]; g.Name != name || g.What != "what "+name || g.Min > g.Median || g.Median <= 0 {
			t.Errorf("got %+v", g)
		}
	}
	if got[0].Ratio != 1 || got[1].Min < 20*time.Millisecond || got[1].Ratio != float64(got[1].Median)/float64(got[0].Median) {
		t.Errorf("got %+v", got)
	}
}

func TestCompress(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to.gz")
	if err := os.WriteFile(from, []byte("image\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := compress(to, from); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(to)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(z); err != nil || string(text) != "image\n" {
		t.Errorf("got %q, %v", text, err)
	}
	if info, err := f.Stat(); err != nil || info.Mode() != 0o644 {
		t.Errorf("got %v, %v", info, err)
	}
	for _, paths := range [][2]string{{to, "/nosuch"}, {"/nosuch/to", from}} {
		if err := compress(paths[0], paths[1]); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%q: %v", paths, err)
		}
	}
	if _, err := Compare(t.Context(), Options{}); !errors.Is(err, manifest.ErrNoProject) {
		t.Errorf("no workbench: %v", err)
	}
}
