// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"fmt"
	"strings"

	"github.com/dave/jennifer/jen"
)

// typedefText returns the type that a typedef of numbers has in Go.
func typedefText(t *Type) string {
	if t.Kind == Array {
		return fmt.Sprintf("[%d]%s", t.Len, typedefText(t.Elem))
	}
	return integerType(t).text
}

// renderTypedef writes a named number.
func renderTypedef(f *jen.File, t *Typedef) {
	name := exported(t.Name)
	f.Comment("// " + name + " is " + t.Name + ", " + t.Pos.String() + ".")
	if len(t.Doc) > 0 {
		f.Comment("//")
		comments(func(l string) { f.Comment(l) }, t.Doc, t.Pos)
	}
	f.Type().Id(name).Op(typedefText(t.Type))
	f.Line()
}

// enumBase returns the type that holds all values of an enum.
func enumBase(e *EnumType) string {
	var (
		low  int64
		high uint64
	)
	for _, c := range e.Consts {
		if n := literal(c); strings.HasPrefix(n, "0x") || strings.HasPrefix(n, "0o") || !c.Value.Negative() {
			high = max(high, c.Value.mask())
		} else {
			low = min(low, int64(c.Value.Bits))
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

// renderEnum writes a type whose String method tells constants.
func renderEnum(f *jen.File, e *EnumType) {
	base := enumBase(e)
	format, wide := "FormatUint", "uint64"
	if strings.HasPrefix(base, "int") {
		format, wide = "FormatInt", "int64"
	}
	f.Comment("// " + e.Name + " is a number that has a name among " + strings.Join(e.Patterns, ", ") + ".")
	f.Type().Id(e.Name).Op(base)
	f.Line()
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
				g.Case(jen.Id(c.Name)).Block(jen.Return(jen.Lit(c.Name)))
			}
		}),
		jen.Return(jen.Lit(e.Name+"(").Op("+").Qual("strconv", format).Call(jen.Id(wide).Call(jen.Id("v")), jen.Lit(10)).Op("+").Lit(")")),
	)
	f.Line()
}

// literalValue is the number that Go has for a constant: flags lose their sign.
func literalValue(c Constant) string {
	if strings.HasPrefix(literal(c), "0x") || strings.HasPrefix(literal(c), "0o") {
		return fmt.Sprint(c.Value.mask())
	}
	return c.Value.String()
}
