// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"slices"
	"strings"
)

// castOf returns the type that a macro casts its value to: "enum foo", or the name of a
// typedef. The cast must be the whole definition, as in ((foo_t)3). If a macro is another
// name for a macro, castOf looks at that one. It does not ask compilers, because gcc
// forgets the typedef.
func (a *analysis) castOf(m *macro) string {
	for range 16 { // a macro may name another macro
		toks := withoutBrackets(tokensOf(m.body))
		if len(toks) == 1 && a.sc.macros[toks[0]] != nil {
			m = a.sc.macros[toks[0]]
			continue
		}
		end := slices.Index(toks, ")")
		if len(toks) < 4 || toks[0] != "(" || end < 2 || !isOperand(toks[end+1:]) {
			return ""
		}
		switch name := strings.Join(toks[1:end], " "); {
		case end == 3 && toks[1] == "enum":
			return name
		case end == 2 && a.sc.macros[name] == nil && a.sc.typedefs[name] != "":
			return name
		}
		return ""
	}
	return ""
}

// tokensOf splits C into tokens without spaces.
func tokensOf(text string) []string {
	var out []string
	for text != "" {
		tok := nextToken(text)
		text = text[len(tok):]
		if !isSpace(tok[0]) {
			out = append(out, tok)
		}
	}
	return out
}

// withoutBrackets removes the brackets around a whole expression.
func withoutBrackets(toks []string) []string {
	for len(toks) > 2 && toks[0] == "(" && closing(toks) == len(toks)-1 {
		toks = toks[1 : len(toks)-1]
	}
	return toks
}

// closing returns the index of the bracket that ends the one toks begins with,
// or -1.
func closing(toks []string) int {
	depth := 0
	for i, tok := range toks {
		switch tok {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// isOperand reports whether a cast before toks applies to all of them.
func isOperand(toks []string) bool {
	for len(toks) > 1 && (toks[0] == "-" || toks[0] == "+" || toks[0] == "~") {
		toks = toks[1:]
	}
	return len(toks) == 1 || len(toks) > 2 && toks[0] == "(" && closing(toks) == len(toks)-1
}

// typeMacros gives macros of a package the type that they cast to, where the
// package has it and Go can express the value in it.
func (s *selection) typeMacros(p *Package) {
	bases, enums := make(map[string]string), make(map[string]bool) // by name in Go
	for _, h := range p.Headers {
		for _, e := range h.EnumTypes {
			bases[p.goNames[e.CName()]], enums[p.goNames[e.CName()]] = e.base(), true
		}
		for _, t := range h.Typedefs {
			bases[p.goNames[t.Name]] = typedefText(t.Type)
		}
	}
	for i, h := range p.Headers {
		typed := s.naming(i).Enums == enumsTyped
		for _, g := range h.Groups {
			for k := range g.Consts {
				c := &g.Consts[k]
				name := p.goNames[c.Cast]
				if e := h.castEnums[c.Cast]; e != nil {
					name = p.goNames[e.CName()]
				}
				if name != "" && (typed || !enums[name]) && c.Value.fits(bases[name]) {
					c.GoType = name
				}
			}
		}
	}
}

// fits reports whether a Go type can represent the value.
func (v Value) fits(base string) bool {
	switch base {
	case "float32", "float64":
		return !v.IsString
	case "byte", "uint8", "uint16", "uint32", "uint64":
		return v.integer() && !v.below() && v.mask()>>(8*goSize(base)-1)>>1 == 0
	case "int8", "int16", "int32", "int64":
		if v.below() {
			return int64(v.Bits)>>(8*goSize(base)-1) == -1
		}
		return v.integer() && v.mask()>>(8*goSize(base)-1) == 0
	}
	return false
}

// goSize returns the size of an integer type of Go in bytes.
func goSize(name string) int64 {
	g, _ := parseGoType(name)
	return max(g.size, 1)
}
