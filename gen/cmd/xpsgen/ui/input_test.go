// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ui

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

func TestEscape(t *testing.T) {
	for typed, want := range map[string]struct {
		out  string
		ends int
	}{
		"ls\r":         {"ls\r", 0},
		"\x01x":        {"", 1},
		"a\x01xb\x01x": {"ab", 2},
		"\x01\x01":     {"\x01", 0},
		"\x01y":        {"\x01y", 0},
		"x\x01":        {"x", 0},
	} {
		for name, r := range map[string]io.Reader{"at once": strings.NewReader(typed), "key by key": iotest.OneByteReader(strings.NewReader(typed))} {
			ends := 0
			out, err := io.ReadAll(NewEscape(r, func() { ends++ }))
			if err != nil || string(out) != want.out || ends != want.ends {
				t.Errorf("%q %s: %q, %d ends, %v; want %q, %d", typed, name, out, ends, err, want.out, want.ends)
			}
		}
	}
}

func TestForegroundOfAFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(name, []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if out, err := io.ReadAll(Foreground(f)); err != nil || string(out) != "text" {
		t.Errorf("%q, %v", out, err)
	}
}
