// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ipobjects

import (
	"testing"
)

// TestNames checks that the names of objects and of their files are unique.
func TestNames(t *testing.T) {
	names, files := map[string]bool{}, map[string]bool{}
	all := sources()
	for _, s := range all {
		if names[s.name] || files[s.fileName()] {
			t.Errorf("object %s, file %q: not unique", s.name, s.fileName())
		}
		names[s.name], files[s.fileName()] = true, true
	}
	if len(all) < 70 {
		t.Errorf("%d objects, expected at least 70", len(all))
	}
}
