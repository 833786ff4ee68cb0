// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package plan lists the tests of the guest suite. It selects tests by pattern and knows
// which patch each of them needs.
//
// It imports nothing of the project. The host plans and judges a run without linking the
// suite, and the guest selects tests by the same patterns. The table of tests is
// generated from the suite:
//
//	go test ./vmtest/guest/suite -run TestPlanIsCurrent -update
package plan

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// ErrNoTests is wrapped when a pattern selects no test.
var ErrNoTests = errors.New("no test matches")

// NoHook is the reason of a test that was skipped or failed because the kernel has no hook.
const NoHook = "kernel without the XPS hook: RTM_GETLINK of lo shows no IFLA_XPS"

// CPUs is how many CPUs of the guest tests send from.
const CPUs = 2

// Test is one test of the suite.
type Test struct {
	// Group and Name together identify the test: "control/a24-off-...".
	Group, Name string
	// Needs is the key of the first patch with which the test passes. Empty means
	// that it passes on the base.
	Needs string
	// Baseline tests pass on a kernel without the hook.
	Baseline bool
}

// FullName returns "group/name", which reports and patterns use.
func (t Test) FullName() string { return t.Group + "/" + t.Name }

// All returns every test, in the order in which the suite runs them.
func All() []Test { return slices.Clone(tests) }

// Select returns the tests that match run, see [ParseFilter]. The error wraps
// [ErrNoTests] if none matches.
func Select(run string) ([]Test, error) {
	f, err := ParseFilter(run)
	if err != nil {
		return nil, err
	}
	var selected []Test
	for _, t := range tests {
		if f.Match(t.Group, t.Name) {
			selected = append(selected, t)
		}
	}
	if len(selected) == 0 {
		return nil, fmt.Errorf("%w %q", ErrNoTests, run)
	}
	return selected, nil
}

// Names is [Select] for full names.
func Names(run string) ([]string, error) {
	selected, err := Select(run)
	names := make([]string, 0, len(selected))
	for _, t := range selected {
		names = append(names, t.FullName())
	}
	return names, err
}

// Find returns the test with the given full name.
func Find(name string) (Test, bool) {
	i := slices.IndexFunc(tests, func(t Test) bool { return t.FullName() == name })
	if i < 0 {
		return Test{}, false
	}
	return tests[i], true
}

// NeedsHook reports whether the test must not pass on a kernel without the hook. It
// returns true for an unknown name.
func NeedsHook(name string) bool {
	t, ok := Find(name)
	return !ok || !t.Baseline
}

// Exactly returns a pattern that selects the tests with these full names.
func Exactly(names []string) string {
	whole := make([]string, len(names))
	for i, n := range names {
		group, test, _ := strings.Cut(n, "/")
		whole[i] = "^" + regexp.QuoteMeta(group) + "$/^" + regexp.QuoteMeta(test) + "$"
	}
	return strings.Join(whole, "|")
}

// AnyOf returns a pattern that selects the tests that any of the patterns selects.
func AnyOf(patterns []string) string {
	whole := make([]string, len(patterns))
	for i, p := range patterns {
		if whole[i] = p; !strings.Contains(p, "/") {
			whole[i] = "(" + p + ")/|/(" + p + ")" // a group's name or a test's
		}
	}
	return strings.Join(whole, "|")
}

// maxListed is how many names [List] prints.
const maxListed = 5

// List joins the first names for a message and counts the others.
func List(names []string) string {
	if len(names) <= maxListed {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:maxListed], ", "), len(names)-maxListed)
}
