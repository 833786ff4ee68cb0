// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"fmt"
	"slices"
	"strings"
)

// selection is the work of [Select].
type selection struct {
	cfg  *Config
	seen map[string]Constant
	// choosers are by entry of the configuration: the headers that a pattern
	// stands for share one.
	choosers map[int]*chooser
	types    map[string]bool // mappings with a use
}

// chooser holds the patterns of one entry.
type chooser struct {
	index                               int // of one header of the entry
	include, exclude, structs, typedefs *matcher
	strings                             map[string]*matcher
}

func newChooser(i int, hc HeaderConfig) *chooser {
	c := &chooser{
		index: i, include: newMatcher(hc.Include), exclude: newMatcher(hc.Exclude),
		structs: newMatcher(hc.Structs), typedefs: newMatcher(hc.Typedefs), strings: make(map[string]*matcher),
	}
	for name, patterns := range hc.Strings {
		c.strings[name] = newMatcher(patterns)
	}
	return c
}

// takes tells whether a constant is wanted.
func (c *chooser) takes(name string) bool {
	in := len(c.include.patterns) == 0 || c.include.match(name)
	return !c.exclude.match(name) && in
}

// choose returns what the i-th header of the configuration takes from h.
func (s *selection) choose(i int, h *Header) (*Header, error) {
	origin := i
	if s.cfg.origin != nil {
		origin = s.cfg.origin[i]
	}
	c := s.choosers[origin]
	if c == nil {
		c = newChooser(i, s.cfg.Headers[i])
		s.choosers[origin] = c
	}
	out := *h
	out.Groups, out.Skipped, out.Aggregates, out.Typedefs = nil, nil, nil, nil
	for _, k := range h.Skipped {
		c.include.match(k.Name)
		c.exclude.match(k.Name)
	}
	for _, g := range h.Groups {
		kept := g
		kept.Consts = nil
		for _, k := range g.Consts {
			if !c.takes(k.Name) || strings.HasPrefix(k.Name, "_") {
				continue // those are reserved, or helpers such as __IFLA_MAX
			}
			if reason := unnameable(k.Name); reason != "" {
				out.Skipped = append(out.Skipped, Skip{k.Name, k.Pos, reason})
				continue
			}
			if first, ok := s.seen[k.Name]; ok {
				if !first.Value.equal(k.Value) {
					return nil, &DisagreementError{first, k}
				}
				out.Skipped = append(out.Skipped, Skip{k.Name, k.Pos, "same as at " + first.Pos.String()})
				continue
			}
			s.seen[k.Name] = k
			kept.Consts = append(kept.Consts, k)
		}
		if len(kept.Consts) > 0 {
			out.Groups = append(out.Groups, kept)
		}
	}
	for _, k := range h.Skipped {
		if !strings.HasPrefix(k.Name, "_") && c.takes(k.Name) {
			out.Skipped = append(out.Skipped, k)
		}
	}
	out.Aggregates = keep(h.Aggregates, func(a *Aggregate) bool { return c.structs.match(a.Tag) })
	for _, t := range h.Typedefs {
		if !c.typedefs.match(t.Name) || strings.HasPrefix(t.Name, "_") {
			continue
		}
		if reason := t.inexpressible(); reason != "" {
			out.Skipped = append(out.Skipped, Skip{t.Name, t.Pos, reason})
			continue
		}
		out.Typedefs = append(out.Typedefs, t)
	}
	out.Enums = c.enums(&out)
	return &out, nil
}

// enums returns the types with names for the constants of a chosen header.
func (c *chooser) enums(h *Header) []*EnumType {
	var out []*EnumType
	for _, name := range sortedKeys(c.strings) {
		m := c.strings[name]
		e := &EnumType{Name: name, Patterns: m.patterns}
		for _, g := range h.Groups {
			for _, k := range g.Consts {
				if !k.Value.IsString && m.match(k.Name) {
					e.Consts = append(e.Consts, k)
				}
			}
		}
		if len(e.Consts) > 0 {
			out = append(out, e)
		}
	}
	return out
}

// inexpressible returns why a typedef does not become a type in Go, or "".
func (t *Typedef) inexpressible() string {
	of := t.Type
	for of.Kind == Array && of.Len > 0 {
		of = of.Elem
	}
	switch {
	case of.Kind == Integer && (of.Size == 1 || of.Size == 2 || of.Size == 4 || of.Size == 8):
		return ""
	case of.Kind == Record:
		return "a second name of " + of.Record.CName()
	}
	return "a typedef of no number"
}

// unused fails if a pattern never matched, or a mapping of types had no use.
func (s *selection) unused() error {
	for _, key := range sortedInts(s.choosers) {
		c := s.choosers[key]
		header := s.cfg.Headers[c.index].Path
		for _, list := range []struct {
			key, what string
			m         *matcher
		}{
			{"structs", "struct or union", c.structs}, {"typedefs", "typedef", c.typedefs},
			{"include", "constant", c.include}, {"exclude", "constant", c.exclude},
		} {
			if p := list.m.unused(); p != "" {
				return s.cfg.headerError(c.index, list.key, fmt.Sprintf("%s: %s has no %s %q", list.key, header, list.what, p))
			}
		}
		for _, name := range sortedKeys(c.strings) {
			if p := c.strings[name].unused(); p != "" {
				return s.cfg.headerError(c.index, "strings", fmt.Sprintf("strings: %s: %s has no number %q in the package", name, header, p))
			}
		}
	}
	for _, c := range sortedKeys(s.cfg.Types) {
		if !s.types[c] {
			return &ConfigError{s.cfg.name(), s.cfg.lineOf("types." + c), fmt.Sprintf("types: no selected struct has a %q", c)}
		}
	}
	return nil
}

func sortedInts[V any](m map[int]V) []int {
	var keys []int
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// checkTypes compares the sizes of mapped types.
func (s *selection) checkTypes(p *Package) error {
	cfg := s.cfg
	var visit func(t *Type) error
	visit = func(t *Type) error {
		if c, ok := t.mapped(p.types); ok {
			s.types[c] = true
			if g, ok := parseGoType(p.types[c]); !ok || g.size != t.Size {
				return &ConfigError{cfg.name(), cfg.lineOf("types." + c), fmt.Sprintf("types: %q has %d bytes, %s has %d", c, t.Size, g.text, g.size)}
			}
			return nil
		}
		switch {
		case t.Kind == Array:
			return visit(t.Elem)
		case t.Kind == Record && t.Record.Tag == "":
			for _, f := range t.Record.Fields {
				if err := visit(f.Type); err != nil {
					return err
				}
			}
		}
		return nil
	}
	for _, h := range p.Headers {
		for _, a := range h.Aggregates {
			for _, f := range a.Fields {
				if err := visit(f.Type); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// mapped returns the name by which a mapping knows the type.
func (t *Type) mapped(types map[string]string) (name string, ok bool) {
	for _, n := range t.Names {
		if _, ok := types[n]; ok {
			return n, true
		}
	}
	if t.Kind == Record && t.Record.Tag != "" {
		_, ok := types[t.Record.CName()]
		return t.Record.CName(), ok
	}
	return "", false
}
