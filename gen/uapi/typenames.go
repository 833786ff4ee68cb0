// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"reflect"
	"slices"
)

// depend adds to a package the types inside of its structs, for headers with Depends.
func (s *selection) depend(p *Package) {
	have := make(map[string]bool)
	for _, h := range p.Headers {
		for _, a := range h.Aggregates {
			have[a.CName()] = true
		}
		for _, e := range h.EnumTypes {
			have[e.CName()] = true
		}
	}
	for i, h := range p.Headers {
		naming := s.naming(i)
		if !isSet(naming.Depends) {
			continue
		}
		var visit func(t *Type)
		members := func(a *Aggregate) {
			for _, f := range a.Fields {
				visit(f.Type)
			}
		}
		visit = func(t *Type) {
			switch {
			case t.Kind == Array:
				visit(t.Elem)
			case t.Kind == Record && t.Record.Tag == "":
				members(t.Record)
			case t.Kind == Record:
				if _, mapped := t.mapped(p.types); !mapped && !have[t.Record.CName()] {
					have[t.Record.CName()] = true
					members(t.Record)
					h.Aggregates = append(h.Aggregates, t.Record)
				}
			case t.Enum != nil && naming.Enums != enumsNone && !have[t.Enum.CName()]:
				have[t.Enum.CName()] = true
				h.EnumTypes = append(h.EnumTypes, t.Enum)
			}
		}
		for _, a := range slices.Clone(h.Aggregates) {
			members(a)
		}
	}
}

// nameTypes gives the types of a package their Go names. A name that is taken is an error.
// An enum whose name is taken gets no type, because its constants are enough.
func (s *selection) nameTypes(p *Package) {
	taken := make(map[string]string)
	for n := range p.names() {
		taken[n] = n
	}
	for n := range supportNames() {
		taken[n] = "generated code"
	}
	defined := make(map[string]*Aggregate)
	for i, h := range p.Headers {
		naming := s.naming(i)
		h.Aggregates = keep(h.Aggregates, func(a *Aggregate) bool {
			c := a.CName()
			if first := defined[c]; first != nil {
				if !sameLayout(first, a) {
					s.refuse(h, c, a.Pos, p.goNames[c], "another "+c+" at "+first.Pos.String())
				} else {
					h.Skipped = append(h.Skipped, Skip{c, a.Pos, reasonSame + first.Pos.String()})
				}
				return false
			}
			name := naming.typeName(a.Tag)
			if taken[name] != "" {
				s.refuse(h, c, a.Pos, name, taken[name])
				return false
			}
			taken[name], p.goNames[c], defined[c] = c+" at "+a.Pos.String(), name, a
			return true
		})
	}
	for i, h := range p.Headers {
		s.nameEnums(p, h, s.naming(i), taken)
	}
	for i, h := range p.Headers {
		naming := s.naming(i)
		h.Typedefs = keep(h.Typedefs, func(t *Typedef) bool {
			if e := t.Type.Enum; e != nil && p.goNames[e.CName()] != "" {
				h.Skipped = append(h.Skipped, Skip{t.Name, t.Pos, reasonSecond + e.CName()})
				return false
			}
			name := naming.typeName(t.Name)
			if taken[name] != "" {
				s.refuse(h, t.Name, t.Pos, name, taken[name])
				return false
			}
			taken[name], p.goNames[t.Name] = "typedef "+t.Name+" at "+t.Pos.String(), name
			return true
		})
	}
	s.typeMacros(p)
	enums := make(map[string]bool)
	for _, h := range p.Headers {
		for _, e := range h.EnumTypes {
			enums[p.goNames[e.CName()]] = true
		}
	}
	for _, h := range p.Headers {
		h.Enums = keep(h.Enums, func(e *EnumType) bool {
			e.types = make(map[string]string)
			for _, g := range h.Groups {
				for _, c := range g.Consts {
					e.types[c.Name] = g.typeOf(&c)
				}
			}
			if enums[e.Name] {
				e.declared = true
				delete(enums, e.Name)
				return true
			}
			if taken[e.Name] != "" {
				s.refuse(h, e.Name, e.Consts[0].Pos, e.Name, taken[e.Name])
				return false
			}
			taken[e.Name] = "strings " + e.Name
			return true
		})
	}
}

// nameEnums names the enums of a header, and gives their constants the type.
func (s *selection) nameEnums(p *Package, h *Header, naming Naming, taken map[string]string) {
	h.EnumTypes = keep(h.EnumTypes, func(e *Enum) bool {
		name := naming.typeName(e.Tag)
		switch {
		case p.goNames[e.CName()] != "":
			return false
		case taken[name] != "":
			h.Skipped = append(h.Skipped, Skip{e.CName(), e.Pos, "the name " + name + " is taken by " + taken[name] + ", so its constants have no type (rename gives it another)"})
			return false
		}
		taken[name], p.goNames[e.CName()] = e.CName()+" at "+e.Pos.String(), name
		return true
	})
	for i := range h.Groups {
		g := &h.Groups[i]
		if g.Enum != nil && naming.Enums == enumsTyped && slices.Contains(h.EnumTypes, g.Enum) {
			g.GoType = p.goNames[g.Enum.CName()]
		}
	}
}

// refuse leaves out a type whose name is taken, or makes that an error.
func (s *selection) refuse(h *Header, c string, pos Pos, name, taken string) {
	if s.lenient {
		h.Skipped = append(h.Skipped, Skip{c, pos, "the name " + name + " is taken by " + taken})
		return
	}
	s.clash(c, pos, name, taken)
}

// sameLayout reports whether two definitions of a type are the same.
func sameLayout(a, b *Aggregate) bool {
	if a == b {
		return true
	}
	if a.Size != b.Size || a.Union != b.Union || len(a.Fields) != len(b.Fields) {
		return false
	}
	for i, f := range a.Fields {
		g := b.Fields[i]
		if f.Name != g.Name || f.Offset != g.Offset || f.BitSize != g.BitSize || f.BitOffset != g.BitOffset ||
			f.Type.Kind != g.Type.Kind || f.Type.Size != g.Type.Size || !reflect.DeepEqual(f.Type.Names, g.Type.Names) {
			return false
		}
	}
	return true
}
