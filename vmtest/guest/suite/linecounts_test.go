// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestLineCounts: the counts are sent after each test. Then the counts of the kernel are
// set to zero, and the counts of programs are removed.
func TestLineCounts(t *testing.T) {
	kernel, programs := t.TempDir(), t.TempDir()
	file := func(dir, name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file(kernel, "objects/net/dev.gcda", "one")
	if err := os.Symlink("/objects/net/dev.gcno", filepath.Join(kernel, "objects/net/dev.gcno")); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	c := newLineCounts(kernel, programs, &out)
	c.take("")
	if reset, err := os.ReadFile(filepath.Join(kernel, "reset")); err != nil || string(reset) != "1" {
		t.Errorf("reset: %q, %v", reset, err)
	}
	file(kernel, "objects/net/dev.gcda", "two")
	file(programs, "ip.gcda", "ip")
	c.take("a/1")
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	zip, err := gzip.NewReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for r := tar.NewReader(zip); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, h.Name+" "+string(data))
	}
	want := []string{
		":kernel/objects/net/dev.gcda one",
		"a/1:kernel/objects/net/dev.gcda two", "a/1:programs/ip.gcda ip",
		":kernel/objects/net/dev.gcda two",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// TestLineCountsNeedTheKernel: without the counts of the kernel there is an error, and not
// an empty report.
func TestLineCountsNeedTheKernel(t *testing.T) {
	c := newLineCounts(filepath.Join(t.TempDir(), "gcov"), t.TempDir(), io.Discard)
	c.take("a/1")
	if err := c.close(); err == nil || !strings.Contains(err.Error(), `line counts of "a/1"`) {
		t.Errorf("got %v", err)
	}
}
