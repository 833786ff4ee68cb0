// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"cmp"
	"debug/dwarf"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// recordReader builds aggregates from debug information.
type recordReader struct {
	d          *dwarf.Data
	sources    map[string]*source  // by header
	scanned    map[string]*scanned // by header
	files      []*dwarf.LineFile
	roots      *roots
	done       map[*dwarf.StructType]*Aggregate
	place      map[*dwarf.StructType]Pos
	members    map[*dwarf.StructType][]memberEntry
	names      map[*dwarf.StructType]string // typedefs of records without a tag
	typedefs   []*dwarf.Entry
	enums      []*dwarf.Entry
	enumOf     map[*dwarf.EnumType]*Enum
	signedEnum map[*dwarf.EnumType]bool
}

// memberEntry has what the types of debug/dwarf lack about a member.
type memberEntry struct {
	line int
	// bit is the place of a bit-field from the start of the record, in bits as the target
	// numbers them.
	bit int64
}

// readTypes gives each header the structs, unions, enums and typedefs that it defines
// itself, in the order of their lines.
func readTypes(d *dwarf.Data, members []*analysis, roots *roots) error {
	r := &recordReader{
		d: d, roots: roots,
		sources:    make(map[string]*source),
		scanned:    make(map[string]*scanned),
		done:       make(map[*dwarf.StructType]*Aggregate),
		place:      make(map[*dwarf.StructType]Pos),
		members:    make(map[*dwarf.StructType][]memberEntry),
		names:      make(map[*dwarf.StructType]string),
		enumOf:     make(map[*dwarf.EnumType]*Enum),
		signedEnum: make(map[*dwarf.EnumType]bool),
	}
	headers := make(map[string]*Header)
	for _, a := range members {
		r.scanned[a.h.Path] = a.sc
		r.sources[a.h.Path], headers[a.h.Path] = a.src, a.h
	}
	records, err := r.survey()
	if err != nil {
		return err
	}
	if err := r.nameEnums(headers); err != nil {
		return err
	}
	for _, st := range records {
		h := headers[r.place[st].File]
		if st.Incomplete || h == nil {
			continue
		}
		a, err := r.aggregate(st)
		if err != nil {
			return err
		}
		if a.Tag != "" {
			a.Doc = r.sources[h.Path].before(a.Pos.Line)
			h.Aggregates = append(h.Aggregates, a)
		}
	}
	if err := r.plainTypedefs(headers); err != nil {
		return err
	}
	for _, h := range headers {
		h.typeGroups()
		slices.SortStableFunc(h.Aggregates, func(x, y *Aggregate) int { return cmp.Compare(x.Pos.Line, y.Pos.Line) })
		slices.SortStableFunc(h.Typedefs, func(x, y *Typedef) int { return cmp.Compare(x.Pos.Line, y.Pos.Line) })
	}
	return nil
}

// plainTypedefs finds the typedefs that are not the only name of a record or enum.
func (r *recordReader) plainTypedefs(headers map[string]*Header) error {
	for _, e := range r.typedefs {
		pos := r.declared(e)
		h := headers[pos.File]
		name, ok := e.Val(dwarf.AttrName).(string)
		if h == nil || !ok {
			continue
		}
		// gcc describes only the first of equal typedefs, clang all of them.
		if first := r.scanned[h.Path].typedefs[name]; first != "" && r.roots.relative(first) != h.Path {
			continue
		}
		dt, err := r.d.Type(e.Offset)
		if err != nil {
			return err
		}
		if td, ok := dt.(*dwarf.TypedefType); ok {
			if st, ok := td.Type.(*dwarf.StructType); ok && (r.names[st] == name || st.Incomplete) {
				continue
			}
			if et, ok := td.Type.(*dwarf.EnumType); ok && r.enumOf[et] != nil && r.enumOf[et].Typedef && r.enumOf[et].Tag == name {
				continue
			}
		}
		t, err := r.ctype(dt)
		if err != nil {
			return err
		}
		h.Typedefs = append(h.Typedefs, &Typedef{Name: name, Type: t, Pos: pos, Doc: r.sources[h.Path].before(pos.Line)})
	}
	return nil
}

