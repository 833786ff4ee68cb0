// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"fmt"
	"strings"

	"github.com/dave/jennifer/jen"
)

// typedefText returns the type that a typedef of numbers has in Go.
func typedefText(t *Type) string {
	switch t.Kind {
	case Array:
		return fmt.Sprintf("[%d]%s", t.Len, typedefText(t.Elem))
	case Float:
		return fmt.Sprintf("float%d", 8*t.Size)
	}
	return integerType(t).text
}

// renderTypedef writes a named number.
func renderTypedef(f *jen.File, t namedType) {
	f.Comment("// " + t.name + " is " + t.c + ", " + t.pos.String() + ".")
	if len(t.doc) > 0 {
		f.Comment("//")
		comments(func(l string) { f.Comment(l) }, t.doc, t.pos)
	}
	f.Type().Id(t.name).Op(t.text)
	f.Line()
}

// enumBase returns the type that holds all values of an enum.
func enumBase(e *EnumType) string {
	var (
		low  int64
		high uint64
	)
	for _, c := range e.Consts {
		if c.Value.below() {
			low = min(low, int64(c.Value.Bits))
		} else {
			high = max(high, c.Value.mask())
		}
	}
	switch {
	case low == 0 && high < 1<<32:
		return "uint32"
	case low == 0:
		return "uint64"
	case low >= -1<<31 && high < 1<<31:
		return "int32"
	}
	return "int64"
}

// renderEnum writes a type whose String method returns the names of constants.
func renderEnum(f *jen.File, e *EnumType) {
	base := enumBase(e)
	format, wide := "FormatUint", "uint64"
	if strings.HasPrefix(base, "int") {
		format, wide = "FormatInt", "int64"
	}
	if !e.declared {
		f.Comment("// " + e.Name + " is a number that has a name among " + strings.Join(e.Patterns, ", ") + ".")
		f.Type().Id(e.Name).Op(base)
		f.Line()
	}
	f.Comment("// String returns the name in C, or the number where there is none. Of several")
	f.Comment("// names the first in the header is taken.")
	f.Func().Params(jen.Id("v").Id(e.Name)).Id("String").Params().String().Block(
		jen.Switch(jen.Id("v")).BlockFunc(func(g *jen.Group) {
			seen := make(map[string]bool)
			for _, c := range e.Consts {
				if seen[literalValue(c)] {
					continue
				}
				seen[literalValue(c)] = true
				name := jen.Id(c.goName())
				if t := e.types[c.Name]; t != "" && t != e.Name {
					name = jen.Id(e.Name).Call(name)
				}
				g.Case(name).Block(jen.Return(jen.Lit(c.Name)))
			}
		}),
		jen.Return(jen.Lit(e.Name+"(").Op("+").Qual("strconv", format).Call(jen.Id(wide).Call(jen.Id("v")), jen.Lit(10)).Op("+").Lit(")")),
	)
	f.Line()
}

// literalValue returns the value of a constant as a Go literal.
func literalValue(c Constant) string {
	if c.Value.below() {
		return c.Value.String()
	}
	return fmt.Sprint(c.Value.mask())
}
