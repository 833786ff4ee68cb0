// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"fmt"
	"go/token"
	"strings"
)

// A probe sets and reads one member in C and in Go. Both programs print the same
// lines if they agree about where it lies.
type probe struct {
	record string // in C
	goType string
	size   int64
	path   string // in C
	get    string // in Go: an expression of type uint64, with p pointing to the record
	set    string // in Go: statements that store v, an uint64
	kind   string // of the C type: "int", "float", "pointer", "bool"
}

// place is where a member is in Go. Statements before and after copy out of
// members that Go cannot point to, and back.
type place struct {
	before, after, expr string
}

// prober finds all members of records that can be probed.
type prober struct {
	structs map[string]*goStruct // by name in Go
	out     []probe
	top     *goStruct
	n       int
}

// maxProbes bounds the probes of one record: arrays of arrays of structs have
// many members.
const maxProbes = 60

func (p *prober) record(g *goStruct) {
	p.top, p.n = g, 0
	p.walk(g, g.c, "", place{expr: "p"})
}

// walk visits the members of g, which lie at a place and have a path in C.
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
			// A copy of the struct has nothing behind it.
		case x.flexible:
			if t.Elem != nil && t.Elem.Size > 0 && x.typ.text != fmt.Sprintf("[%d]byte", x.typ.size) {
				p.member(t.Elem, path+"."+x.c+"[1]", x.typ.text, place{at.before, at.after, at.expr + "." + x.name + "(2)[1]"})
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

// memberTypes collects the types of members by name, those of anonymous records
// too.
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
		kind = "unsigned" // in Go, where C may have a sign for the sake of 1 << 31
	case t.Char:
		kind = "char" // a byte in Go, whatever C thinks of its sign
	}
	p.out = append(p.out, probe{p.top.c.CName(), p.top.name, p.top.c.Size, strings.TrimPrefix(path, "."), get, set, kind})
}

// goText is the Go program's part for a probe. Buf is larger than the record.
func (p *probe) goText(n int) string {
	return fmt.Sprintf(`
func set%[1]d(p *%[2]s, v uint64) { %[4]s }
func get%[1]d(p *%[2]s) (r uint64) { %[3]s; return }
func probe%[1]d() {
	p := (*%[2]s)(unsafe.Pointer(&buf))
	for round, v := range values(%[6]q) {
		fill(round)
		set%[1]d(p, v)
		dump(%[1]d, %[5]d)
		show(get%[1]d(p))
	}
}
`, n, p.goType, clean(p.get), clean(p.set), p.size, p.kind)
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

// cText is the C program's part for a probe.
func (p *probe) cText(n int) string {
	set, get := "(__typeof__(p->"+p.path+"))v", "(unsigned long long)p->"+p.path
	switch p.kind {
	case "float":
		set, get = "(short)v", "(unsigned long long)(long long)p->"+p.path
	case "pointer":
		set, get = "(void *)(unsigned long)v", "(unsigned long long)(unsigned long)p->"+p.path
	case "char":
		set, get = "v", "(unsigned long long)(unsigned char)p->"+p.path
	case "unsigned":
		set, get = "v", "(unsigned long long)(unsigned int)p->"+p.path
	case "int", "bool":
		set = "v"
	}
	return fmt.Sprintf(`
static void probe%[1]d(void) {
	%[2]s *p = (void *)buf;
	for (int round = 0; round < 3; round++) {
		unsigned long long v = value(round, '%[3]c');
		fill(round);
		p->%[4]s = %[5]s;
		dump(%[1]d, %[6]d);
		show(%[7]s);
	}
}
`, n, p.record, p.kind[0], p.path, set, p.size, get)
}
