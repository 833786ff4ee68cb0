// SPDX-License-Identifier: GPL-2.0-only OR MIT

package nipa

import (
	"slices"

	"xpsgen/gen/series/check"
)

// applies reports whether one of the checks applies to a thread.
func applies(names []string, t *check.Thread) bool {
	return slices.ContainsFunc(check.All(), func(c check.Check) bool { return slices.Contains(names, c.Name) && c.Applies(t) })
}

// Comparable reports whether a check that covers the test applies to a thread. A test that
// no check covers is comparable, too.
func Comparable(test string, t *check.Thread) bool {
	for _, known := range check.NIPA() {
		if known.Name == test {
			return len(known.Checks) == 0 || applies(known.Checks, t)
		}
	}
	return true
}
