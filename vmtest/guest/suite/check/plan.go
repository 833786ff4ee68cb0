// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"fmt"
	"time"

	"xpsgen/vmtest/plan"
)

// Test is one test of the suite.
type Test struct {
	// Name says the expected behaviour, in kebab case: "a24-off-detaches-the-program".
	Name string
	// Run is the test function. It runs on a locked thread.
	Run func(t *T)
	// Timeout limits Run with its cleanups, before scaling. Zero means [DefaultTimeout].
	Timeout time.Duration
	// Baseline says that the test also passes on a kernel without the hook.
	Baseline bool
	// Needs is the key of the first patch with which the test passes. Empty means the
	// default of [Group.Need]; for a baseline test it means none.
	Needs string
}

// Need sets the default of [Test.Needs] for the tests of a group.
func (g Group) Need(key string) Group {
	for i := range g.Tests {
		if t := &g.Tests[i]; t.Needs == "" && !t.Baseline {
			t.Needs = key
		}
	}
	return g
}

// DefaultTimeout is the default of [Test.Timeout].
const DefaultTimeout = 30 * time.Second

// Group is a set of tests reported together.
type Group struct {
	// Name is one lower-case word.
	Name string
	// Tests run in this order.
	Tests []Test
}

// FullName returns the name of a test in plans, reports and filters.
func FullName(group, test string) string { return group + "/" + test }

// Names returns the full names of all tests, in order.
func Names(groups []Group) []string {
	var names []string
	for _, g := range groups {
		for _, t := range g.Tests {
			names = append(names, FullName(g.Name, t.Name))
		}
	}
	return names
}

// Select returns the tests that f selects, without groups that have none.
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

// Validate checks a plan. Names must be kebab case and unique, and every test needs a
// function.
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

// kebab reports whether s consists of [a-z0-9] words joined by single hyphens.
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