// survey walks over all entries once. It returns the records, and stores what the types of
// debug/dwarf lack.
func (r *recordReader) survey() (records []*dwarf.StructType, err error) {
	var (
		open   []*dwarf.StructType // the record or nil, by depth
		reader = r.d.Reader()
	)
	for {
		e, err := reader.Next()
		if err != nil {
			return nil, err
		}
		if e == nil {
			break
		}
		if e.Tag == 0 {
			open = open[:max(0, len(open)-1)]
			continue
		}
		var record *dwarf.StructType
		switch e.Tag {
		case dwarf.TagCompileUnit:
			if err := r.lineTable(e); err != nil {
				return nil, err
			}
		case dwarf.TagStructType, dwarf.TagUnionType:
			t, err := r.d.Type(e.Offset)
			if err != nil {
				return nil, err
			}
			// debug/dwarf caches types by their offset, so other types refer to this same
			// object.
			if st, ok := t.(*dwarf.StructType); ok {
				record = st
				records = append(records, st)
				r.place[st] = r.declared(e)
			}
		case dwarf.TagMember:
			if n := len(open); n > 0 && open[n-1] != nil {
				m := memberEntry{r.declared(e).Line, bitOffset(e, reader.ByteOrder() == binary.BigEndian)}
				r.members[open[n-1]] = append(r.members[open[n-1]], m)
			}
		case dwarf.TagEnumerationType:
			r.enums = append(r.enums, e)
		case dwarf.TagTypedef:
			r.typedefs = append(r.typedefs, e)
		}
		if e.Children {
			open = append(open, record)
		}
	}
	return records, r.nameRecords()
}

// nameRecords names each record without a tag after its typedef.
func (r *recordReader) nameRecords() error {
	for _, e := range r.typedefs {
		name, ok := e.Val(dwarf.AttrName).(string)
		to, ok2 := e.Val(dwarf.AttrType).(dwarf.Offset)
		if !ok || !ok2 {
			continue
		}
		t, err := r.d.Type(to)
		if err != nil {
			return err
		}
		if st, ok := t.(*dwarf.StructType); ok && st.StructName == "" && r.names[st] == "" {
			r.names[st] = name
		}
	}
	return nil
}

// bitOffset returns where a bit-field begins. clang still writes the form of
// DWARF 3, which counts within the storage unit from its most significant bit.
// debug/dwarf does not tell an offset of 0 in that form from none.
func bitOffset(e *dwarf.Entry, bigEndian bool) int64 {
	if bit, ok := e.Val(dwarf.AttrDataBitOffset).(int64); ok {
		return bit
	}
	start, _ := e.Val(dwarf.AttrDataMemberLoc).(int64)
	from, ok := e.Val(dwarf.AttrBitOffset).(int64)
	if !ok {
		return 8 * start
	}
	if bigEndian {
		return 8*start + from
	}
	unit, _ := e.Val(dwarf.AttrByteSize).(int64)
	width, _ := e.Val(dwarf.AttrBitSize).(int64)
	return 8*(start+unit) - from - width
}

func (r *recordReader) lineTable(unit *dwarf.Entry) error {
	lr, err := r.d.LineReader(unit)
	if err != nil {
		return err
	}
	if lr != nil {
		r.files = lr.Files()
	}
	return nil
}

// declared returns the place of an entry, with a path below the include root,
// or an empty file if it lies elsewhere.
func (r *recordReader) declared(e *dwarf.Entry) Pos {
	file, _ := e.Val(dwarf.AttrDeclFile).(int64)
	line, _ := e.Val(dwarf.AttrDeclLine).(int64)
	if file < 0 || file >= int64(len(r.files)) || r.files[file] == nil {
		return Pos{}
	}
	rel := r.roots.relative(filepath.Clean(r.files[file].Name))
	if rel == "" {
		return Pos{}
	}
	return Pos{File: rel, Line: int(line)}
}

