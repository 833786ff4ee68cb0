// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"fmt"
	"strconv"
)

// goType is a type in the generated package.
type goType struct {
	text  string // as Go; "unsafe.Pointer" stands for the import too
	size  int64
	align int64
}

// goField is a field of a generated struct. Padding has the name "_".
type goField struct {
	name   string
	typ    goType
	offset int64 // in C
	doc    []string
	c      string // the C name
}

// accessor is a pair of methods, or one that returns a pointer, for a member
// that cannot be a field.
type accessor struct {
	name   string
	typ    goType
	raw    string // the field that holds it
	offset int64  // within raw, bytes or bits
	bits   int64  // width of a bit-field, otherwise 0
	signed bool
	inside bool // aligned within raw, so that a pointer can be returned
	doc    []string
	c      string
}

// goStruct is a generated struct type.
type goStruct struct {
	name      string
	c         *Aggregate
	what      string // what it is in C
	member    string // for a nested type, its place in C: "choice", "list[0]"
	size      int64
	align     int64
	fields    []goField
	accessors []accessor
	notes     []string
	nested    []*goStruct // types made for members without a tag
}

// layouter decides how C aggregates look in Go.
type layouter struct {
	// known maps tags to the names of generated types.
	known map[string]string
	// types are all type names taken.
	types names
	// cache holds what was laid out already, for its alignment.
	cache map[*Aggregate]*goStruct
	byTag map[string]*Aggregate
	// typedefs maps typedefs to the names of generated types.
	typedefs map[string]string
	// mapped is what the configuration says of types.
	mapped map[string]string
	// maxAlign is the largest alignment that Go knows on the target.
	maxAlign int64
}

// maxAlignOf returns the largest alignment that Go knows on a target.
func maxAlignOf(arch string) int64 {
	if arch == "386" || arch == "arm" {
		return 4
	}
	return 8
}

// arrange lays out all aggregates of a package, by header. Their names do not
// clash: [Select] saw to that.
func arrange(p *Package) [][]*goStruct {
	l := &layouter{
		known: make(map[string]string), types: p.names(),
		cache: make(map[*Aggregate]*goStruct), byTag: make(map[string]*Aggregate),
		typedefs: make(map[string]string), mapped: p.types, maxAlign: maxAlignOf(p.Arch),
	}
	for _, h := range p.Headers {
		for _, a := range h.Aggregates {
			l.types[exported(a.Tag)] = true
			l.known[a.Tag], l.byTag[a.Tag] = exported(a.Tag), a
		}
		for _, t := range h.Typedefs {
			l.types[exported(t.Name)] = true
			l.typedefs[t.Name] = exported(t.Name)
		}
		for _, e := range h.Enums {
			l.types[e.Name] = true
		}
	}
	out := make([][]*goStruct, len(p.Headers))
	for i, h := range p.Headers {
		for _, a := range h.Aggregates {
			out[i] = append(out[i], l.layout(a, l.known[a.Tag], a.CName()))
		}
	}
	return out
}

// layout returns the Go form of a with exactly its layout.
func (l *layouter) layout(a *Aggregate, name, what string) *goStruct {
	if g := l.cache[a]; g != nil {
		return g
	}
	g := &goStruct{name: name, c: a, what: what, size: a.Size, align: 1}
	l.cache[a] = g
	b := &structBuilder{l: l, g: g, members: names{}}
	if a.Union {
		b.union(a, 0, "raw")
	} else {
		b.fields(a, 0, a.Size)
		b.pad(a.Size)
	}
	return g
}

// structBuilder fills one goStruct from left to right.
type structBuilder struct {
	l       *layouter
	g       *goStruct
	members names
	at      int64
}

// pad brings the next field to offset.
func (b *structBuilder) pad(offset int64) {
	if n := offset - b.at; n > 0 {
		b.put(goField{name: "_", typ: bytesType(n), offset: b.at})
	}
}

// put appends a field.
func (b *structBuilder) put(f goField) {
	b.g.fields = append(b.g.fields, f)
	b.at += f.typ.size
	b.g.align = max(b.g.align, f.typ.align)
}

// fits tells whether Go would place a type at an offset of the struct without
// moving anything.
func (b *structBuilder) fits(t goType, offset int64) bool {
	return offset%t.align == 0 && b.g.size%t.align == 0
}

// fields appends the members of a, which begins at base. NB: anonymous structs
// go into the one around them, as they do in C.
func (b *structBuilder) fields(a *Aggregate, base, end int64) {
	for i := 0; i < len(a.Fields); i++ {
		f := a.Fields[i]
		offset := base + f.Offset
		switch {
		case f.Flexible:
			b.g.notes = append(b.g.notes, fmt.Sprintf("It is followed by %s, an array of no fixed length.", f.Name))
		case f.BitSize > 0:
			n := i
			for n < len(a.Fields) && a.Fields[n].BitSize > 0 {
				n++
			}
			limit := end
			if n < len(a.Fields) {
				limit = base + a.Fields[n].Offset
			}
			b.bitFields(a.Fields[i:n], base, limit)
			i = n - 1
		case f.Name == "" && f.Type.Kind == Record && f.Type.Record.Union:
			b.pad(offset)
			b.union(f.Type.Record, offset, "union"+strconv.FormatInt(offset, 10))
		case f.Name == "" && f.Type.Kind == Record:
			b.fields(f.Type.Record, offset, offset+f.Type.Size)
		case f.Type.Size == 0:
			// Takes no room, as the markers of a group of fields do.
		default:
			b.member(f, offset)
		}
	}
}

