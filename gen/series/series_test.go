// SPDX-License-Identifier: GPL-2.0-only OR MIT

package series

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLoadRepository: the series of this workbench load, and are canonical.
func TestLoadRepository(t *testing.T) {
	c, err := Load(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range c.All() {
		if b := s.Submit(); b != nil && len(b.Patches) > 1 && s.Cover == "" || strings.Contains(s.Cover, "<!--") || strings.Contains(s.Cover, "-->") || strings.HasPrefix(s.Cover, s.Title) {
			t.Errorf("%s: the cover would be sent as %.100q", s.Key, s.Cover)
		}
		for _, b := range s.Bases {
			if len(b.Patches) == 0 {
				t.Errorf("%s has no patches on %s", s.Key, b.Name)
			}
			for _, p := range b.Patches {
				if err := p.CheckCanonical(); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

// TestCover: notes to the author of the cover letter are not sent. Neither is the title,
// which becomes the subject.
func TestCover(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		"Why.\n": "Why.",
		"<!-- SPDX -->\n<!--\nTwo\nlines.\n-->\na: title\n\nWhy.\n\nHow.\n": "Why.\n\nHow.",
		"<!-- SPDX -->\n\na: title\n\n\nWhy.\n":                             "Why.",
		"a: title goes on\n\nWhy.\n":                                        "a: title goes on\n\nWhy.",
		"Why.\n\na: title\n\nHow. <!-- This is sent. -->\n":                 "Why.\n\na: title\n\nHow. <!-- This is sent. -->",
		"<!-- SPDX -->\n": "",
	} {
		if err := os.WriteFile(filepath.Join(dir, CoverName), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := loadCover(dir, "a: title"); err != nil || got != want {
			t.Errorf("%q: got %q, %v, want %q", text, got, err, want)
		}
	}
	if got, err := loadCover(filepath.Join(dir, "none"), "a: title"); err != nil || got != "" {
		t.Errorf("none: got %q, %v", got, err)
	}
}
