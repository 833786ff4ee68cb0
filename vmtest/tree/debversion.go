// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"cmp"
	"strings"
)

// compareVersions compares versions of Debian packages as dpkg does: by epoch,
// upstream version and revision. It returns -1, 0 or 1, as [cmp.Compare] does.
func compareVersions(a, b string) int {
	epochA, upA, revA := versionParts(a)
	epochB, upB, revB := versionParts(b)
	return cmp.Or(compareParts(epochA, epochB), compareParts(upA, upB), compareParts(revA, revB))
}

func versionParts(v string) (epoch, upstream, revision string) {
	if e, rest, ok := strings.Cut(v, ":"); ok {
		epoch, v = e, rest
	}
	if i := strings.LastIndexByte(v, '-'); i >= 0 {
		return epoch, v[:i], v[i+1:]
	}
	return epoch, v, ""
}

// compareParts compares text and numbers in turn. In text, a tilde sorts before
// the end, and letters before other characters. Numbers compare by value.
func compareParts(a, b string) int {
	for a != "" || b != "" {
		var x, y string
		x, a = cutWhile(a, func(c byte) bool { return !isDigit(c) })
		y, b = cutWhile(b, func(c byte) bool { return !isDigit(c) })
		for i := 0; i < max(len(x), len(y)); i++ {
			if c := cmp.Compare(weight(x, i), weight(y, i)); c != 0 {
				return c
			}
		}
		x, a = cutWhile(a, isDigit)
		y, b = cutWhile(b, isDigit)
		x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
		if c := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y)); c != 0 {
			return c
		}
	}
	return 0
}

func cutWhile(s string, is func(byte) bool) (head, rest string) {
	i := 0
	for i < len(s) && is(s[i]) {
		i++
	}
	return s[:i], s[i:]
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// weight returns the sort weight of the character at i. The weight of the end of s is 0.
func weight(s string, i int) int {
	switch {
	case i >= len(s):
		return 0
	case s[i] == '~':
		return -1
	case s[i] >= 'a' && s[i] <= 'z', s[i] >= 'A' && s[i] <= 'Z':
		return int(s[i])
	}
	return int(s[i]) + 256
}
