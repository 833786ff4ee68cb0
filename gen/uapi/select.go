// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"fmt"
	"path"
	"strings"
)

// A DisagreementError is a name that two headers define differently.
type DisagreementError struct {
	First, Second Constant
}

// Error names both places and values.
func (e *DisagreementError) Error() string {
	return fmt.Sprintf("%s: %s is %s, but %s at %s", e.Second.Pos, e.Second.Name, e.Second.Value, e.First.Value, e.First.Pos)
}

// A Package is what goes into one Go package: the selection of a [Config].
type Package struct {
	Name    string
	Headers []*Header
	// BigEndian is the byte and bit order of the target.
	BigEndian bool
	// Attributes are the tables of netlink attributes.
	Attributes []*AttrTable
	// Skipped are what the configuration asks for besides headers and could
	// not be had.
	Skipped []Skip
	// Arch is the target in Go's spelling; empty means any.
	Arch string

	types map[string]string // of the configuration
}

// An EnumType is a Go type whose String method tells constants by their names.
type EnumType struct {
	// Name of the type in Go.
	Name string
	// Patterns are what the configuration says.
	Patterns []string
	// Consts in the order of the header. Of two with the same value the
	// first gives the name.
	Consts []Constant
}

// Select applies the configuration to analysed headers, which are in the order
// of cfg.Headers. What is left out because Go cannot name it is added to the
// Skipped of its header. A pattern without a match is a [*ConfigError], two
// headers with different values for a name are a [*DisagreementError].
func Select(cfg *Config, headers []*Header) (*Package, error) {
	ps, err := selectAll(cfg, []string{""}, [][]*Header{headers})
	if err != nil {
		return nil, err
	}
	return ps[0], nil
}

// selectAll is [Select] for several targets. It is enough if a pattern matches
// on one of them.
func selectAll(cfg *Config, archs []string, headers [][]*Header) ([]*Package, error) {
	s := &selection{cfg: cfg, choosers: make(map[int]*chooser), types: make(map[string]bool)}
	var ps []*Package
	for k, arch := range archs {
		if len(headers[k]) != len(cfg.Headers) {
			return nil, fmt.Errorf("%d headers for %d in the configuration", len(headers[k]), len(cfg.Headers))
		}
		p := &Package{Name: cfg.Package, Arch: arch, types: cfg.Types}
		s.seen = make(map[string]Constant)
		for i, h := range headers[k] {
			out, err := s.choose(i, h)
			if err != nil {
				return nil, err
			}
			p.Headers = append(p.Headers, out)
			p.BigEndian = p.BigEndian || h.BigEndian
		}
		if err := s.checkTypes(p); err != nil {
			return nil, err
		}
		p.dropClashes()
		ps = append(ps, p)
	}
	if err := s.unused(); err != nil {
		return nil, err
	}
	return ps, nil
}

// names returns the Go names that constants and shared types take.
func (p *Package) names() names {
	taken := make(names)
	for _, t := range []string{"Be16", "Be32", "Be64", "Le16", "Le32", "Le64"} {
		taken[t], taken["To"+t] = true, true
	}
	taken["Attr"], taken["AttrKind"], taken["AttrUnknown"] = true, true, true
	for _, k := range attrKinds {
		taken[k] = true
	}
	for _, h := range p.Headers {
		for _, g := range h.Groups {
			for _, c := range g.Consts {
				taken[c.Name] = true
			}
		}
	}
	return taken
}

// dropClashes takes out types whose Go name is taken.
func (p *Package) dropClashes() {
	taken := p.names()
	free := func(h *Header, c, name string, pos Pos) bool {
		if taken[name] {
			h.Skipped = append(h.Skipped, Skip{c, pos, "the name " + name + " is taken"})
			return false
		}
		taken[name] = true
		return true
	}
	for _, h := range p.Headers {
		h.Aggregates = keep(h.Aggregates, func(a *Aggregate) bool { return free(h, a.Tag, exported(a.Tag), a.Pos) })
	}
	for _, h := range p.Headers {
		h.Typedefs = keep(h.Typedefs, func(t *Typedef) bool { return free(h, t.Name, exported(t.Name), t.Pos) })
	}
	for _, h := range p.Headers {
		h.Enums = keep(h.Enums, func(e *EnumType) bool { return free(h, e.Name, e.Name, e.Consts[0].Pos) })
	}
}

// keep returns the members of list that pass, in a slice of its own.
func keep[T any](list []T, pass func(T) bool) []T {
	var out []T
	for _, v := range list {
		if pass(v) {
			out = append(out, v)
		}
	}
	return out
}

// unnameable returns why a C name cannot be an exported Go name, or "".
func unnameable(name string) string {
	switch c := name[0]; {
	case c < 'A' || c > 'Z':
		return "Go does not export names in lower case"
	case strings.Contains(name, "$"):
		return "no Go identifier"
	}
	return ""
}

// equal tells whether two constants are worth the same, whatever their types.
func (v Value) equal(w Value) bool {
	return v.IsString == w.IsString && v.Str == w.Str && v.Bits == w.Bits && v.Negative() == w.Negative()
}

// matcher remembers which of its patterns matched.
type matcher struct {
	patterns []string
	used     []bool
}

func newMatcher(patterns []string) *matcher {
	return &matcher{patterns, make([]bool, len(patterns))}
}

// match tells whether any pattern matches, marking all that do. Patterns were
// checked when the configuration was read.
func (m *matcher) match(name string) bool {
	found := false
	for i, p := range m.patterns {
		if ok, err := path.Match(p, name); err == nil && ok {
			m.used[i], found = true, true
		}
	}
	return found
}

// unused returns the first pattern that never matched, or "".
func (m *matcher) unused() string {
	for i, p := range m.patterns {
		if !m.used[i] {
			return p
		}
	}
	return ""
}
