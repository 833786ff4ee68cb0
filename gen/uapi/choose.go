// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"fmt"
	"slices"
	"strings"
)

// selection is the work of [Select].
type selection struct {
	cfg *Config
	// lenient leaves out names that otherwise cause an error.
	lenient bool
	seen    map[string]Constant // by name in Go
	// choosers are by entry of the configuration: all headers that a pattern
	// matches share one.
	choosers map[int]*chooser
	types    map[string]bool // mappings with a use
	clashes  []Clash
	disagree []error
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

// takes reports whether a constant is wanted.
func (c *chooser) takes(name string) bool {
	in := len(c.include.patterns) == 0 || c.include.match(name)
	return !c.exclude.match(name) && in
}

// chooserOf returns the patterns for the i-th header of the configuration.
func (s *selection) chooserOf(i int) *chooser {
	origin := i
	if s.cfg.origin != nil {
		origin = s.cfg.origin[i]
	}
	c := s.choosers[origin]
	if c == nil {
		c = newChooser(i, s.cfg.Headers[i])
		s.choosers[origin] = c
	}
	return c
}

// choose returns the names that the i-th header of the configuration takes from h.
func (s *selection) choose(i int, h *Header) *Header {
	c, naming := s.chooserOf(i), s.naming(i)
	out := *h
	out.Groups, out.Skipped, out.Aggregates, out.Typedefs, out.EnumTypes = nil, nil, nil, nil, nil
	skip := func(name string, pos Pos, reason string) {
		out.Skipped = append(out.Skipped, Skip{name, pos, reason})
		c.include.lose(Skip{name, pos, reason})
	}
	for _, g := range h.Groups {
		kept := g
		kept.Consts = make([]Constant, 0, len(g.Consts))
		for _, k := range g.Consts {
			_, renamed := naming.Rename[k.Name]
			spelled := renamed || c.include.spells(k.Name)
			if !c.takes(k.Name) || strings.HasPrefix(k.Name, "_") && !spelled {
				continue // those are reserved, or helpers such as __IFLA_MAX
			}
			name, reason := naming.constant(k.Name)
			if reason != "" {
				skip(k.Name, k.Pos, reason)
				continue
			}
			if name != k.Name {
				k.GoName = name
			}
			first, taken := s.seen[name]
			switch {
			case !taken:
				s.seen[name] = k
				kept.Consts = append(kept.Consts, k)
				c.include.get(k.Name)
			case first.Name == k.Name && first.Value.equal(k.Value):
				out.Skipped = append(out.Skipped, Skip{k.Name, k.Pos, reasonSame + first.Pos.String()})
				c.include.get(k.Name)
			case s.lenient:
				skip(k.Name, k.Pos, "the name "+name+" is taken by "+first.Name+" at "+first.Pos.String())
			case first.Name == k.Name:
				s.disagree = append(s.disagree, &DisagreementError{first, k})
			default:
				s.clash(k.Name, k.Pos, name, first.Name+" at "+first.Pos.String())
			}
		}
		if len(kept.Consts) == 0 {
			continue
		}
		out.Groups = append(out.Groups, kept)
		if g.Enum != nil && naming.Enums != enumsNone && !slices.Contains(out.EnumTypes, g.Enum) {
			out.EnumTypes = append(out.EnumTypes, g.Enum)
		}
	}
	for _, k := range h.Skipped {
		in, spelled := c.takes(k.Name), c.include.spells(k.Name)
		if in && (spelled || !strings.HasPrefix(k.Name, "_")) {
			skip(k.Name, k.Pos, k.Reason)
		}
	}
	out.castEnums = make(map[string]*Enum)
	for _, t := range h.Typedefs {
		if t.Type.Enum != nil {
			out.castEnums[t.Name] = t.Type.Enum
		}
	}
	out.Aggregates = keep(h.Aggregates, func(a *Aggregate) bool { return c.structs.match(a.Tag) })
	for _, t := range h.Typedefs {
		if !c.typedefs.match(t.Name) || strings.HasPrefix(t.Name, "_") && !c.typedefs.spells(t.Name) {
			continue
		}
		if reason := t.inexpressible(); reason != "" {
			out.Skipped = append(out.Skipped, Skip{t.Name, t.Pos, reason})
			c.typedefs.lose(Skip{t.Name, t.Pos, reason})
			continue
		}
		out.Typedefs = append(out.Typedefs, t)
	}
	out.Enums = c.enums(&out)
	return &out
}

// clash notes a name that is taken.
func (s *selection) clash(c string, pos Pos, name, taken string) {
	clash := Clash{c, pos, name, taken}
	if !slices.Contains(s.clashes, clash) {
		s.clashes = append(s.clashes, clash)
	}
}

// lost returns the names that are spelled out and that no header has in a form
// that Go can express.
func (s *selection) lost() []Skip {
	var out []Skip
	if s.lenient {
		return nil
	}
	for _, key := range sortedInts(s.choosers) {
		for _, m := range []*matcher{s.choosers[key].include, s.choosers[key].typedefs} {
			for _, name := range sortedKeys(m.lost) {
				if !m.got[name] {
					out = append(out, m.lost[name])
				}
			}
		}
	}
	return out
}

// enums returns the types with a String method for the constants of a chosen header.
func (c *chooser) enums(h *Header) []*EnumType {
	var out []*EnumType
	for _, name := range sortedKeys(c.strings) {
		m := c.strings[name]
		e := &EnumType{Name: name, Patterns: m.patterns}
		for _, g := range h.Groups {
			for _, k := range g.Consts {
				if k.Value.integer() && m.match(k.Name) {
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
	case of.Kind == Float || of.Kind == Integer && (of.Size == 1 || of.Size == 2 || of.Size == 4 || of.Size == 8):
		return ""
	case of.Kind == Record:
		return reasonSecond + of.Record.CName()
	}
	return reasonNoNumber
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
				if p == "*" || s.lenient {
					continue // "*" may match nothing
				}
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
