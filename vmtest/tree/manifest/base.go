// SPDX-License-Identifier: GPL-2.0-only OR MIT

package manifest

import (
	"fmt"
)

// Role says whether patches are submitted or carried.
type Role string

const (
	// Submit, of a base: patches on it are sent to the lists. Of a series: it
	// is sent.
	Submit Role = "submit"
	// Carry, of a base: patches on it are a backport and never sent.
	Carry Role = "carry"
	// Extra, of a series: it is in the stack and never sent.
	Extra Role = "extra"
	// Alternative, of a series: it is never sent, and in the stack only when
	// requested, instead of the series that it replaces.
	Alternative Role = "alternative"
)

// Base is a tree to patch.
type Base struct {
	// Name is its name in commands, and the directory of its patches.
	Name string `toml:"name"`
	// Role is Submit or Carry.
	Role Role `toml:"role"`
	// Commit is the public commit of the base, for "base-commit:" in a cover letter.
	// Empty if it is unknown.
	Commit string `toml:"commit"`
	// For names bases of the project for the guest's kernel. A guest with such
	// a kernel takes its part of this project from this base. If several bases
	// name the kernel base, the first one is used.
	For []string `toml:"for"`
	// Stack are the keys of the series on this base, in the order in which
	// they are applied. Empty means all but the alternatives, in the order of
	// the manifest.
	Stack []string `toml:"stack"`
	// Origins say where the tree comes from; the first that works is taken.
	Origins []Origin `toml:"source"`
}

// checkBases returns the wrong key, and the index nth of its table in the file.
func (f *file) checkBases() (key string, nth int, err error) {
	seen := map[string]bool{}
	origins := 0
	for i, b := range f.Bases {
		switch {
		case !isName(b.Name):
			return "base.name", i, fmt.Errorf("base %q: %s", b.Name, nameRule)
		case seen[b.Name]:
			return "base.name", i, fmt.Errorf("base %q is defined twice", b.Name)
		case b.Role != Submit && b.Role != Carry:
			return "base.role", i, fmt.Errorf("base %q: role %q: want %s or %s", b.Name, b.Role, Submit, Carry)
		case b.Commit != "" && !isCommit(b.Commit):
			return "base.commit", i, fmt.Errorf("base %q: commit %q: want 40 hex digits", b.Name, b.Commit)
		case len(b.Origins) == 0:
			return "base", i, fmt.Errorf("base %q has no [[base.source]]", b.Name)
		}
		seen[b.Name] = true
		for _, o := range b.Origins {
			if err := o.check(); err != nil {
				return "base.source", origins, fmt.Errorf("base %q: source: %v", b.Name, err)
			}
			origins++
		}
		listed := map[string]bool{}
		for _, k := range b.Stack {
			s := findSeries(f.Series, k)
			switch {
			case s == nil:
				return "base.stack", i, fmt.Errorf("base %q: stack: no [[series]] with the key %q", b.Name, k)
			case s.Role == Alternative:
				return "base.stack", i, fmt.Errorf("base %q: stack: series %q is an alternative, which cannot be in a stack", b.Name, k)
			case listed[k]:
				return "base.stack", i, fmt.Errorf("base %q: stack: series %q is defined twice", b.Name, k)
			}
			listed[k] = true
		}
	}
	return "", 0, nil
}

// isCommit reports whether s is a full commit name.
func isCommit(s string) bool {
	if len(s) != 40 && len(s) != 64 {
		return false
	}
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'a' || r > 'f') {
			return false
		}
	}
	return true
}
