// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dave/jennifer/jen"
)

// code returns a type for jennifer, with the import that it may need.
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
	for _, a := range g.accessors {
		if a.flexible {
			where := "It is followed by"
			if a.offset < g.size {
				where = fmt.Sprintf("At byte %d of %d begins", a.offset, g.size)
			}
			f.Comment("//")
			f.Comment("// " + where + " " + a.c + ", an array of no fixed length: see [" + g.name + "." + a.name + "].")
		}
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

// renderAccessor writes the methods for a member that is not a field.
func renderAccessor(f *jen.File, g *goStruct, a accessor) {
	receiver := jen.Id("x").Op("*").Id(g.name)
	raw := jen.Qual("unsafe", "Pointer").Call(jen.Op("&").Id("x").Dot(a.raw))
	offset := jen.Lit(int(a.offset))
	doc := func(verb string) {
		f.Comment("// " + verb + " " + a.c + ".")
		if verb == a.name+" returns" || strings.HasSuffix(verb, "to") || a.flexible {
			comments(func(l string) { f.Comment(l) }, a.doc, g.c.Pos)
		}
	}
	switch {
	case a.flexible:
		f.Comment("// " + a.name + " returns n elements of " + a.c + ", which begins at byte " + fmt.Sprint(a.offset) + ".")
		f.Comment("// x must point into a buffer that holds them.")
		comments(func(l string) { f.Comment(l) }, a.doc, g.c.Pos)
		f.Func().Params(receiver).Id(a.name).Params(jen.Id("n").Int()).Index().Add(a.typ.code()).Block(
			jen.If(jen.Id("n").Op("<=").Lit(0)).Block(jen.Return(jen.Nil())),
			jen.Return(jen.Qual("unsafe", "Slice").Call(
				jen.Parens(jen.Op("*").Add(a.typ.code())).Call(
					jen.Qual("unsafe", "Add").Call(jen.Qual("unsafe", "Pointer").Call(jen.Id("x")), offset)), jen.Id("n"))))
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
		doc(a.setter + " sets")
		f.Func().Params(receiver).Id(a.setter).Params(jen.Id("v").Add(a.typ.code())).Block(
			jen.Id("storeBits").Call(raw, offset, width, jen.Uint64().Call(jen.Id("v"))))
	default:
		doc(a.name + " returns")
		f.Func().Params(receiver).Id(a.name).Params().Add(a.typ.code()).Block(
			jen.Return(jen.Id("load").Index(a.typ.code()).Call(raw, offset)))
		f.Line()
		doc(a.setter + " sets")
		f.Func().Params(receiver).Id(a.setter).Params(jen.Id("v").Add(a.typ.code())).Block(
			jen.Id("store").Call(raw, offset, jen.Id("v")))
	}
	f.Line()
}

// layoutTest is the generated test without its tables. A table holds nothing
// but constants, which keeps it cheap to compile however many types there are.
const layoutTest = `
// TestLayout%[1]s compares sizes and offsets with those in C.
func TestLayout%[1]s(t *testing.T) {%[2]s
	for _, f := range slices.Concat(%[3]s) {
		if f.got != f.want {
			t.Errorf("%%s is %%d, in C %%d", f.what, f.got, f.want)
		}
	}
}
`

const (
	layoutTestSuffix = "_uapi_test.go"
	// layoutTestFile is the generated test of the layout that all targets share.
	layoutTestFile = "layout" + layoutTestSuffix
)

// skip32 is for the test of a package that was generated for one target.
const skip32 = `
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("layouts are those of 64-bit targets")
	}`

// layoutTests returns tests that compare every size and offset with what the C compiler
// said: one for all targets, and one for each set of targets with its own definitions.
func (m *merged) layoutTests() []File {
	var (
		bySet = make(map[string][]*section)
		order []string
	)
	for _, s := range m.sections {
		if len(s.structs) == 0 {
			continue
		}
		key := strings.Join(s.archs, " ")
		if bySet[key] == nil {
			order = append(order, key)
		}
		bySet[key] = append(bySet[key], s)
	}
	slices.Sort(order)
	var files []File
	for _, key := range order {
		files = append(files, m.layoutTest(bySet[key]))
	}
	return files
}

// layoutTest returns the test of the structs in sections of the same targets. It is
// written as gofmt would.
func (m *merged) layoutTest(sections []*section) File {
	archs := sections[0].archs
	suffix := exported(strings.Join(archs, "_"))
	skip := ""
	if len(archs) == 0 {
		suffix = ""
		if archs = m.archs; len(archs) == 0 {
			skip = skip32
		}
	}
	var b, tables strings.Builder
	fmt.Fprintf(&b, "// %s\n// SPDX-License-Identifier: GPL-2.0-only OR MIT\n\n", generatedLine)
	if c := buildLine(archs); c != "" {
		fmt.Fprintf(&b, "%s\n\n", c)
	}
	fmt.Fprintf(&b, "package %s\n\nimport (\n\t\"slices\"\n\t\"testing\"\n\t\"unsafe\"\n)\n", m.name)
	fact := "layoutFact" + suffix
	fmt.Fprintf(&b, "\n// %s is a size or an offset with what it is in C.\ntype %s struct {\n\twhat      string\n\tgot, want uintptr\n}\n", fact, fact)
	for _, s := range sections {
		table := "layoutOf" + s.table + suffix
		fmt.Fprintf(&tables, "\n\t\t%s,", table)
		fmt.Fprintf(&b, "\n// %s holds the facts of %s.\nvar %s = []%s{\n", table, s.header, table, fact)
		for _, g := range s.structs {
			for _, n := range flatten(g) {
				layoutFacts(&b, n)
			}
		}
		b.WriteString("}\n")
	}
	fmt.Fprintf(&b, layoutTest, suffix, skip, tables.String()+"\n\t")
	name := archFileName(layoutTestFile, sections[0].archs)
	return File{name, []byte(b.String())}
}

func layoutFacts(b *strings.Builder, g *goStruct) {
	fmt.Fprintf(b, "\t{%q, unsafe.Sizeof(%s{}), %d},\n", "size of "+g.what, g.name, g.c.Size)
	for _, fl := range g.fields {
		if fl.name == "_" {
			continue
		}
		what := fl.c
		if what == "" {
			what = fl.name
		}
		fmt.Fprintf(b, "\t{%q, unsafe.Offsetof(%s{}.%s), %d},\n", "offset of "+what+" in "+g.what, g.name, fl.name, fl.offset)
	}
}
