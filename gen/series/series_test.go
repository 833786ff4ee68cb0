// SPDX-License-Identifier: GPL-2.0-only OR MIT

package series

import (
	"path/filepath"
	"testing"
)

// TestLoadRepository: the workbench's own series are whole and canonical.
func TestLoadRepository(t *testing.T) {
	c, err := Load(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range c.All() {
		for _, b := range s.Bases {
			if len(b.Patches) == 0 {
				t.Errorf("%s %s has no patches", s.Project, b.Name)
			}
			for _, p := range b.Patches {
				if err := p.CheckCanonical(); err != nil {
					t.Error(err)
				}
			}
		}
	}
}
