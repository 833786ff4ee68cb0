// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"debug/dwarf"
	"slices"
)

// nameEnums adds to headers the enums that have a name: a tag, or else the name of a
// typedef.
func (r *recordReader) nameEnums(headers map[string]*Header) error {
	named := make(map[dwarf.Offset]string)
	for _, e := range r.typedefs {
		name, ok := e.Val(dwarf.AttrName).(string)
		to, ok2 := e.Val(dwarf.AttrType).(dwarf.Offset)
		if ok && ok2 && named[to] == "" {
			named[to] = name
		}
	}
	for _, entry := range r.enums {
		t, err := r.d.Type(entry.Offset)
		if err != nil {
			return err
		}
		et, ok := t.(*dwarf.EnumType)
		if !ok {
			continue
		}
		// A number above the largest int64 looks negative here.
		signed := enumType(r.d, entry).Signed && slices.ContainsFunc(et.Val, func(v *dwarf.EnumValue) bool { return v.Val < 0 })
		r.signedEnum[et] = signed
		e := &Enum{Tag: et.EnumName, Size: et.ByteSize, Pos: r.declared(entry)}
		if e.Tag == "" {
			e.Tag, e.Typedef = named[entry.Offset], true
		}
		if e.Tag == "" || len(et.Val) == 0 {
			continue
		}
		for _, v := range et.Val {
			e.Consts = append(e.Consts, v.Name)
		}
		e.signed = signed
		r.enumOf[et] = e
		if h := headers[e.Pos.File]; h != nil {
			e.Doc = r.sources[h.Path].before(e.Pos.Line)
			h.EnumTypes = append(h.EnumTypes, e)
		}
	}
	return nil
}

// typeGroups joins the groups of a header to the enums that they come from.
func (h *Header) typeGroups() {
	owner := make(map[string]*Enum)
	for _, e := range h.EnumTypes {
		for _, c := range e.Consts {
			owner[c] = e
		}
	}
	for i := range h.Groups {
		g := &h.Groups[i]
		if g.Kind != Enumerator {
			continue
		}
		g.Enum = owner[g.Consts[0].Name]
		// An enum is signed only if a constant is really negative: 1 << 31 is a flag,
		// see [Value.Flag].
		if e := g.Enum; e != nil && slices.ContainsFunc(g.Consts, func(c Constant) bool { return c.Value.Flag }) {
			e.signed = slices.ContainsFunc(g.Consts, func(c Constant) bool { return c.Value.below() })
		}
	}
}
