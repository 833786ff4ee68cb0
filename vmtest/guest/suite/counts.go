// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import "xpsgen/vmtest/guest/suite/check"

// times is how often a test does what it repeats: enough for the test to mean
// something within the seconds of an ordinary run, and often enough to make
// races likely on a debug kernel, which tells of them.
type times struct {
	normal, debug int
}

// count returns the count for the kernel at hand and puts it into the report.
func (e effort) count(t *check.T, what string, n times) int {
	count := n.normal
	if e.debug {
		count = n.debug
	}
	t.Notef("%s: %d", what, count)
	return count
}
