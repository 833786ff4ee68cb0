// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"fmt"
	"regexp"
)

// Filter says which tests run. The zero Filter lets everything through.
type Filter struct {
	// parts holds none, one or two expressions.
	parts []*regexp.Regexp
}

// ParseFilter reads an expression as `go test -run` does: regular expressions
// separated by slashes, of which the first must match the group and the
// second the test, anywhere in the name. A slash in brackets or parentheses
// does not separate. Without a slash, the expression may match either the
// group or the test, so that "a24" is enough to name one assertion. The empty
// string selects everything, and so does an empty part.
func ParseFilter(s string) (Filter, error) {
	if s == "" {
		return Filter{}, nil
	}
	pieces := splitSlash(s)
	if len(pieces) > 2 {
		return Filter{}, fmt.Errorf("filter %q: %d parts, but tests are named group/test", s, len(pieces))
	}
	var f Filter
	for _, p := range pieces {
		re, err := regexp.Compile(p)
		if err != nil {
			return Filter{}, fmt.Errorf("filter %q: %w", s, err)
		}
		f.parts = append(f.parts, re)
	}
	return f, nil
}

// Match reports whether the test is selected.
func (f Filter) Match(group, test string) bool {
	switch len(f.parts) {
	case 0:
		return true
	case 1:
		return f.parts[0].MatchString(group) || f.parts[0].MatchString(test)
	default:
		return f.parts[0].MatchString(group) && f.parts[1].MatchString(test)
	}
}

// splitSlash cuts s at every slash outside of brackets and parentheses. A
// backslash protects the next character.
func splitSlash(s string) []string {
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
		case c == '/' && parens == 0:
			pieces = append(pieces, s[start:i])
			start = i + 1
		}
	}
	return append(pieces, s[start:])
}
