// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"fmt"
	"time"

	"xpsgen/vmtest/plan"
)

// Test is one assertion.
type Test struct {
	// Name says what must hold, in kebab case: "a24-off-detaches-the-program".
	Name string
	// Run is the test. It is called on a locked thread.
	Run func(t *T)
	// Timeout is how long Run may take, cleanups included, before scaling.
	// Zero means [DefaultTimeout].
	Timeout time.Duration
	// Baseline says that the test holds on a kernel without the hook too.
	Baseline bool
	// Needs is the key of the patch from which on the test holds. Empty means
	// what [Group.Need] fills in, and for a baseline none.
	Needs string
}

// Need fills in what the tests of a group need that do not say so themselves.
func (g Group) Need(key string) Group {
	for i := range g.Tests {
		if t := &g.Tests[i]; t.Needs == "" && !t.Baseline {
			t.Needs = key
		}
	}
	return g
}

// DefaultTimeout is the deadline of a test that does not name one.
const DefaultTimeout = 10 * time.Second

// Group is a set of tests reported together.
type Group struct {
	// Name is one lower-case word.
	Name string
	// Tests run in this order.
	Tests []Test
}

// FullName is how plans, reports and filters call a test.
func FullName(group, test string) string { return group + "/" + test }

// Names lists the full names of all tests, in order.
func Names(groups []Group) []string {
	var names []string
	for _, g := range groups {
		for _, t := range g.Tests {
			names = append(names, FullName(g.Name, t.Name))
		}
	}
	return names
}

// Select returns the tests that f lets through. Groups left without a test
// are dropped.
func Select(groups []Group, f plan.Filter) []Group {
	var out []Group
	for _, g := range groups {
		kept := Group{Name: g.Name}
		for _, t := range g.Tests {
			if f.Match(g.Name, t.Name) {
				kept.Tests = append(kept.Tests, t)
			}
		}
		if len(kept.Tests) > 0 {
			out = append(out, kept)
		}
	}
	return out
}

// Validate says what is wrong with a plan: names that are empty, not kebab
// case or used twice, and tests without a function.
func Validate(groups []Group) error {
	seen := make(map[string]bool)
	for _, g := range groups {
		if !kebab(g.Name) {
			return fmt.Errorf("group %q: name is not kebab case", g.Name)
		}
		if len(g.Tests) == 0 {
			return fmt.Errorf("group %s: no tests", g.Name)
		}
		for _, t := range g.Tests {
			full := FullName(g.Name, t.Name)
			switch {
			case !kebab(t.Name):
				return fmt.Errorf("test %q: name is not kebab case", full)
			case seen[full]:
				return fmt.Errorf("test %s: planned twice", full)
			case t.Run == nil:
				return fmt.Errorf("test %s: no function", full)
			}
			seen[full] = true
		}
	}
	return nil
}

// kebab reports whether s is made of [a-z0-9] words joined by single hyphens.
func kebab(s string) bool {
	hyphen := true
	for _, c := range s {
		switch {
		case c == '-':
			if hyphen {
				return false
			}
			hyphen = true
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			hyphen = false
		default:
			return false
		}
	}
	return !hyphen
}
