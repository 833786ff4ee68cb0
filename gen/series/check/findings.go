// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"maps"
	"slices"
)

// findings counts messages of a tool, without line numbers. A single total would not
// notice a patch that replaces one warning with another.
type findings map[string]int

// minus returns the findings that f has more often than before, sorted.
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

// add adds the messages of another run.
func (f findings) add(more findings) {
	for text, n := range more {
		f[text] += n
	}
}
