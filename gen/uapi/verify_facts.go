// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"fmt"
	"go/constant"
	"go/types"
	"slices"
	"strings"
)

// verifier collects the claims about one header.
type verifier struct {
	code       *checkedCode
	bigEndian  bool
	names      map[string]string // of types, by their names in C
	assertions []assertion
	bits       []bitFact
	// members are names after a dot. Headers may define macros with the same names.
	members []string

	constants, sizesOf, offsets int
}

// assertion is a claim as an expression of C.
type assertion struct {
	text string
	// member is set for claims about members of structs.
	member bool
	// name and value are set for a number, which can be compared in another
	// way if it is not a constant expression.
	name  string
	value constant.Value
}

// bitFact is the claim that a bit-field lies where the image has ones.
type bitFact struct {
	c, member string
	image     []byte
}

func newVerifier(code *checkedCode, p *Package) *verifier {
	return &verifier{code: code, bigEndian: p.BigEndian, names: p.goNames}
}

func (v *verifier) assert(format string, args ...any) {
	v.assertions = append(v.assertions, assertion{text: fmt.Sprintf(format, args...)})
}

func (v *verifier) header(h *Header, layouts []*goStruct) {
	for _, g := range h.Groups {
		for _, c := range g.Consts {
			v.constant(c)
		}
	}
	for _, e := range h.EnumTypes {
		v.enum(e, h)
	}
	for _, t := range h.Typedefs {
		v.typedef(t)
	}
	for _, g := range layouts {
		v.record(g, g.c.CName())
	}
}

// constant asserts a constant as Go has it. It also asserts the type in C, which another
// compiler may have reported.
func (v *verifier) constant(c Constant) {
	obj, ok := v.code.scope.Lookup(c.goName()).(*types.Const)
	if !ok {
		v.constants++
		v.assert("0 /* %s is not in the package */", c.Name)
		return
	}
	v.value(c.Name, obj.Val())
	if c.Value.integer() {
		v.ctype(c)
	}
	if c.Kind == Macro {
		v.goType(c.Name, obj.Type())
	}
}

// goType asserts that a macro with a named Go type has that type in C.
func (v *verifier) goType(name string, t types.Type) {
	named, ok := t.(*types.Named)
	if !ok {
		return
	}
	for _, c := range sortedKeys(v.names) {
		if v.names[c] == named.Obj().Name() {
			v.assert("__builtin_types_compatible_p(__typeof__(%s), %s)", name, c)
			return
		}
	}
	v.assert("0 /* %s has the type %s, which C does not have */", name, named.Obj().Name())
}

// ctype asserts width and sign of the type that a constant has in C.
func (v *verifier) ctype(c Constant) {
	sign := ">"
	if c.Value.Signed {
		sign = "<"
	}
	v.assert("sizeof(%[1]s) == %[2]d && (__typeof__(%[1]s))-1 %[3]s 0", c.Name, c.Value.Size, sign)
}

// value asserts a value with its sign. [inquiry.setsOfBits] accepts some assertions that C
// denies.
func (v *verifier) value(name string, val constant.Value) {
	v.constants++
	if val.Kind() == constant.String {
		s := constant.StringVal(val)
		v.assert("sizeof(%s) == %d && !__builtin_memcmp(%s, %s, %d)", name, len(s)+1, name, cString(s), len(s)+1)
		return
	}
	if val.Kind() == constant.Float {
		f, _ := constant.Float64Val(val)
		v.assert("(%s) == %s", name, floatText(f))
		last := &v.assertions[len(v.assertions)-1]
		last.name, last.value = name, val
		return
	}
	n := val.ExactString()
	if constant.Sign(val) < 0 {
		v.assert("(%s) < 0 && (%s) == %sLL", name, name, strings.Replace(n, "-9223372036854775808", "-9223372036854775807LL-1", 1))
	} else {
		v.assert("!((%[1]s) < 0) && (%[1]s) == %[2]sULL", name, n)
	}
	last := &v.assertions[len(v.assertions)-1]
	last.name, last.value = name, val
}

// cString quotes a string for C.
func cString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		fmt.Fprintf(&b, "\\%03o", s[i])
	}
	b.WriteByte('"')
	return b.String()
}

// typedef asserts the size of a named number and whether it has a sign.
func (v *verifier) typedef(t *Typedef) {
	v.sizesOf++
	name := v.names[t.Name]
	obj, ok := v.code.scope.Lookup(name).(*types.TypeName)
	if !ok {
		v.assert("0 /* type %s of %s is not in the package */", name, t.Name)
		return
	}
	v.assert("sizeof(%s) == %d", t.Name, v.code.sizes.Sizeof(obj.Type()))
	b, ok := obj.Type().Underlying().(*types.Basic)
	if !ok || t.Type.Char || b.Info()&types.IsInteger == 0 {
		return // bytes: the sign of char depends on the target
	}
	sign := "> 0"
	if b.Info()&types.IsUnsigned == 0 {
		sign = "< 0"
	}
	v.assert("(%s)-1 %s", t.Name, sign)
}

