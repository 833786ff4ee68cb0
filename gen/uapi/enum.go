// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"debug/dwarf"
	"fmt"
)

// enumValues returns the values of all enumerators in the debug information,
// by name. Enumerators share one name space in C, so names do not clash.
func enumValues(d *dwarf.Data) (map[string]Value, error) {
	values := make(map[string]Value)
	r := d.Reader()
	var cur Value
	for {
		e, err := r.Next()
		if err != nil {
			return nil, fmt.Errorf("read debug information: %w", err)
		}
		if e == nil {
			return values, nil
		}
		switch e.Tag {
		case dwarf.TagEnumerationType:
			cur = enumType(d, e)
		case dwarf.TagEnumerator:
			name, ok := e.Val(dwarf.AttrName).(string)
			bits, ok2 := e.Val(dwarf.AttrConstValue).(int64)
			if !ok || !ok2 {
				return nil, fmt.Errorf("debug information: enumerator %q without a value", name)
			}
			v := cur
			v.Bits = uint64(bits)
			// In C an enumerator that fits into an int is one, even if
			// the enum has another type.
			if v.Size < 8 || v.Signed || bits >= 0 {
				if bits == int64(int32(bits)) {
					v.Signed, v.Size = true, 4
				}
			}
			values[name] = v
		case dwarf.TagSubprogram, dwarf.TagVariable:
			r.SkipChildren()
		}
	}
}

// enumType returns size and signedness of an enum.
func enumType(d *dwarf.Data, e *dwarf.Entry) Value {
	v := Value{Size: 4}
	if size, ok := e.Val(dwarf.AttrByteSize).(int64); ok {
		v.Size = int(size)
	}
	off, ok := e.Val(dwarf.AttrType).(dwarf.Offset)
	if !ok {
		return v
	}
	t, err := d.Type(off)
	if err != nil {
		return v
	}
	switch t := t.(type) {
	case *dwarf.IntType, *dwarf.CharType:
		v.Signed = true
		v.Size = int(t.Size())
	case *dwarf.UintType:
		v.Size = int(t.Size())
	}
	return v
}
