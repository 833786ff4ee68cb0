// SPDX-License-Identifier: GPL-2.0-only OR MIT

package manifest

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Series is one series of patches: they become one thread of mails.
type Series struct {
	// Key names the series in every command, and its directory. No other series
	// of the change has it.
	Key string `toml:"key"`
	// Title is the subject of the cover letter.
	Title string `toml:"title"`
	// Role is Submit (the default), Extra or Alternative.
	Role Role `toml:"role"`
	// Version counts the postings, from 1 (the default).
	Version int `toml:"version"`
	// Target names the [Target] that the series is for. Empty means any tree.
	Target string `toml:"target"`
	// Prefix is the text in the brackets of a mail's subject, without "PATCH".
	Prefix string `toml:"prefix"`
	// Stands are the keys of the series that this one needs. Those of the
	// same project are applied before it. Cover letters name the others.
	Stands []string `toml:"on"`
	// Replaces are the series that an alternative replaces.
	Replaces []string `toml:"replaces"`
	// Tests selects the tests that prove the series, in the form of --run.
	// Empty means that no test is required.
	Tests string `toml:"tests"`
	// Feature is the key of the patch from which on tests can use the change;
	// empty means the last one. For the kernel, the suite itself names the
	// patch that each test needs.
	Feature string `toml:"feature"`
	// Recipients are recipients in addition to those that a script finds.
	Recipients Recipients `toml:"recipients"`
	// Attribution says who suggested the change or helped with it.
	Attribution Attribution `toml:"attribution"`
	// Bases are the patches, by base.
	Bases []Form `toml:"base"`
}

// Form is a series on one base.
type Form struct {
	// Base is the base's name.
	Base string `toml:"name"`
	// Patches are in the order of application. A manifest that lists none
	// means every .patch file of the directory KEY/BASE, in the order of their
	// names.
	Patches []Patch `toml:"patch"`
}

// Patch is one patch file.
type Patch struct {
	// Key names the step within its series, the same on every base and in
	// every version.
	Key string `toml:"key"`
	// File is the file's name in the directory of series and base.
	File string `toml:"file"`

	// Series is the key of the series; empty for a file from elsewhere.
	Series string `toml:"-"`
	// Path is where the file is.
	Path string `toml:"-"`
}

// Step names the patch in the whole change: "hook/rtnetlink".
func (p *Patch) Step() string {
	if p.Series == "" {
		return p.Key
	}
	return p.Series + "/" + p.Key
}

// On returns the series on a base, or nil if it has no patches for it.
func (s *Series) On(base string) *Form {
	for i := range s.Bases {
		if s.Bases[i].Base == base {
			return &s.Bases[i]
		}
	}
	return nil
}

// Sent reports whether the series is to be submitted to the lists.
func (s *Series) Sent() bool { return s.Role == Submit }

// inherit fills in the project's defaults for all of its series.
func (s *Series) inherit(f *file) {
	if s.Role == "" {
		s.Role = Submit
	}
	if s.Version == 0 {
		s.Version = 1
	}
	if len(s.Recipients.To) == 0 {
		s.Recipients.To = f.Recipients.To
	}
	if len(s.Recipients.Cc) == 0 {
		s.Recipients.Cc = f.Recipients.Cc
	}
	a, all := &s.Attribution, &f.Attribution
	if a.Link == "" {
		a.Link, a.LinkText = all.Link, all.LinkText
	}
	if len(a.SuggestedBy) == 0 {
		a.SuggestedBy = all.SuggestedBy
	}
	if len(a.AssistedBy) == 0 {
		a.AssistedBy = all.AssistedBy
	}
}

func findSeries(list []Series, key string) *Series {
	for i := range list {
		if list[i].Key == key {
			return &list[i]
		}
	}
	return nil
}

// reserved are names that a series cannot have: they mean something else where
// a series' key may stand.
var reserved = []string{"all", "stack", "sent"}

// checkSeries returns the wrong key, and the index nth of its table in the file.
func (f *file) checkSeries() (key string, nth int, err error) {
	seen := map[string]bool{}
	forms, patches := 0, 0
	for i, s := range f.Series {
		fail := func(key, format string, a ...any) (string, int, error) {
			return "series." + key, i, fmt.Errorf("series %q: %s", s.Key, fmt.Sprintf(format, a...))
		}
		switch {
		case !isName(s.Key):
			return fail("key", nameRule)
		case seen[s.Key]:
			return fail("key", "defined twice")
		case s.Title == "":
			return fail("title", "title is missing")
		case s.Version < 0:
			return fail("version", "version %d: want 1 or more", s.Version)
		case s.Role != "" && s.Role != Submit && s.Role != Extra && s.Role != Alternative:
			return fail("role", "role %q: want %s, %s or %s", s.Role, Submit, Extra, Alternative)
		case s.Target != "" && findTarget(f.Targets, s.Target) == nil:
			return fail("target", "no [[target]] called %q", s.Target)
		case len(s.Replaces) > 0 && s.Role != Alternative:
			return fail("replaces", "only a series with the role %s replaces others", Alternative)
		}
		for _, word := range reserved {
			if s.Key == word {
				return fail("key", "the name has another meaning; choose another")
			}
		}
		for _, b := range f.Bases {
			if b.Name == s.Key {
				return fail("key", "a base has the same name")
			}
		}
		seen[s.Key] = true
		for _, r := range s.Replaces {
			if o := findSeries(f.Series, r); o == nil || o.Role == Alternative {
				return fail("replaces", "replaces: no series %q in any stack", r)
			}
		}
		on := map[string]bool{}
		for _, form := range s.Bases {
			at := forms
			forms++
			switch {
			case findBase(f.Bases, form.Base) == nil:
				return "series.base.name", at, fmt.Errorf("series %q: no [[base]] called %q", s.Key, form.Base)
			case on[form.Base]:
				return "series.base.name", at, fmt.Errorf("series %q: base %q is defined twice", s.Key, form.Base)
			}
			on[form.Base] = true
			keys, files := map[string]bool{}, map[string]bool{}
			for _, p := range form.Patches {
				switch {
				case !isName(p.Key):
					return "series.base.patch", patches, fmt.Errorf("patch key %q: %s", p.Key, nameRule)
				case keys[p.Key]:
					return "series.base.patch.key", patches, fmt.Errorf("patch key %q is defined twice", p.Key)
				case p.File == "" || p.File != filepath.Base(p.File) || !strings.HasSuffix(p.File, ".patch"):
					return "series.base.patch.file", patches, fmt.Errorf("patch file %q: want the name of a .patch file in %s/%s/", p.File, s.Key, form.Base)
				case files[p.File]:
					return "series.base.patch.file", patches, fmt.Errorf("patch file %q is defined twice", p.File)
				}
				keys[p.Key], files[p.File] = true, true
				patches++
			}
		}
	}
	return "", 0, nil
}

func findBase(list []Base, name string) *Base {
	for i := range list {
		if list[i].Name == name {
			return &list[i]
		}
	}
	return nil
}
