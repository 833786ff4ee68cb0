// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"strconv"
	"strings"
)

// cPointer is the generated type of a pointer where Go must not have one.
const cPointer = "CPointer"

// goType is a type in the generated package.
type goType struct {
	text  string // in Go; "unsafe.Pointer" needs an import
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
	name, setter string
	typ          goType
	raw          string // the field that holds it
	offset       int64  // within raw, bytes or bits
	bits         int64  // width of a bit-field, otherwise 0
	signed       bool
	inside       bool // aligned within raw, so that a pointer can be returned
	flexible     bool // an array of typ, at offset within the struct
	doc          []string
	c            string
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
	nested    []*goStruct // types generated for members without a tag
}

// layouter decides how C aggregates look in Go.
type layouter struct {
	p *Package
	// types are all type names taken.
	types names
	// cache has the types that were laid out already, for their alignment.
	cache map[*Aggregate]*goStruct
	// known are the records that are types of the package, by name in C.
	known map[string]*Aggregate
	// hidden are the records in bytes that the garbage collector does not scan for
	// pointers, see [layouter.hide].
	hidden map[any]bool
	// maxAlign is the largest alignment that Go uses on the target.
	maxAlign int64
}

// arrange lays out all aggregates of a package, by header. Their names are unique, because
// [Select] rejects clashes.
func arrange(p *Package) [][]*goStruct {
	l := &layouter{
		p: p, types: p.names(), cache: make(map[*Aggregate]*goStruct), known: make(map[string]*Aggregate),
		hidden: make(map[any]bool), maxAlign: maxAlignOf(p.Arch),
	}
	for _, name := range p.goNames {
		l.types[name] = true
	}
	for _, h := range p.Headers {
		for _, a := range h.Aggregates {
			l.known[a.CName()] = a
		}
		for _, e := range h.Enums {
			l.types[e.Name] = true
		}
	}
	for _, h := range p.Headers {
		for _, a := range h.Aggregates {
			l.findHidden(a)
		}
	}
	out := make([][]*goStruct, len(p.Headers))
	for i, h := range p.Headers {
		for _, a := range h.Aggregates {
			out[i] = append(out[i], l.layout(a, p.goNames[a.CName()], a.CName()))
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
	b := &structBuilder{l: l, g: g, members: names{}, names: make(map[string]string), hidden: l.isHidden(a)}
	b.reserve(a)
	if a.Union {
		b.union(a, 0, "raw")
	} else {
		b.fields(a, 0, a.Size)
		b.pad(a.Size)
	}
	for i := range g.accessors {
		x := &g.accessors[i]
		if !x.inside && !x.flexible {
			x.setter = b.members.unique("Set" + x.name)
		}
	}
	return g
}

// structBuilder fills one goStruct from left to right.
type structBuilder struct {
	l       *layouter
	g       *goStruct
	members names
	names   map[string]string // of members, by name in C
	hidden  bool
	at      int64
}

// reserve assigns the names of all members first. A setter whose name is taken
// gets a number.
func (b *structBuilder) reserve(a *Aggregate) {
	for _, f := range a.Fields {
		switch {
		case f.Name != "":
			name := b.l.p.members[b.g.c.Tag+"."+f.Name]
			if name == "" {
				name = exported(f.Name)
			}
			b.names[f.Name] = b.members.unique(name)
		case f.Type.Kind == Record:
			b.reserve(f.Type.Record)
		}
	}
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

// fits reports whether Go would place a type at an offset of the struct without
// moving anything.
func (b *structBuilder) fits(t goType, offset int64) bool {
	return offset%t.align == 0 && b.g.size%t.align == 0
}

// fields appends the members of a, which begins at base. The members of an anonymous struct
// go into the struct around it, as in C.
func (b *structBuilder) fields(a *Aggregate, base, end int64) {
	for i := 0; i < len(a.Fields); i++ {
		f := a.Fields[i]
		offset := base + f.Offset
		switch {
		case f.Flexible:
			b.flexible(f, offset)
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
			b.union(f.Type.Record, offset, b.members.unique("union"+strconv.FormatInt(offset, 10)))
		case f.Name == "" && f.Type.Kind == Record:
			b.fields(f.Type.Record, offset, offset+f.Type.Size)
		case f.Name == "" || f.Type.Size == 0:
			// It has no size, like the markers of a group of fields.
		default:
			b.member(f, offset)
		}
	}
}

// member appends an ordinary member.
func (b *structBuilder) member(f Field, offset int64) {
	b.pad(offset)
	name := b.names[f.Name]
	t := b.typeOf(f.Type, name, f.Name, b.hidden)
	if b.fits(t, offset) {
		b.put(goField{name: name, typ: t, offset: offset, doc: b.doc(f), c: f.Name})
		return
	}
	t = b.typeOf(f.Type, name, f.Name, true)
	raw := b.members.unique("raw" + name)
	b.put(goField{name: raw, typ: bytesType(t.size), offset: offset, c: f.Name})
	b.g.accessors = append(b.g.accessors, accessor{name: name, typ: t, raw: raw, doc: b.doc(f), c: f.Name})
}

// doc returns the comment of a member. Where the Go name is not the usual one
// it tells the name in C.
func (b *structBuilder) doc(f Field) []string {
	name := b.names[f.Name]
	if name == goName(f.Name) && !strings.Contains(f.Name, "$") {
		return f.Doc
	}
	c := f.Name + " in C"
	if len(f.Doc) == 1 && len(f.Doc[0])+len(c) < 58 {
		return []string{c + ": " + f.Doc[0]}
	}
	return append([]string{c}, f.Doc...)
}

// flexible appends an accessor for an array of no fixed length, which takes no
// room itself.
func (b *structBuilder) flexible(f Field, offset int64) {
	if f.Name == "" {
		return
	}
	name := b.names[f.Name]
	t := bytesType(1)
	if elem := f.Type.Elem; elem.Size > 0 {
		if t = b.typeOf(elem, name, f.Name+"[0]", true); !b.fits(t, offset) {
			t = bytesType(t.size)
		}
	}
	b.g.accessors = append(b.g.accessors, accessor{name: name, typ: t, offset: offset, flexible: true, doc: b.doc(f), c: f.Name})
}

// union appends the bytes of a union and an accessor for each of its members.
func (b *structBuilder) union(u *Aggregate, offset int64, raw string) {
	align := int64(8)
	for u.Size%align != 0 || offset%align != 0 || b.g.size%align != 0 {
		align /= 2
	}
	need := int64(1)
	start := len(b.g.accessors)
	b.unionMembers(u, offset, 0, raw, &need)
	// The alignment must not exceed that of the members.
	align = min(align, need)
	for i := range b.g.accessors[start:] {
		a := &b.g.accessors[start+i]
		a.inside = !a.flexible && a.bits == 0 && a.typ.align <= align && a.offset%a.typ.align == 0
	}
	if u.Size > 0 {
		b.put(goField{name: raw, typ: b.l.aligned(opaqueType(u.Size, align)), offset: offset})
	}
}

// unionMembers appends accessors for the members of u, which begins base bytes
// after the start of a union at offset.
func (b *structBuilder) unionMembers(u *Aggregate, offset, base int64, raw string, need *int64) {
	for _, f := range u.Fields {
		switch {
		case f.Flexible:
			b.flexible(f, offset+base+f.Offset)
			continue
		case f.Name == "" && f.Type.Kind == Record:
			b.unionMembers(f.Type.Record, offset, base+f.Offset, raw, need)
			continue
		case f.Name == "" || f.Type.Size == 0:
			continue
		}
		name := b.names[f.Name]
		a := accessor{name: name, raw: raw, offset: base + f.Offset, doc: b.doc(f), c: f.Name}
		a.typ = b.typeOf(f.Type, name, f.Name, true)
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
		name := b.names[f.Name]
		b.g.accessors = append(b.g.accessors, accessor{
			name: name, typ: b.typeOf(f.Type, name, f.Name, b.hidden), raw: raw, offset: 8*(base-first) + f.BitOffset,
			bits: f.BitSize, signed: f.Type.Signed, doc: b.doc(f), c: f.Name,
		})
	}
}
