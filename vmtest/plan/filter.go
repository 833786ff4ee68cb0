// SPDX-License-Identifier: GPL-2.0-only OR MIT

package plan

import (
	"fmt"
	"regexp"
)

// Filter selects tests. The zero Filter selects all.
type Filter struct {
	// any are alternatives; if empty, every test matches.
	any []pattern
}

// pattern is one or two regular expressions.
type pattern []*regexp.Regexp

// ParseFilter parses an expression as `go test -run` does: regular expressions separated
// by slashes. The first must match the group and the second the test, anywhere in the
// name. Without a slash the expression may match either, so "a24" is enough to name one
// test. An empty string or part matches everything.
//
// A bar is an alternative within its part. Between two patterns with a slash it
// separates whole patterns. So "a|b/x" is x in a or b, "a/x|y" is x or y in a,
// and "a/x|b/y" is x in a and y in b. Slash and bar do not separate inside
// brackets or parentheses.
func ParseFilter(s string) (Filter, error) {
	var f Filter
	if s == "" {
		return f, nil
	}
	for _, one := range splitPatterns(s) {
		pieces := split(one, '/')
		if len(pieces) > 2 {
			return Filter{}, fmt.Errorf("filter %q: %d parts, but test names have two: group/test", s, len(pieces))
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

// splitPatterns splits s into complete patterns.
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

// split splits s at every sep outside brackets and parentheses. A backslash escapes the
// next character.
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
