// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"fmt"
	"strconv"
)

// typeOf returns the Go type of a member. A record without a tag gets a type named after
// the struct and the member, whose name in C is c. With hidden, the garbage collector does
// not scan the member, and pointers become addresses.
func (b *structBuilder) typeOf(t *Type, member, c string, hidden bool) goType {
	if name, ok := t.mapped(b.l.p.types); ok {
		g, _ := parseGoType(b.l.p.types[name]) // checked by Select
		return b.l.aligned(g)
	}
	for _, n := range t.Names {
		if name := b.l.p.goNames[n]; name != "" && t.Kind != Record {
			under := *t
			under.Names = nil
			return goType{name, t.Size, b.typeOf(&under, member, c, hidden).align}
		}
	}
	switch t.Kind {
	case Integer:
		if t.Enum != nil {
			if name := b.l.p.goNames[t.Enum.CName()]; name != "" {
				return b.l.aligned(goType{name, t.Size, t.Size})
			}
		}
		return b.l.aligned(integerType(t))
	case Float:
		return b.l.aligned(goType{"float" + strconv.FormatInt(8*t.Size, 10), t.Size, t.Size})
	case Pointer:
		if hidden {
			return goType{cPointer, t.Size, t.Size}
		}
		return goType{"unsafe.Pointer", t.Size, t.Size}
	case Array:
		if t.Len > 0 {
			elem := b.typeOf(t.Elem, member, c+"[0]", hidden)
			return goType{fmt.Sprintf("[%d]%s", t.Len, elem.text), t.Size, elem.align}
		}
	case Record:
		return b.recordType(t, member, c)
	}
	return bytesType(t.Size)
}

// aligned returns t with the alignment that it has on the target.
func (l *layouter) aligned(t goType) goType {
	t.align = min(t.align, l.maxAlign)
	return t
}

func (b *structBuilder) recordType(t *Type, member, c string) goType {
	a := t.Record
	if known := b.l.known[a.CName()]; a.Tag != "" && known != nil {
		g := b.l.layout(known, b.l.p.goNames[a.CName()], a.CName())
		return goType{g.name, g.size, g.align}
	}
	if a.Tag != "" {
		// A record that is not selected becomes an array with its size and alignment.
		align := int64(8)
		for t.Size%align != 0 {
			align /= 2
		}
		return b.l.aligned(opaqueType(t.Size, min(align, recordAlign(a))))
	}
	if g := b.l.cache[a]; g != nil {
		return goType{g.name, g.size, g.align}
	}
	what := "struct"
	if a.Union {
		what = "union"
	}
	g := b.l.layout(a, b.l.types.unique(b.g.name+member), fmt.Sprintf("the %s %s of %s", what, member, b.g.name))
	g.member = c
	b.g.nested = append(b.g.nested, g)
	return goType{g.name, g.size, g.align}
}

// recordAlign returns the alignment that the members of a record need.
func recordAlign(a *Aggregate) int64 {
	align := int64(1)
	for _, f := range a.Fields {
		align = max(align, alignOf(f.Type))
	}
	return align
}

// alignOf returns the alignment that a type needs. Members of a packed record may have
// less.
func alignOf(t *Type) int64 {
	for t.Kind == Array {
		t = t.Elem
	}
	switch t.Kind {
	case Record:
		return recordAlign(t.Record)
	case Integer, Pointer, Float:
		return max(1, min(t.Size, 8))
	}
	return 1
}

// integerType returns the Go type of an integer.
func integerType(t *Type) goType {
	bits := strconv.FormatInt(8*t.Size, 10)
	switch {
	case t.Size != 1 && t.Size != 2 && t.Size != 4 && t.Size != 8:
		return bytesType(t.Size)
	case t.Char:
		return goType{"byte", 1, 1}
	case t.BigEndian && t.Size > 1:
		return goType{"Be" + bits, t.Size, t.Size}
	case t.LittleEndian && t.Size > 1:
		return goType{"Le" + bits, t.Size, t.Size}
	case t.Signed:
		return goType{"int" + bits, t.Size, t.Size}
	}
	return goType{"uint" + bits, t.Size, t.Size}
}

func bytesType(n int64) goType { return goType{fmt.Sprintf("[%d]byte", n), n, 1} }

// opaqueType returns an array of n bytes with an alignment, which divides n.
func opaqueType(n, align int64) goType {
	if align == 1 {
		return bytesType(n)
	}
	return goType{fmt.Sprintf("[%d]uint%d", n/align, 8*align), n, align}
}
