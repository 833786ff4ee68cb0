// SPDX-License-Identifier: GPL-2.0-only OR MIT

package plan

//go:generate go test xpsgen/vmtest/guest/suite -run TestPlanIsCurrent -update

import (
	"slices"
	"strings"
)

// second names the groups that the second of two guests runs. With them, both
// guests take about as long.
var second = []string{"negative", "link", "race", "selftests", "lifetime"}

// Halves returns the patterns with which two guests share the suite. The first
// group of the suite is the first of the first half.
func Halves() []string {
	var groups [2][]string
	for _, t := range tests {
		half := &groups[0]
		if slices.Contains(second, t.Group) {
			half = &groups[1]
		}
		if !slices.Contains(*half, t.Group) {
			*half = append(*half, t.Group)
		}
	}
	var patterns []string
	for _, half := range groups {
		// The slash makes the pattern match groups only.
		patterns = append(patterns, "^("+strings.Join(half, "|")+")$/")
	}
	return patterns
}
