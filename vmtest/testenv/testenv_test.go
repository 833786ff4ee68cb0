// SPDX-License-Identifier: GPL-2.0-only OR MIT

package testenv

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xpsgen/vmtest/tree"
)

// recorded is a test that keeps what it is told to do.
type recorded struct {
	testing.TB
	skipped string
}

func (r *recorded) Skipf(format string, args ...any) { r.skipped = format }

func TestRequire(t *testing.T) {
	for value, want := range map[string]bool{"": false, "vm": true, "xps,vm": true, "vmx": false, "xps": false} {
		t.Setenv(Variable, value)
		r := &recorded{TB: t}
		Require(r, "vm", "boots a guest")
		if Offers("vm") != want || (r.skipped == "") != want {
			t.Errorf("%q offers vm: %v, skipped: %q", value, Offers("vm"), r.skipped)
		}
	}
}

// Root makes a workbench that the project itself can read.
func TestRoot(t *testing.T) {
	root := Root(t)
	for dir, want := range map[string]string{"kernel-patches": "net-next 6.12", "iproute2-patches": "6.1"} {
		path := filepath.Join(root, dir, tree.ManifestName)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o600 != 0o600 {
			t.Errorf("%s: mode %v", path, info.Mode())
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for line := range strings.Lines(string(text)) {
			if name, ok := strings.CutPrefix(strings.TrimSpace(line), "name = "); ok {
				names = append(names, strings.Trim(name, `"`))
			}
		}
		if got := strings.Join(names[1:], " "); got != want {
			t.Errorf("%s: bases %q, want %q", dir, got, want)
		}
	}
}
