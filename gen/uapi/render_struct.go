// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"strings"

	"github.com/dave/jennifer/jen"
)

// code returns a type as jennifer wants it, with the import it may need.
func (t goType) code() jen.Code {
	if prefix, ok := strings.CutSuffix(t.text, "unsafe.Pointer"); ok {
		if prefix == "" {
			return jen.Qual("unsafe", "Pointer")
		}
		return jen.Op(prefix).Qual("unsafe", "Pointer")
	}
	return jen.Op(t.text)
}

// renderStruct writes a type and its methods, nested types after it.
func renderStruct(f *jen.File, g *goStruct) {
	where := ""
	if g.c.Pos.Line != 0 {
		where = ", " + g.c.Pos.String()
	}
	f.Comment("// " + g.name + " is " + g.what + where + ".")
	if len(g.c.Doc) > 0 {
		f.Comment("//")
		comments(func(l string) { f.Comment(l) }, g.c.Doc, g.c.Pos)
	}
	for _, n := range g.notes {
		f.Comment("//")
		f.Comment("// " + n)
	}
	f.Type().Id(g.name).StructFunc(func(s *jen.Group) {
		s.Id("_").Qual("structs", "HostLayout")
		for _, fl := range g.fields {
			decl := jen.Id(fl.name).Add(fl.typ.code())
			if len(fl.doc) == 1 && len(fl.doc[0]) <= 60 {
				decl.Comment("// " + fl.doc[0])
			} else {
				comments(func(l string) { s.Comment(l) }, fl.doc, g.c.Pos)
			}
			s.Add(decl)
		}
	})
	f.Line()
	for _, a := range g.accessors {
		renderAccessor(f, g, a)
	}
	for _, n := range g.nested {
		renderStruct(f, n)
	}
}

// renderAccessor writes the methods for a member that is no field.
func renderAccessor(f *jen.File, g *goStruct, a accessor) {
	receiver := jen.Id("x").Op("*").Id(g.name)
	raw := jen.Qual("unsafe", "Pointer").Call(jen.Op("&").Id("x").Dot(a.raw))
	offset := jen.Lit(int(a.offset))
	doc := func(verb string) {
		f.Comment("// " + verb + " " + a.c + ".")
		if verb == a.name+" returns" || strings.HasSuffix(verb, "to") {
			comments(func(l string) { f.Comment(l) }, a.doc, g.c.Pos)
		}
	}
	switch {
	case a.inside:
		doc(a.name + " points to")
		f.Func().Params(receiver).Id(a.name).Params().Op("*").Add(a.typ.code()).Block(
			jen.Return(jen.Parens(jen.Op("*").Add(a.typ.code())).Call(
				jen.Qual("unsafe", "Add").Call(raw, offset))))
	case a.bits > 0:
		load := "loadBits"
		if a.signed {
			load = "loadSignedBits"
		}
		width := jen.Lit(int(a.bits))
		doc(a.name + " returns")
		f.Func().Params(receiver).Id(a.name).Params().Add(a.typ.code()).Block(
			jen.Return(jen.Add(a.typ.code()).Call(jen.Id(load).Call(raw, offset, width))))
		f.Line()
		doc("Set" + a.name + " sets")
		f.Func().Params(receiver).Id("Set" + a.name).Params(jen.Id("v").Add(a.typ.code())).Block(
			jen.Id("storeBits").Call(raw, offset, width, jen.Uint64().Call(jen.Id("v"))))
	default:
		doc(a.name + " returns")
		f.Func().Params(receiver).Id(a.name).Params().Add(a.typ.code()).Block(
			jen.Return(jen.Id("load").Index(a.typ.code()).Call(raw, offset)))
		f.Line()
		doc("Set" + a.name + " sets")
		f.Func().Params(receiver).Id("Set" + a.name).Params(jen.Id("v").Add(a.typ.code())).Block(
			jen.Id("store").Call(raw, offset, jen.Id("v")))
	}
	f.Line()
}

// renderLayoutTest writes a test that compares every size and offset with what
// the C compiler said.
func renderLayoutTest(f *jen.File, all []*goStruct) {
	f.Comment("// TestLayout compares sizes and offsets with those in C.")
	f.Func().Id("TestLayout").Params(jen.Id("t").Op("*").Qual("testing", "T")).BlockFunc(func(b *jen.Group) {
		b.If(jen.Qual("unsafe", "Sizeof").Call(jen.Uintptr().Call(jen.Lit(0))).Op("!=").Lit(8)).Block(
			jen.Id("t").Dot("Skip").Call(jen.Lit("layouts are those of 64-bit targets")))
		b.Id("check").Op(":=").Func().Params(jen.Id("what").String(), jen.List(jen.Id("got"), jen.Id("want")).Uintptr()).Block(
			jen.Id("t").Dot("Helper").Call(),
			jen.If(jen.Id("got").Op("!=").Id("want")).Block(
				jen.Id("t").Dot("Errorf").Call(jen.Lit("%s is %d, in C %d"), jen.Id("what"), jen.Id("got"), jen.Id("want"))))
		for _, g := range all {
			b.BlockFunc(func(b *jen.Group) { layoutChecks(b, g) })
		}
	})
}

func layoutChecks(b *jen.Group, g *goStruct) {
	b.Var().Id("x").Id(g.name)
	b.Id("check").Call(jen.Lit("size of "+g.what), jen.Qual("unsafe", "Sizeof").Call(jen.Id("x")), jen.Lit(int(g.c.Size)))
	for _, fl := range g.fields {
		if fl.name == "_" || fl.c == "" {
			continue
		}
		b.Id("check").Call(jen.Lit("offset of "+fl.c+" in "+g.what),
			jen.Qual("unsafe", "Offsetof").Call(jen.Id("x").Dot(fl.name)), jen.Lit(int(fl.offset)))
	}
	offsets := make(map[string]int64)
	for _, fl := range g.fields {
		offsets[fl.name] = fl.offset
	}
	for _, a := range g.accessors {
		if !a.inside {
			continue
		}
		b.Id("check").Call(jen.Lit("offset of "+a.c+" in "+g.what),
			jen.Uintptr().Call(jen.Qual("unsafe", "Pointer").Call(jen.Id("x").Dot(a.name).Call())).Op("-").
				Uintptr().Call(jen.Qual("unsafe", "Pointer").Call(jen.Op("&").Id("x"))),
			jen.Lit(int(offsets[a.raw]+a.offset)))
	}
}
