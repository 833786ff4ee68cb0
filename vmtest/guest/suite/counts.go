// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import "xpsgen/vmtest/guest/suite/check"

// times is the number of repetitions in a test. The normal number takes seconds. The
// checked number makes races likely on a kernel with checkers, which report them.
type times struct {
	normal, checked int
}

// count returns the number for this kernel and adds it to the report.
func (e effort) count(t *check.T, what string, n times) int {
	count := n.normal
	if e.races {
		count = n.checked
	}
	t.Notef("%s: %d", what, count)
	return count
}
