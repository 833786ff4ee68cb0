// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLeakScan runs the scan on ordinary files.
func TestLeakScan(t *testing.T) {
	const leak = "unreferenced object 0xffff888100a0 (size 64):\n  comm \"ip\", pid 7, jiffies 4294892296\n  backtrace (crc 0):\n    xps_prog_install+0x1\n"
	for name, c := range map[string]struct {
		text string
		want int
	}{
		"none": {"", 0}, "one": {leak, 1}, "two": {leak + leak, 2}, "many": {strings.Repeat(leak, 2000), 2000},
	} {
		dir := t.TempDir()
		d := leakDetector{control: filepath.Join(dir, "control"), report: filepath.Join(dir, "report")}
		for file, text := range map[string]string{d.report: c.text, d.control: ""} {
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var out strings.Builder
		n, err := d.scan(&out)
		if err != nil || n != c.want {
			t.Errorf("%s: %d objects, %v", name, n, err)
		}
		if order, err := os.ReadFile(d.control); err != nil || string(order) != "scan" {
			t.Errorf("%s: order %q, %v", name, order, err)
		}
		if !strings.HasPrefix(c.text, out.String()) && n < 3 || out.Len() > maxLeakText+100 || (out.Len() == 0) != (n == 0) {
			t.Errorf("%s: %d bytes: %.80s", name, out.Len(), out.String())
		}
	}
	d := leakDetector{control: filepath.Join(t.TempDir(), "no", "kmemleak")}
	if _, err := d.scan(&strings.Builder{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
