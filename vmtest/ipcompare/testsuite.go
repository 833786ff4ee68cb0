// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ipcompare

import (
	"regexp"
	"slices"
)

// result is the result of a test of iproute2's testsuite.
type result string

const (
	failed  result = "FAILED"
	skipped result = "SKIPPED"
	passed  result = "PASS"
)

var ranks = []result{failed, skipped, passed}

// worse reports whether r is a worse result than old.
func (r result) worse(old result) bool { return slices.Index(ranks, r) < slices.Index(ranks, old) }

// testLine is a line of the testsuite, with the colours of its result.
var testLine = regexp.MustCompile(`(?m)^Running (\S+) \[[^]]*\]: \x1b\[[0-9;]*m([A-Z]+)\x1b\[0m$`)

// results reads the output of the testsuite.
func results(out []byte) map[string]result {
	all := map[string]result{}
	for _, m := range testLine.FindAllSubmatch(out, -1) {
		all[string(m[1])] = result(m[2])
	}
	return all
}
