// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prepare

import (
	"os"
	"path/filepath"
	"testing"
)

// A patch in the directory of a base replaces the one next to that directory.
func TestExtraFor(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "net-next"), 0o755); err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(dir, "net-next", "a.patch")
	if err := os.WriteFile(own, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	a, b := filepath.Join(dir, "a.patch"), filepath.Join(dir, "b.patch")
	if got := extraFor("net-next", []string{a, b}); got[0] != own || got[1] != b {
		t.Errorf("got %q", got)
	}
	if got := extraFor("6.12", []string{a, b}); got[0] != a || got[1] != b {
		t.Errorf("got %q", got)
	}
}
