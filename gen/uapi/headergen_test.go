// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// headerGen writes random headers. The same seed gives the same header.
type headerGen struct {
	r       *rand.Rand
	b       strings.Builder
	id      string // prefix of all names, so that headers can be compiled together
	n       int
	enums   []string
	records []string // complete records without a flexible array, as C writes them
	growing []string // those with a flexible array
	depth   int
	wide    bool // the target has __int128
	// values are the numbers that macros and enumerators must have in Go.
	values map[string]string
}

func newHeaderGen(seed uint64, id string, wide bool) *headerGen {
	return &headerGen{r: rand.New(rand.NewPCG(seed, 1)), id: id, wide: wide, values: make(map[string]string)}
}

func (g *headerGen) pick(list ...string) string { return list[g.r.IntN(len(list))] }

func (g *headerGen) chance(percent int) bool { return g.r.IntN(100) < percent }

func (g *headerGen) name(kind string) string {
	g.n++
	return fmt.Sprintf("%s_%s%d", g.id, kind, g.n)
}

// header returns the text of a header.
func (g *headerGen) header() string {
	fmt.Fprintf(&g.b, "#ifndef %[1]s_H\n#define %[1]s_H\n#include <linux/types.h>\n", strings.ToUpper(g.id))
	for range 1 + g.r.IntN(2) {
		g.enum()
	}
	for range 1 + g.r.IntN(4) {
		g.record()
	}
	for range 3 + g.r.IntN(6) {
		g.macro()
	}
	g.b.WriteString("#endif\n")
	return g.b.String()
}

// enum writes an enum of one of the kinds that compilers type differently.
func (g *headerGen) enum() {
	tag, attr := g.name("e"), ""
	type member struct{ expr, value string }
	var members []member
	up := strings.ToUpper(tag)
	switch g.r.IntN(7) {
	case 0:
		members = []member{{"", "0"}, {"", "1"}, {" = 7", "7"}, {"", "8"}}
	case 1:
		members = []member{{" = -3", "-3"}, {"", "-2"}, {" = 0x10 - 0x20", "-16"}, {" = 5", "5"}}
	case 2:
		members = []member{{" = 1 << 0", "1"}, {" = 1 << 4", "16"}, {" = 1 << 31", "2147483648"}, {"", "2147483649"}}
	case 3:
		members = []member{{" = -1", "-1"}, {" = 1 << 31", "-2147483648"}, {" = 2", "2"}}
	case 4:
		members = []member{{" = 0x80000000", "2147483648"}, {" = 1", "1"}}
	case 5:
		members = []member{{" = 1ULL << 40", "1099511627776"}, {" = 3", "3"}, {" = 0xfedcba9876543210ULL", "18364758544493064720"}}
	case 6:
		attr = " __attribute__((packed))"
		members = []member{{" = 1", "1"}, {" = 200", "200"}, {" = -(1 << 2)", "-4"}}
	}
	named := g.chance(80)
	g.b.WriteString("enum ")
	if named {
		g.b.WriteString(tag + " ")
		g.enums = append(g.enums, "enum "+tag)
	}
	g.b.WriteString("{\n")
	for i, m := range members {
		name := fmt.Sprintf("%s_V%d", up, i)
		fmt.Fprintf(&g.b, "\t%s%s,\n", name, m.expr)
		g.values[name] = m.value
	}
	fmt.Fprintf(&g.b, "}%s;\n", attr)
}

