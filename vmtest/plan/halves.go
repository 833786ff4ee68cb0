// SPDX-License-Identifier: GPL-2.0-only OR MIT

package plan

//go:generate go test xpsgen/vmtest/guest/suite -run TestPlanIsCurrent -update

import (
	"slices"
	"strings"
)

// second lists the groups that the second of two guests runs. This split makes both
// guests take about the same time.
var second = []string{"negative", "link", "race", "selftests", "lifetime"}

// Halves returns the patterns of the two guests that share the suite. The first group of
// the suite is the first one of the first half.
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
		// The slash makes the pattern match group names only.
		patterns = append(patterns, "^("+strings.Join(half, "|")+")$/")
	}
	return patterns
}