// member appends an ordinary member.
func (b *structBuilder) member(f Field, offset int64) {
	b.pad(offset)
	name := b.members.unique(exported(f.Name))
	t := b.typeOf(f.Type, name, f.Name)
	if b.fits(t, offset) {
		b.put(goField{name: name, typ: t, offset: offset, doc: f.Doc, c: f.Name})
		return
	}
	raw := b.members.unique("raw" + name)
	b.put(goField{name: raw, typ: bytesType(t.size), offset: offset, c: f.Name})
	b.g.accessors = append(b.g.accessors, accessor{name: name, typ: t, raw: raw, doc: f.Doc, c: f.Name})
}

// union appends the bytes of a union and an accessor for each of its members.
func (b *structBuilder) union(u *Aggregate, offset int64, raw string) {
	align := int64(8)
	for u.Size%align != 0 || offset%align != 0 || b.g.size%align != 0 {
		align /= 2
	}
	need := int64(1)
	start := len(b.g.accessors)
	b.unionMembers(u, 0, raw, &need)
	// No more alignment than the members want.
	align = min(align, need)
	for i := range b.g.accessors[start:] {
		a := &b.g.accessors[start+i]
		a.inside = a.bits == 0 && a.typ.align <= align && a.offset%a.typ.align == 0
	}
	if u.Size > 0 {
		b.put(goField{name: raw, typ: b.l.aligned(opaqueType(u.Size, align)), offset: offset})
	}
}

func (b *structBuilder) unionMembers(u *Aggregate, base int64, raw string, need *int64) {
	for _, f := range u.Fields {
		switch {
		case f.Flexible:
			b.g.notes = append(b.g.notes, fmt.Sprintf("It is followed by %s, an array of no fixed length.", f.Name))
			continue
		case f.Name == "" && f.Type.Kind == Record:
			b.unionMembers(f.Type.Record, base+f.Offset, raw, need)
			continue
		case f.Name == "" || f.Type.Size == 0:
			continue
		}
		name := b.members.unique(exported(f.Name))
		a := accessor{name: name, raw: raw, offset: base + f.Offset, doc: f.Doc, c: f.Name}
		a.typ = b.typeOf(f.Type, name, f.Name)
		if f.BitSize > 0 {
			a.offset, a.bits, a.signed = 8*base+f.BitOffset, f.BitSize, f.Type.Signed
		}
		*need = max(*need, a.typ.align)
		b.g.accessors = append(b.g.accessors, a)
	}
}

// bitFields appends the bytes of a run of bit-fields and accessors for them.
func (b *structBuilder) bitFields(fields []Field, base, limit int64) {
	first := base + fields[0].Offset
	last := first
	for _, f := range fields {
		last = max(last, base+(f.BitOffset+f.BitSize+7)/8)
	}
	last = min(last, limit)
	b.pad(first)
	raw := b.members.unique("bits" + strconv.FormatInt(first, 10))
	b.put(goField{name: raw, typ: bytesType(last - first), offset: first})
	for _, f := range fields {
		if f.Name == "" {
			continue
		}
		name := b.members.unique(exported(f.Name))
		b.g.accessors = append(b.g.accessors, accessor{
			name: name, typ: b.typeOf(f.Type, name, f.Name), raw: raw, offset: 8*(base-first) + f.BitOffset,
			bits: f.BitSize, signed: f.Type.Signed, doc: f.Doc, c: f.Name,
		})
	}
}

// exported returns the Go name of a member.
func exported(c string) string {
	if name := goName(c); name != "" {
		return name
	}
	return "X"
}

// typeOf returns the Go type of a member. Records without a tag get a type
// named after the struct and the member, which is c in C.
func (b *structBuilder) typeOf(t *Type, member, c string) goType {
	if name, ok := t.mapped(b.l.mapped); ok {
		g, _ := parseGoType(b.l.mapped[name]) // checked by Select
		return b.l.aligned(g)
	}
	for _, n := range t.Names {
		if name := b.l.typedefs[n]; name != "" {
			under := *t
			under.Names = nil
			return goType{name, t.Size, b.typeOf(&under, member, c).align}
		}
	}
	switch t.Kind {
	case Integer:
		return b.l.aligned(integerType(t))
	case Pointer:
		return goType{"unsafe.Pointer", t.Size, t.Size}
	case Array:
		if t.Len > 0 {
			elem := b.typeOf(t.Elem, member, c+"[0]")
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
	if name := b.l.known[a.Tag]; a.Tag != "" && name != "" {
		g := b.l.layout(b.l.byTag[a.Tag], name, a.CName())
		return goType{name, g.size, g.align}
	}
	if a.Tag != "" {
		// Not selected: its bytes, aligned so that they fall into place.
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

// recordAlign returns the alignment that the members of a record ask for.
func recordAlign(a *Aggregate) int64 {
	align := int64(1)
	for _, f := range a.Fields {
		t := f.Type
		for t.Kind == Array {
			t = t.Elem
		}
		switch t.Kind {
		case Record:
			align = max(align, recordAlign(t.Record))
		case Integer, Pointer:
			align = max(align, min(t.Size, 8))
		}
	}
	return align
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
