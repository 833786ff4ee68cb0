// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"maps"
	"slices"
)

// findings are messages of a tool, without line numbers, and how often each
// was said. Counting all of them together would let a patch pass that puts one
// warning in the place of another.
type findings map[string]int

// minus returns what is in f more often than in before, in order.
func (f findings) minus(before findings) (more []string) {
	for _, text := range slices.Sorted(maps.Keys(f)) {
		if f[text] > before[text] {
			more = append(more, text)
		}
	}
	return more
}

func (f findings) total() (n int) {
	for _, k := range f {
		n += k
	}
	return n
}