// macro writes a macro with a known value.
func (g *headerGen) macro() {
	name := strings.ToUpper(g.name("m"))
	v := g.r.IntN(1 << 20)
	bit := g.r.IntN(31)
	type form struct{ text, value string }
	forms := []form{
		{fmt.Sprint(v), fmt.Sprint(v)},
		{fmt.Sprintf("(-%d)", v+1), fmt.Sprint(-v - 1)},
		{fmt.Sprintf("(-0x%x)", v+1), fmt.Sprint(-v - 1)},
		{fmt.Sprintf("(%#x - %#x)", v, v+5), "-5"},
		{fmt.Sprintf("(~%#x)", v), fmt.Sprint(^v)},
		{fmt.Sprintf("(1 << %d)", bit), fmt.Sprint(1 << bit)},
		{"(1 << 31)", "2147483648"},
		{"(1 << 31 | 1)", "2147483649"},
		{"(0xf << 28)", "4026531840"},
		{"(-0x7fffffff - 1)", "-2147483648"},
		{"(1U << 31)", "2147483648"},
		{"(1ULL << 63)", "9223372036854775808"},
		{"(1LL << 63)", "9223372036854775808"},
		{"(-0x7fffffffffffffffLL - 1)", "-9223372036854775808"},
		{"((__s32)0xfffffff0)", "-16"},
		{"((__u8)-1)", "255"},
		{"(~0ULL)", "18446744073709551615"},
		{"(~0U)", "4294967295"},
		{"(-1L)", "-1"},
		{"0755", "493"},
		{"'a'", "97"},
		{fmt.Sprintf("%d.%d", v, bit), fmt.Sprintf("%d.%d", v, bit)},
		{fmt.Sprintf("(-%d.5e-%d)", v, bit), fmt.Sprintf("-%d.5e-%d", v, bit)},
		{fmt.Sprintf("(%d / 8.0)", v), fmt.Sprintf("%d / 8.0", v)},
		{"0x1.8p-3", "0.1875"},
		{"0.1f", "float64(float32(0.1))"},
		{"((float)(1 << 31))", "-2147483648.0"},
		{"1.0", "1.0"},
		{"1e300", "1e300"},
		{`"text"`, `"text"`},
		{`"a\t\x01" "b"`, `"a\t\x01b"`},
	}
	if len(g.enums) > 0 {
		forms = append(forms, form{"((" + g.pick(g.enums...) + ")1)", "1"})
	}
	f := forms[g.r.IntN(len(forms))]
	if len(g.values) > 0 && g.chance(20) {
		// An alias has the value of the macro that it names.
		keys := sortedKeys(g.values)
		of := keys[g.r.IntN(len(keys))]
		f = form{of, g.values[of]}
	}
	fmt.Fprintf(&g.b, "#define %s %s\n", name, f.text)
	g.values[name] = f.value
}

// memberNames are different C names that have the same name in Go.
var memberNames = [][]string{
	{"a", "set_a", "SetA"}, {"foo_bar", "fooBar", "foo__bar"}, {"type", "func", "range"}, {"raw", "union0", "bits0"},
	{"x$y", "x_y", "_x_y"}, {"size", "len", "string"}, {"\u00fcber", "\u00dcber", "na\u00efve"},
}

// record writes a struct or union.
func (g *headerGen) record() {
	tag := g.name("s")
	kind := "struct"
	if g.chance(20) {
		kind = "union"
	}
	pack := ""
	if g.chance(15) {
		pack = g.pick("1", "2", "4")
		fmt.Fprintf(&g.b, "#pragma pack(push, %s)\n", pack)
	}
	typedef := g.chance(15)
	attr := ""
	if g.chance(20) {
		attr = " __attribute__((packed))"
	} else if g.chance(10) {
		attr = fmt.Sprintf(" __attribute__((aligned(%s)))", g.pick("4", "8", "16", "32"))
	}
	names := newMemberNames(g)
	flexible := false
	var body strings.Builder
	g.members(&body, kind, names, "\t")
	if kind == "struct" && names.used && g.chance(20) { // C requires a named member before it
		fmt.Fprintf(&body, "\t%s %s[];\n", g.scalar(), names.next())
		flexible = true
	}
	c := kind + " " + tag
	if typedef {
		c = tag + "_t"
		fmt.Fprintf(&g.b, "typedef %s {\n%s}%s %s;\n", kind, body.String(), attr, c)
	} else {
		fmt.Fprintf(&g.b, "%s {\n%s}%s;\n", c, body.String(), attr)
	}
	if pack != "" {
		g.b.WriteString("#pragma pack(pop)\n")
	}
	if !flexible {
		g.records = append(g.records, c)
	} else {
		g.growing = append(g.growing, c)
	}
}

// memberNamer hands out the names of one record.
type memberNamer struct {
	g    *headerGen
	left []string
	n    int
	used bool
}

func newMemberNames(g *headerGen) *memberNamer {
	m := &memberNamer{g: g}
	if g.chance(50) {
		m.left = append(m.left, memberNames[g.r.IntN(len(memberNames))]...)
	}
	return m
}