// enum asserts size and sign of an enum.
func (v *verifier) enum(e *Enum, h *Header) {
	v.sizesOf++
	name := v.names[e.CName()]
	obj, ok := v.code.scope.Lookup(name).(*types.TypeName)
	if !ok {
		v.assert("0 /* type %s of %s is not in the package */", name, e.CName())
		return
	}
	v.assert("sizeof(%s) == %d", e.CName(), v.code.sizes.Sizeof(obj.Type()))
	for _, g := range h.Groups {
		for _, c := range g.Consts {
			if c.Value.Flag && slices.Contains(e.Consts, c.Name) {
				return // C's type has a sign, and Go's has not
			}
		}
	}
	sign := ">"
	if b, ok := obj.Type().Underlying().(*types.Basic); ok && b.Info()&types.IsUnsigned == 0 {
		sign = "<"
	}
	v.assert("(%s)-1 %s 0", e.CName(), sign)
}

// record asserts size and offsets of a type, and of those nested in it. c is
// the type in C.
func (v *verifier) record(g *goStruct, c string) {
	v.sizesOf++
	before := len(v.assertions)
	defer func() {
		for i := range v.assertions[before:] {
			v.assertions[before+i].member = true
		}
	}()
	obj, ok := v.code.scope.Lookup(g.name).(*types.TypeName)
	if !ok {
		v.assert("0 /* type %s is not in the package */", g.name)
		return
	}
	st, ok := obj.Type().Underlying().(*types.Struct)
	if !ok {
		v.assert("0 /* type %s is not a struct */", g.name)
		return
	}
	size := v.code.sizes.Sizeof(obj.Type())
	v.assert("sizeof(%s) == %d", c, size)
	var fields []*types.Var
	for f := range st.Fields() {
		fields = append(fields, f)
	}
	offsets := make(map[string]int64)
	for i, off := range v.code.sizes.Offsetsof(fields) {
		offsets[fields[i].Name()] = off
	}
	for _, f := range g.fields {
		if f.c != "" {
			v.member(c, f.c, offsets[f.name])
		}
	}
	for _, a := range g.accessors {
		if a.flexible {
			offset, ok := v.code.flexible[g.name+"."+a.name]
			if !ok {
				v.assert("0 /* no method %s.%s that returns elements */", g.name, a.name)
				continue
			}
			v.member(c, a.c, offset)
			continue
		}
		if a.bits == 0 {
			v.member(c, a.c, offsets[a.raw]+a.offset)
			continue
		}
		v.members = append(v.members, a.c)
		call, ok := v.code.bits[g.name+"."+a.name]
		start, known := offsets[call.raw]
		if !ok || !known {
			v.assert("0 /* no method %s.%s that reads bits */", g.name, a.name)
			continue
		}
		v.bits = append(v.bits, bitFact{c, a.c, bitImage(size, 8*start+call.offset, call.width, v.bigEndian)})
	}
	for _, n := range g.nested {
		v.members = append(v.members, strings.FieldsFunc(n.member, func(r rune) bool { return r == '[' || r == ']' })[0])
		v.record(n, "__typeof__((("+c+" *)0)->"+n.member+")")
	}
}

func (v *verifier) member(c, name string, offset int64) {
	v.offsets++
	v.members = append(v.members, name)
	v.assert("__builtin_offsetof(%s, %s) == %d", c, name, offset)
	v.assertions[len(v.assertions)-1].member = true
}

// model asserts what the model has and the package has not: names that Go
// cannot express, and types whose name was taken.
func (v *verifier) model(all, chosen *Header) {
	have := make(map[string]bool)
	for _, g := range chosen.Groups {
		for _, c := range g.Consts {
			have[c.Name] = true
		}
	}
	for _, g := range all.Groups {
		for _, c := range g.Consts {
			switch {
			case have[c.Name]:
			default:
				v.value(c.Name, c.Value.goConstant())
			}
		}
	}
	kept := make(map[*Aggregate]bool)
	for _, a := range chosen.Aggregates {
		kept[a] = true
	}
	for _, a := range all.Aggregates {
		if kept[a] {
			continue
		}
		v.sizesOf++
		v.assert("sizeof(%s) == %d", a.CName(), a.Size)
		for _, f := range a.Fields {
			switch {
			case f.Name == "":
			case f.BitSize > 0:
				v.members = append(v.members, f.Name)
				v.bits = append(v.bits, bitFact{a.CName(), f.Name, bitImage(a.Size, f.BitOffset, f.BitSize, v.bigEndian)})
			default:
				v.member(a.CName(), f.Name, f.Offset)
			}
		}
	}
}

// bitImage returns size bytes in which only the bits of a bit-field are set, in the
// bit order of the target. It returns nil if the bit-field is not within the bytes.
func bitImage(size, offset, width int64, bigEndian bool) []byte {
	image := make([]byte, size)
	for i := offset; i < offset+width; i++ {
		if i < 0 || i/8 >= size {
			return nil
		}
		bit := i % 8
		if bigEndian {
			bit = 7 - bit
		}
		image[i/8] |= 1 << bit
	}
	return image
}
