// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"fmt"
	"go/token"
	"strings"
)

// A probe sets and reads one member in C and in Go. Both programs print the same lines if
// they agree about its place.
type probe struct {
	record string // in C
	goType string
	size   int64
	behind int64  // bytes of a flexible array that the probe reaches
	path   string // in C
	get    string // in Go: an expression of type uint64, with p pointing to the record
	set    string // in Go: statements that store v, an uint64
	kind   string // of the C type: "int", "float", "pointer", "bool"
}

// place is the place of a member in Go. before and after are statements that copy a member
// out of the record and back, if Go cannot point to it.
type place struct {
	before, after, expr string
}

// prober finds all members of records that can be probed.
type prober struct {
	structs map[string]*goStruct // by name in Go
	out     []probe
	top     *goStruct
	n       int
	behind  int64
}

// maxProbes bounds the probes of one record: arrays of arrays of structs have
// many members.
const maxProbes = 60

func (p *prober) record(g *goStruct) {
	p.top, p.n = g, 0
	p.walk(g, g.c, "", place{expr: "p"})
}

// walk visits the members of g, which is at a place and has a path in C.
func (p *prober) walk(g *goStruct, a *Aggregate, path string, at place) {
	types := make(map[string]*Type)
	memberTypes(a, types)
	for _, f := range g.fields {
		if t := types[f.c]; t != nil && token.IsExported(f.name) {
			p.member(t, path+"."+f.c, f.typ.text, place{at.before, at.after, at.expr + "." + f.name})
		}
	}
	for _, x := range g.accessors {
		t := types[x.c]
		switch {
		case t == nil:
		case x.flexible && at.before != "":
			// at.before copies the struct. The copy has no room for the elements of the
			// flexible array.
		case x.flexible:
			if t.Elem != nil && t.Elem.Size > 0 && x.typ.text != fmt.Sprintf("[%d]byte", x.typ.size) {
				p.behind = 2 * t.Elem.Size
				p.member(t.Elem, path+"."+x.c+"[1]", x.typ.text, place{at.before, at.after, at.expr + "." + x.name + "(2)[1]"})
				p.behind = 0
			}
		case x.inside:
			p.member(t, path+"."+x.c, x.typ.text, place{at.before, at.after, "(*" + at.expr + "." + x.name + "())"})
		case x.bits > 0:
			p.add(path+"."+x.c, t, fmt.Sprintf("%s; r = %s", at.before, toUint(at.expr+"."+x.name+"()", t)),
				fmt.Sprintf("%s; %s.%s(%s); %s", at.before, at.expr, x.setter, fromUint(x.typ.text, t), at.after))
		default:
			tmp := fmt.Sprintf("t%d", len(at.before))
			p.member(t, path+"."+x.c, x.typ.text, place{
				at.before + "; " + tmp + " := " + at.expr + "." + x.name + "()",
				at.expr + "." + x.setter + "(" + tmp + "); " + at.after, tmp,
			})
		}
	}
}

// memberTypes collects the types of members by name, also of those in anonymous records.
func memberTypes(a *Aggregate, out map[string]*Type) {
	for _, f := range a.Fields {
		switch {
		case f.Name != "":
			out[f.Name] = f.Type
		case f.Type.Kind == Record:
			memberTypes(f.Type.Record, out)
		}
	}
}

