// SPDX-License-Identifier: GPL-2.0-only OR MIT

package plan

import (
	"fmt"
	"regexp"
)

// Filter says which tests run. The zero Filter lets everything through.
type Filter struct {
	// any are alternatives; none lets everything through.
	any []pattern
}

// pattern is one or two expressions.
type pattern []*regexp.Regexp

// ParseFilter reads an expression as `go test -run` does: regular expressions
// separated by slashes, of which the first must match the group and the
// second the test, anywhere in the name. Without a slash, the expression may
// match either the group or the test, so that "a24" is enough to name one
// assertion. The empty string selects everything, and so does an empty part.
//
// A bar is an alternative within its part, but between two that have a slash
// each it separates whole patterns: "a|b/x" is x in a or b, "a/x|y" x or y in
// a, and "a/x|b/y" x in a and y in b. Neither slash nor bar separates in
// brackets or parentheses.
func ParseFilter(s string) (Filter, error) {
	var f Filter
	if s == "" {
		return f, nil
	}
	for _, one := range splitPatterns(s) {
		pieces := split(one, '/')
		if len(pieces) > 2 {
			return Filter{}, fmt.Errorf("filter %q: %d parts, but tests are named group/test", s, len(pieces))
		}
		var p pattern
		for _, piece := range pieces {
			re, err := regexp.Compile(piece)
			if err != nil {
				return Filter{}, fmt.Errorf("filter %q: %w", s, err)
			}
			p = append(p, re)
		}
		f.any = append(f.any, p)
	}
	return f, nil
}

// Match reports whether the test is selected.
func (f Filter) Match(group, test string) bool {
	for _, p := range f.any {
		if p.match(group, test) {
			return true
		}
	}
	return len(f.any) == 0
}

func (p pattern) match(group, test string) bool {
	if len(p) == 1 {
		return p[0].MatchString(group) || p[0].MatchString(test)
	}
	return p[0].MatchString(group) && p[1].MatchString(test)
}

// splitPatterns cuts s into patterns that are each whole.
func splitPatterns(s string) []string {
	var all []string
	for _, piece := range split(s, '|') {
		last := len(all) - 1
		if last >= 0 && !(hasSlash(piece) && hasSlash(all[last])) {
			all[last] += "|" + piece
			continue
		}
		all = append(all, piece)
	}
	return all
}

func hasSlash(s string) bool { return len(split(s, '/')) > 1 }

// split cuts s at every sep outside of brackets and parentheses. A backslash
// protects the next character.
func split(s string, sep byte) []string {
	var (
		pieces  []string
		start   int
		parens  int
		inClass bool
	)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			i++
		case inClass:
			inClass = c != ']'
		case c == '[':
			inClass = true
		case c == '(':
			parens++
		case c == ')':
			parens = max(parens-1, 0)
		case c == sep && parens == 0:
			pieces = append(pieces, s[start:i])
			start = i + 1
		}
	}
	return append(pieces, s[start:])
}
