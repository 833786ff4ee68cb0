// SPDX-License-Identifier: GPL-2.0-only OR MIT

package config

import (
	"fmt"
	"strings"

	"xpsgen/vmtest/lazyregexp"
)

// Symbol is a requested configuration symbol, with its value and position.
type Symbol struct {
	// Name is the whole name, CONFIG_ included.
	Name string
	// Value is as in .config, strings quoted; "n" means not set.
	Value string
	// Fragment and Line are its position.
	Fragment string
	Line     int
	// For is the symbol that this one may replace; empty if none.
	For string
	// Optional says that the build does not fail without the symbol.
	Optional bool
}

// ParseError is an invalid line of a fragment.
type ParseError struct {
	Fragment string
	Line     int
	Text     string
}

func (e *ParseError) Error() string {
	return fmt.Sprintf("kernel configuration %s:%d: %q is neither CONFIG_X=value nor a comment, nor \"# or\" between two symbols", e.Fragment, e.Line, e.Text)
}

var (
	setLine   = lazyregexp.New(`^(CONFIG_[A-Za-z0-9_]+)=(.+)$`)
	unsetLine = lazyregexp.New(`^# (CONFIG_[A-Za-z0-9_]+) is not set$`)
	nameLine  = lazyregexp.New(`^CONFIG_[A-Za-z0-9_]+$`)
	// endComment is a comment behind a value, as in some configurations of selftests.
	endComment = lazyregexp.New(`\s+#.*$`)
)

// orLine separates alternatives.
const orLine = "# or"

// Symbols returns the symbols that f requests, in order. If they are optional, it skips
// lines without a value.
func (f Fragment) Symbols() ([]Symbol, error) {
	if f.Optional {
		all, _, err := f.optional()
		return all, err
	}
	var all []Symbol
	n, or := 0, false
	add := func(name, value string) {
		s := Symbol{Name: name, Value: value, Fragment: f.Name, Line: n}
		if or {
			prev := all[len(all)-1]
			if s.For = prev.For; s.For == "" {
				s.For = prev.Name
			}
		}
		all, or = append(all, s), false
	}
	for raw := range strings.Lines(f.Text) {
		n++
		line := strings.TrimSpace(raw)
		if m := setLine.FindStringSubmatch(line); m != nil {
			add(m[1], m[2])
		} else if m := unsetLine.FindStringSubmatch(line); m != nil {
			add(m[1], "n")
		} else if line == orLine && len(all) > 0 && !or {
			or = true
		} else if line == orLine || or || line != "" && line[0] != '#' {
			return nil, &ParseError{Fragment: f.Name, Line: n, Text: line}
		}
	}
	if or {
		return nil, &ParseError{Fragment: f.Name, Line: n, Text: orLine}
	}
	return all, nil
}

// optional returns the symbols of a fragment of optional symbols, and the lines that name
// a symbol without a value. Kconfig ignores such lines.
func (f Fragment) optional() (all []Symbol, ignored []Difference, err error) {
	n := 0
	for raw := range strings.Lines(f.Text) {
		n++
		line := strings.TrimSpace(raw)
		s := Symbol{Fragment: f.Name, Line: n, Optional: true}
		if m := unsetLine.FindStringSubmatch(line); m != nil {
			s.Name, s.Value = m[1], "n"
			all = append(all, s)
			continue
		}
		if line == "" || line[0] == '#' {
			continue
		}
		line = endComment.ReplaceAllString(line, "")
		if m := setLine.FindStringSubmatch(line); m != nil {
			s.Name, s.Value = m[1], m[2]
			all = append(all, s)
		} else if nameLine.MatchString(line) {
			s.Name = line
			ignored = append(ignored, Difference{Symbol: s})
		} else {
			return nil, nil, &ParseError{Fragment: f.Name, Line: n, Text: line}
		}
	}
	return all, ignored, nil
}

// Format writes symbols as a file for KCONFIG_ALLCONFIG.
func Format(symbols []Symbol) []byte {
	var b strings.Builder
	for _, s := range symbols {
		if s.Value == "n" {
			fmt.Fprintf(&b, "# %s is not set\n", s.Name)
		} else {
			fmt.Fprintf(&b, "%s=%s\n", s.Name, s.Value)
		}
	}
	return []byte(b.String())
}