// member probes a member that Go can address.
func (p *prober) member(t *Type, path, text string, at place) {
	switch t.Kind {
	case Array:
		if t.Len <= 0 || !strings.HasPrefix(text, fmt.Sprintf("[%d]", t.Len)) {
			return
		}
		elem := strings.TrimPrefix(text, fmt.Sprintf("[%d]", t.Len))
		for _, i := range []int64{0, t.Len - 1} {
			p.member(t.Elem, fmt.Sprintf("%s[%d]", path, i), elem, place{at.before, at.after, fmt.Sprintf("%s[%d]", at.expr, i)})
			if t.Len == 1 {
				break
			}
		}
	case Record:
		if g := p.structs[text]; g != nil {
			p.walk(g, g.c, path, at)
		}
	case Pointer:
		cell := "(*uintptr)(unsafe.Pointer(&" + at.expr + "))"
		p.add(path, t, fmt.Sprintf("%s; r = uint64(*%s)", at.before, cell), fmt.Sprintf("%s; *%s = uintptr(v); %s", at.before, cell, at.after))
	case Integer, Float:
		if strings.HasPrefix(text, "[") {
			return // of 16 bytes: Go has no such number
		}
		p.add(path, t, fmt.Sprintf("%s; r = %s", at.before, toUint(at.expr, t)),
			fmt.Sprintf("%s; %s = %s; %s", at.before, at.expr, fromUint(text, t), at.after))
	}
}

func toUint(expr string, t *Type) string {
	if t.Kind == Float {
		return "uint64(int64(" + expr + "))"
	}
	return "uint64(" + expr + ")"
}

func fromUint(text string, t *Type) string {
	if t.Kind == Float {
		return text + "(int16(v))"
	}
	return text + "(v)"
}

func (p *prober) add(path string, t *Type, get, set string) {
	if p.n++; p.n > maxProbes {
		return
	}
	kind := "int"
	switch {
	case t.Kind == Float:
		kind = "float"
	case t.Kind == Pointer:
		kind = "pointer"
	case t.Bool:
		kind = "bool"
	case t.Enum != nil && !t.Enum.signed && t.Size == 4:
		kind = "unsigned" // unsigned in Go; in C it may be signed because of 1 << 31
	case t.Char:
		kind = "char" // a byte in Go; the sign in C differs by target
	}
	p.out = append(p.out, probe{p.top.c.CName(), p.top.name, p.top.c.Size, p.behind, strings.TrimPrefix(path, "."), get, set, kind})
}

// span is the number of bytes that a program prints: the record and the bytes behind it, which
// must not change.
func (p *probe) span() int64 { return p.size + 32 + p.behind }

// goText returns the entry of a probe in the table of the Go program.
func (p *probe) goText() string {
	return fmt.Sprintf(`	{%[1]d, %[2]q,
		func(q unsafe.Pointer, v uint64) { p := (*%[3]s)(q); %[4]s },
		func(q unsafe.Pointer) (r uint64) { p := (*%[3]s)(q); %[5]s; return }},
`, p.span(), p.kind[0], p.goType, clean(p.set), clean(p.get))
}

func clean(stmts string) string {
	var out []string
	for _, s := range strings.Split(stmts, "; ") {
		if s = strings.TrimSpace(s); s != "" && s != ";" {
			out = append(out, strings.Trim(s, "; "))
		}
	}
	return strings.Join(out, "; ")
}

// cText returns the C code of a probe: two functions, and the table entry that refers to
// them.
func (p *probe) cText(n int) (functions, entry string) {
	set, get := "v", "(unsigned long long)p->"+p.path
	switch p.kind {
	case "float":
		set, get = "(short)v", "(unsigned long long)(long long)p->"+p.path
	case "pointer":
		set, get = "(void *)(unsigned long)v", "(unsigned long long)(unsigned long)p->"+p.path
	case "char":
		get = "(unsigned long long)(unsigned char)p->" + p.path
	case "unsigned":
		get = "(unsigned long long)(unsigned int)p->" + p.path
	}
	functions = fmt.Sprintf(`static void set%[1]d(void *q, unsigned long long v) { %[2]s *p = q; p->%[3]s = %[4]s; }
static unsigned long long get%[1]d(void *q) { %[2]s *p = q; return %[5]s; }
`, n, p.record, p.path, set, get)
	return functions, fmt.Sprintf("\t{ %d, '%c', set%[3]d, get%[3]d },\n", p.span(), p.kind[0], n)
}
