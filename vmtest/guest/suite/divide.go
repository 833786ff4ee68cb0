// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import "strings"

// second are the groups of the second guest where two share the suite: what
// makes both take about as long.
var second = map[string]bool{
	"negative": true, "link": true, "race": true, "selftests": true, "lifetime": true,
}

// Halves returns the patterns by which two guests run all of the suite between
// them. What must come first in [groups] is in the first half, and first there.
func Halves() []string {
	var names [2][]string
	for _, g := range groups(&env{}) {
		half := 0
		if second[g.Name] {
			half = 1
		}
		names[half] = append(names[half], g.Name)
	}
	var patterns []string
	for _, half := range names {
		// The slash has it match groups only.
		patterns = append(patterns, "^("+strings.Join(half, "|")+")$/")
	}
	return patterns
}
