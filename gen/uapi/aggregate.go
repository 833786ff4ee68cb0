// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"cmp"
	"debug/dwarf"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// recordReader builds aggregates from debug information.
type recordReader struct {
	d     *dwarf.Data
	src   *source // of header
	files []*dwarf.LineFile
	roots []string
	path  string // of header
	done  map[*dwarf.StructType]*Aggregate
	place map[dwarf.Offset]Pos
	lines map[dwarf.Offset][]int
	names map[*dwarf.StructType]string // typedefs of records without a tag
}

// aggregates returns the structs and unions that the header itself defines, in
// the order of their lines.
func aggregates(d *dwarf.Data, src *source, roots []string, header string) ([]*Aggregate, error) {
	r := &recordReader{
		d: d, src: src, roots: roots, path: header,
		done:  make(map[*dwarf.StructType]*Aggregate),
		place: make(map[dwarf.Offset]Pos),
		lines: make(map[dwarf.Offset][]int),
		names: make(map[*dwarf.StructType]string),
	}
	offsets, err := r.survey()
	if err != nil {
		return nil, fmt.Errorf("debug information: %w", err)
	}
	var out []*Aggregate
	for _, off := range offsets {
		t, err := d.Type(off)
		if err != nil {
			return nil, fmt.Errorf("debug information: %w", err)
		}
		st, ok := t.(*dwarf.StructType)
		if !ok || st.Incomplete {
			continue
		}
		a := r.aggregate(st, off)
		if a.Tag != "" && a.Pos.File == header {
			a.Doc = src.before(a.Pos.Line)
			out = append(out, a)
		}
	}
	slices.SortStableFunc(out, func(x, y *Aggregate) int { return cmp.Compare(x.Pos.Line, y.Pos.Line) })
	return out, nil
}

// survey walks over all entries once. It returns where records are and notes
// their places and those of their members, which the types of debug/dwarf do
// not carry.
func (r *recordReader) survey() (records []dwarf.Offset, err error) {
	type typedef struct {
		name string
		to   dwarf.Offset
	}
	var (
		typedefs []typedef
		open     []dwarf.Offset // the record or 0, by depth
		reader   = r.d.Reader()
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
		record := dwarf.Offset(0)
		switch e.Tag {
		case dwarf.TagCompileUnit:
			if err := r.lineTable(e); err != nil {
				return nil, err
			}
		case dwarf.TagStructType, dwarf.TagUnionType:
			record = e.Offset
			records = append(records, e.Offset)
			r.place[e.Offset] = r.declared(e)
		case dwarf.TagMember:
			if n := len(open); n > 0 && open[n-1] != 0 {
				r.lines[open[n-1]] = append(r.lines[open[n-1]], r.declared(e).Line)
			}
		case dwarf.TagTypedef:
			name, ok := e.Val(dwarf.AttrName).(string)
			to, ok2 := e.Val(dwarf.AttrType).(dwarf.Offset)
			if ok && ok2 {
				typedefs = append(typedefs, typedef{name, to})
			}
		}
		if e.Children {
			open = append(open, record)
		}
	}
	for _, td := range typedefs {
		t, err := r.d.Type(td.to)
		if err != nil {
			return nil, err
		}
		if st, ok := t.(*dwarf.StructType); ok && st.StructName == "" && r.names[st] == "" {
			r.names[st] = td.name
		}
	}
	return records, nil
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
// or an empty file for what is not there.
func (r *recordReader) declared(e *dwarf.Entry) Pos {
	file, _ := e.Val(dwarf.AttrDeclFile).(int64)
	line, _ := e.Val(dwarf.AttrDeclLine).(int64)
	if file < 0 || file >= int64(len(r.files)) || r.files[file] == nil {
		return Pos{}
	}
	rel, ok := strings.CutPrefix(filepath.Clean(r.files[file].Name), r.roots[0]+string(filepath.Separator))
	if !ok {
		return Pos{}
	}
	return Pos{File: filepath.ToSlash(rel), Line: int(line)}
}

// aggregate translates a record. off is 0 where it is not known.
func (r *recordReader) aggregate(st *dwarf.StructType, off dwarf.Offset) *Aggregate {
	a, ok := r.done[st]
	if !ok {
		a = &Aggregate{Tag: st.StructName, Union: st.Kind == "union", Size: st.ByteSize}
		if a.Tag == "" {
			a.Tag, a.Typedef = r.names[st], true
		}
		r.done[st] = a
		for _, f := range st.Field {
			a.Fields = append(a.Fields, r.field(f))
		}
	}
	if off == 0 || a.Pos.Line != 0 {
		return a
	}
	a.Pos = r.place[off]
	if lines := r.lines[off]; len(lines) == len(a.Fields) && a.Pos.File == r.path {
		for i, l := range lines {
			a.Fields[i].Doc = r.fieldDoc(l)
		}
	}
	return a
}

// fieldDoc returns the comment of the field on a line.
func (r *recordReader) fieldDoc(line int) []string {
	if doc := r.src.beside(line); doc != nil {
		return doc
	}
	return r.src.before(line)
}

func (r *recordReader) field(f *dwarf.StructField) Field {
	out := Field{Name: f.Name, Type: r.ctype(f.Type), Offset: f.ByteOffset}
	if f.BitSize > 0 {
		out.BitSize = f.BitSize
		out.BitOffset = bitOffset(f)
		out.Offset = out.BitOffset / 8
	}
	if out.Type.Kind == Array && out.Type.Len <= 0 {
		out.Flexible = true
	}
	return out
}

// bitOffset returns where a bit-field begins. Compilers up to DWARF 3 count
// from the most significant bit of the storage unit, which is how big-endian
// targets number bits anyway.
func bitOffset(f *dwarf.StructField) int64 {
	if f.BitOffset != 0 {
		return 8*f.ByteOffset + 8*f.ByteSize - f.BitOffset - f.BitSize
	}
	return 8*f.ByteOffset + f.DataBitOffset
}

// ctype translates a type.
func (r *recordReader) ctype(t dwarf.Type) *Type {
	switch t := t.(type) {
	case *dwarf.TypedefType:
		out := *r.ctype(t.Type)
		if out.Kind == Integer {
			out.BigEndian = out.BigEndian || strings.HasPrefix(t.Name, "__be")
			out.LittleEndian = out.LittleEndian || strings.HasPrefix(t.Name, "__le")
		}
		return &out
	case *dwarf.QualType:
		return r.ctype(t.Type)
	case *dwarf.IntType, *dwarf.CharType:
		return &Type{Kind: Integer, Size: t.Size(), Signed: true, Char: t.Common().Name == "char"}
	case *dwarf.UintType, *dwarf.UcharType, *dwarf.BoolType, *dwarf.AddrType:
		// Plain char is unsigned on some targets.
		return &Type{Kind: Integer, Size: t.Size(), Char: t.Common().Name == "char"}
	case *dwarf.EnumType:
		return &Type{Kind: Integer, Size: t.ByteSize}
	case *dwarf.PtrType:
		return &Type{Kind: Pointer, Size: t.Size()}
	case *dwarf.ArrayType:
		return &Type{Kind: Array, Size: max(0, t.Size()), Elem: r.ctype(t.Type), Len: t.Count}
	case *dwarf.StructType:
		return &Type{Kind: Record, Size: t.ByteSize, Record: r.aggregate(t, 0)}
	}
	return &Type{Kind: Other, Size: max(0, t.Size())}
}
