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
}

// Select applies the configuration to analysed headers, which are in the order
// of cfg.Headers. What is left out because Go cannot name it is added to the
// Skipped of its header. A pattern without a match is a [*ConfigError], two
// headers with different values for a name are a [*DisagreementError].
func Select(cfg *Config, headers []*Header) (*Package, error) {
	if len(headers) != len(cfg.Headers) {
		return nil, fmt.Errorf("%d headers for %d in the configuration", len(headers), len(cfg.Headers))
	}
	p := &Package{Name: cfg.Package}
	seen := make(map[string]Constant)
	for i, h := range headers {
		out, err := cfg.choose(i, h, seen)
		if err != nil {
			return nil, err
		}
		p.Headers = append(p.Headers, out)
		p.BigEndian = h.BigEndian
	}
	p.dropClashes()
	return p, nil
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

// dropClashes takes out aggregates whose Go name is taken.
func (p *Package) dropClashes() {
	taken := p.names()
	for _, h := range p.Headers {
		kept := h.Aggregates[:0:0]
		for _, a := range h.Aggregates {
			name := exported(a.Tag)
			if taken[name] {
				h.Skipped = append(h.Skipped, Skip{a.Tag, a.Pos, "the name " + name + " is taken"})
				continue
			}
			taken[name] = true
			kept = append(kept, a)
		}
		h.Aggregates = kept
	}
}

// choose returns what the i-th header of the configuration takes from h.
func (c *Config) choose(i int, h *Header, seen map[string]Constant) (*Header, error) {
	hc := c.Headers[i]
	include, exclude := newMatcher(hc.Include), newMatcher(hc.Exclude)
	out := *h
	out.Groups = nil
	out.Skipped = nil
	for _, s := range h.Skipped {
		include.match(s.Name)
		exclude.match(s.Name)
	}
	for _, g := range h.Groups {
		kept := g
		kept.Consts = nil
		for _, k := range g.Consts {
			in := len(hc.Include) == 0 || include.match(k.Name)
			if exclude.match(k.Name) || !in {
				continue
			}
			if strings.HasPrefix(k.Name, "_") {
				continue // reserved, and helpers such as __IFLA_MAX
			}
			if reason := unnameable(k.Name); reason != "" {
				out.Skipped = append(out.Skipped, Skip{k.Name, k.Pos, reason})
				continue
			}
			if first, ok := seen[k.Name]; ok {
				if !first.Value.equal(k.Value) {
					return nil, &DisagreementError{first, k}
				}
				out.Skipped = append(out.Skipped, Skip{k.Name, k.Pos, "same as at " + first.Pos.String()})
				continue
			}
			seen[k.Name] = k
			kept.Consts = append(kept.Consts, k)
		}
		if len(kept.Consts) > 0 {
			out.Groups = append(out.Groups, kept)
		}
	}
	for _, s := range h.Skipped {
		if !strings.HasPrefix(s.Name, "_") && (len(hc.Include) == 0 || include.match(s.Name)) && !exclude.match(s.Name) {
			out.Skipped = append(out.Skipped, s)
		}
	}
	structs := newMatcher(hc.Structs)
	out.Aggregates = nil
	for _, a := range h.Aggregates {
		if structs.match(a.Tag) {
			out.Aggregates = append(out.Aggregates, a)
		}
	}
	if p := structs.unused(); p != "" {
		return nil, c.headerError(i, "structs", fmt.Sprintf("structs: %s has no struct or union %q", h.Path, p))
	}
	if p := include.unused(); p != "" {
		return nil, c.headerError(i, "include", fmt.Sprintf("include: %s has no constant %q", h.Path, p))
	}
	if p := exclude.unused(); p != "" {
		return nil, c.headerError(i, "exclude", fmt.Sprintf("exclude: %s has no constant %q", h.Path, p))
	}
	return &out, nil
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