func (m *memberNamer) next() string {
	m.used = true
	if len(m.left) > 0 && m.g.chance(60) {
		name := m.left[0]
		m.left = m.left[1:]
		return name
	}
	m.n++
	return fmt.Sprintf("m%d", m.n)
}

func (g *headerGen) members(b *strings.Builder, kind string, names *memberNamer, indent string) {
	for range 1 + g.r.IntN(6) {
		g.member(b, kind, names, indent)
	}
}

func (g *headerGen) scalar() string {
	types := []string{
		"__u8", "__s8", "__u16", "__s16", "__u32", "__s32", "__u64", "__s64", "__be16", "__be32", "__le64", "char",
		"unsigned long", "long", "int", "short", "_Bool", "float", "double",
	}
	if len(g.enums) > 0 && g.chance(15) {
		return g.pick(g.enums...)
	}
	return g.pick(types...)
}

func (g *headerGen) member(b *strings.Builder, kind string, names *memberNamer, indent string) {
	switch n := g.r.IntN(100); {
	case n < 25:
		bits := g.pick("__u8", "__u16", "__u32", "__s32", "__u64", "int", "unsigned int", "_Bool")
		limit := map[string]int{"__u8": 8, "__u16": 16, "__u64": 64, "_Bool": 1}[bits]
		if limit == 0 {
			limit = 32
		}
		width := 1 + g.r.IntN(limit)
		if kind == "struct" && g.chance(15) {
			fmt.Fprintf(b, "%s%s : %d;\n", indent, bits, g.r.IntN(width+1))
			return
		}
		fmt.Fprintf(b, "%s%s %s:%d;\n", indent, bits, names.next(), width)
	case n < 32:
		fmt.Fprintf(b, "%s%s;\n", indent, fmt.Sprintf(g.pick("void *%s", "const char *%s", "int (*%s)(int)", "void *%s[2]"), names.next()))
	case n < 45:
		fmt.Fprintf(b, "%s%s %s[%d];\n", indent, g.scalar(), names.next(), 1+g.r.IntN(4))
	case n < 48:
		fmt.Fprintf(b, "%s%s %s[2][%d];\n", indent, g.scalar(), names.next(), 1+g.r.IntN(3))
	case n < 51:
		fmt.Fprintf(b, "%s%s %s[0];\n", indent, g.scalar(), names.next())
	case n < 54 && g.wide:
		fmt.Fprintf(b, "%s%s %s;\n", indent, g.pick("__int128", "long double", "double _Complex", "float _Complex"), names.next())
	case n < 62 && len(g.records) > 0:
		dim := ""
		if g.chance(30) {
			dim = "[2]"
		}
		fmt.Fprintf(b, "%s%s %s%s;\n", indent, g.pick(g.records...), names.next(), dim)
	case n < 64 && len(g.growing) > 0:
		// C forbids it, but compilers allow it, and headers use it.
		fmt.Fprintf(b, "%s%s %s;\n", indent, g.pick(g.growing...), names.next())
	case n < 66:
		// C forbids a flexible array here: between members, or in a union.
		fmt.Fprintf(b, "%sstruct { struct { } %s; %s %s[]; };\n", indent, names.next(), g.scalar(), names.next())
	case n < 76 && g.depth < 2:
		g.depth++
		inner := g.pick("struct", "union")
		attr := ""
		if g.chance(15) {
			attr = " __attribute__((packed))"
		}
		if g.chance(60) {
			fmt.Fprintf(b, "%s%s {\n", indent, inner)
			g.members(b, inner, names, indent+"\t")
			fmt.Fprintf(b, "%s}%s;\n", indent, attr)
		} else {
			fmt.Fprintf(b, "%s%s {\n", indent, inner)
			g.members(b, inner, newMemberNames(g), indent+"\t")
			fmt.Fprintf(b, "%s}%s %s;\n", indent, attr, names.next())
		}
		g.depth--
	case n < 80:
		fmt.Fprintf(b, "%s%s %s __attribute__((aligned(%s)));\n", indent, g.scalar(), names.next(), g.pick("2", "4", "8", "16"))
	default:
		fmt.Fprintf(b, "%s%s %s;\n", indent, g.scalar(), names.next())
	}
}
