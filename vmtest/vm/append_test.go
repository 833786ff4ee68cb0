// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The next archive begins at a multiple of four bytes. Zeros fill the gap, and nothing is
// added without a gap.
func TestAppendFile(t *testing.T) {
	dir := t.TempDir()
	for size, want := range []int{0, 4, 4, 4, 4, 8} {
		name := filepath.Join(dir, "in")
		text := strings.Repeat("x", size)
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := os.Create(filepath.Join(dir, "out"))
		if err != nil {
			t.Fatal(err)
		}
		if err := appendFile(out, name); err != nil {
			t.Fatal(err)
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(out.Name())
		if err != nil || string(got) != text+strings.Repeat("\x00", want-size) {
			t.Errorf("%d bytes: %q, %v, expected %d bytes", size, got, err, want)
		}
	}
	if err := appendFile(nil, filepath.Join(dir, "nosuch")); !os.IsNotExist(err) {
		t.Errorf("no such file: %v", err)
	}
}