// aggregate translates a record.
func (r *recordReader) aggregate(st *dwarf.StructType) (*Aggregate, error) {
	if a, ok := r.done[st]; ok {
		return a, nil
	}
	a := &Aggregate{Tag: st.StructName, Union: st.Kind == "union", Size: st.ByteSize, Pos: r.place[st]}
	if a.Tag == "" {
		a.Tag, a.Typedef = r.names[st], true
	}
	r.done[st] = a
	entries := r.members[st]
	if len(entries) != len(st.Field) {
		return nil, fmt.Errorf("%s has %d members, but %d entries", a.CName(), len(st.Field), len(entries))
	}
	for i, f := range st.Field {
		t, err := r.ctype(f.Type)
		if err != nil {
			return nil, err
		}
		out := Field{Name: f.Name, Type: t, Offset: f.ByteOffset}
		if f.BitSize > 0 {
			out.BitSize, out.BitOffset = f.BitSize, entries[i].bit
			out.Offset = out.BitOffset / 8
		}
		out.Flexible = t.Kind == Array && t.Len <= 0
		if src := r.sources[a.Pos.File]; src != nil {
			out.Doc = fieldDoc(src, entries[i].line)
		}
		a.Fields = append(a.Fields, out)
	}
	return a, nil
}

// fieldDoc returns the comment of the field on a line.
func fieldDoc(src *source, line int) []string {
	if doc := src.beside(line); doc != nil {
		return doc
	}
	return src.before(line)
}

// ctype translates a type.
func (r *recordReader) ctype(t dwarf.Type) (*Type, error) {
	switch t := t.(type) {
	case *dwarf.TypedefType:
		of, err := r.ctype(t.Type)
		if err != nil {
			return nil, err
		}
		out := *of
		out.Names = append([]string{t.Name}, of.Names...)
		if out.Kind == Integer {
			out.BigEndian = out.BigEndian || strings.HasPrefix(t.Name, "__be")
			out.LittleEndian = out.LittleEndian || strings.HasPrefix(t.Name, "__le")
		}
		return &out, nil
	case *dwarf.QualType:
		return r.ctype(t.Type)
	case *dwarf.IntType, *dwarf.CharType:
		return &Type{Kind: Integer, Size: t.Size(), Signed: true, Char: t.Common().Name == "char"}, nil
	case *dwarf.BoolType:
		return &Type{Kind: Integer, Size: t.Size(), Bool: true}, nil
	case *dwarf.UintType, *dwarf.UcharType, *dwarf.AddrType:
		// Plain char is unsigned on some targets.
		return &Type{Kind: Integer, Size: t.Size(), Char: t.Common().Name == "char"}, nil
	case *dwarf.FloatType:
		if t.ByteSize == 4 || t.ByteSize == 8 {
			return &Type{Kind: Float, Size: t.ByteSize}, nil
		}
	case *dwarf.EnumType:
		return &Type{Kind: Integer, Size: t.ByteSize, Signed: r.signedEnum[t], Enum: r.enumOf[t]}, nil
	case *dwarf.PtrType:
		return &Type{Kind: Pointer, Size: t.Size()}, nil
	case *dwarf.ArrayType:
		elem, err := r.ctype(t.Type)
		if err != nil {
			return nil, err
		}
		return &Type{Kind: Array, Size: max(0, t.Size()), Elem: elem, Len: t.Count}, nil
	case *dwarf.StructType:
		a, err := r.aggregate(t)
		if err != nil {
			return nil, err
		}
		return &Type{Kind: Record, Size: t.ByteSize, Record: a}, nil
	}
	return &Type{Kind: Other, Size: max(0, t.Size())}, nil
}
