// SPDX-License-Identifier: GPL-2.0-only OR MIT

package schema

// node is an expression: the tokens from start up to but not including end.
type node struct {
	op         string // operator, "call", "(", "num", "id", or "" for what is not looked into
	start, end int
	kids       []*node
}

// precedence has the binary operators. A higher number binds more strongly.
var precedence = map[string]int{
	"*": 10, "/": 10, "%": 10, "+": 9, "-": 9, "<<": 8, ">>": 8,
	"<": 7, ">": 7, "<=": 7, ">=": 7, "==": 6, "!=": 6,
	"&": 5, "^": 4, "|": 3, "&&": 2, "||": 1,
}

var assignments = map[string]bool{
	"=": true, "+=": true, "-=": true, "*=": true, "/=": true, "%=": true,
	"&=": true, "|=": true, "^=": true, "<<=": true, ">>=": true,
}

// typeWords begin a type, in a cast or a declaration.
var typeWords = map[string]bool{
	"struct": true, "union": true, "enum": true, "const": true, "volatile": true, "unsigned": true, "signed": true,
	"void": true, "char": true, "short": true, "int": true, "long": true, "float": true, "double": true, "bool": true,
	"static": true, "register": true, "extern": true, "typeof": true, "__typeof__": true, "__auto_type": true, "auto": true,
	"u8": true, "u16": true, "u32": true, "u64": true, "s8": true, "s16": true, "s32": true, "s64": true,
	"__u8": true, "__u16": true, "__u32": true, "__u64": true, "__s8": true, "__s16": true, "__s32": true, "__s64": true,
	"__be16": true, "__be32": true, "__be64": true, "__le16": true, "__le32": true, "__le64": true,
	"size_t": true, "ssize_t": true, "uint": true, "gfp_t": true, "netdev_features_t": true,
	"uint8_t": true, "uint16_t": true, "uint32_t": true, "uint64_t": true, "int32_t": true, "int64_t": true,
	"FILE": true, "DIR": true, "Elf32_Ehdr": true, "GElf_Ehdr": true, "GElf_Shdr": true, "GElf_Sym": true, "Elf_Data": true,
}

// parser reads expressions from tokens. It knows no types: what it cannot read
// it leaves as a node without operator.
type parser struct {
	toks []token
	i    int
	end  int
	bad  bool
}

// parseExpr reads the whole range as one expression; nil if it is not one.
func parseExpr(toks []token, start, end int) *node {
	p := &parser{toks: toks, i: start, end: end}
	n := p.comma()
	if p.bad || p.i != end {
		return nil
	}
	return n
}

func (p *parser) peek() string {
	if p.i < p.end && p.toks[p.i].kind != text {
		return p.toks[p.i].text
	}
	return ""
}

func (p *parser) fail() *node {
	p.bad = true
	return &node{start: p.i, end: p.i}
}

func (p *parser) comma() *node {
	n := p.assign()
	for !p.bad && p.peek() == "," {
		p.i++
		r := p.assign()
		n = &node{",", n.start, r.end, []*node{n, r}}
	}
	return n
}

func (p *parser) assign() *node {
	n := p.ternary()
	if op := p.peek(); !p.bad && assignments[op] {
		p.i++
		r := p.assign()
		return &node{op, n.start, r.end, []*node{n, r}}
	}
	return n
}

func (p *parser) ternary() *node {
	n := p.binary(1)
	if p.bad || p.peek() != "?" {
		return n
	}
	p.i++
	kids := []*node{n}
	if p.peek() != ":" {
		kids = append(kids, p.comma())
	}
	if p.bad || p.peek() != ":" {
		return p.fail()
	}
	p.i++
	r := p.ternary()
	return &node{"?", n.start, r.end, append(kids, r)}
}

func (p *parser) binary(least int) *node {
	n := p.unary()
	for !p.bad {
		op := p.peek()
		prec := precedence[op]
		if prec == 0 || prec < least {
			return n
		}
		p.i++
		r := p.binary(prec + 1)
		n = &node{op, n.start, r.end, []*node{n, r}}
	}
	return n
}

func (p *parser) unary() *node {
	start := p.i
	switch op := p.peek(); op {
	case "!", "~", "-", "+", "&", "*", "++", "--":
		p.i++
		k := p.unary()
		return &node{"u" + op, start, k.end, []*node{k}}
	case "sizeof", "typeof", "__typeof__", "_Alignof", "__alignof__":
		p.i++
		if p.peek() == "(" {
			p.i = p.skipGroup(p.i)
			return &node{start: start, end: p.i}
		}
		k := p.unary()
		return &node{start: start, end: k.end}
	case "(":
		if p.isCast() {
			p.i = p.skipGroup(p.i)
			if p.peek() == "{" { // a compound literal
				p.i = p.skipGroup(p.i)
				return p.postfix(&node{start: start, end: p.i})
			}
			k := p.unary()
			return &node{"cast", start, k.end, []*node{k}}
		}
	}
	return p.postfix(p.primary())
}

// isCast reports whether the group at p.i is a type in parentheses.
func (p *parser) isCast() bool {
	end := p.skipGroup(p.i)
	if end-p.i < 3 {
		return false
	}
	first, last := p.toks[p.i+1], p.toks[end-2]
	if typeWords[first.text] {
		return true
	}
	if first.kind != ident || end >= p.end {
		return false
	}
	next := p.toks[end]
	return last.text == "*" || end-p.i == 3 && (next.kind == ident || next.kind == number || next.kind == text)
}

func (p *parser) primary() *node {
	if p.i >= p.end {
		return p.fail()
	}
	start, t := p.i, p.toks[p.i]
	switch {
	case t.kind == number:
		p.i++
		return &node{op: "num", start: start, end: p.i}
	case t.kind == text:
		for p.i < p.end && (p.toks[p.i].kind == text || p.toks[p.i].kind == ident) { // "a" PRIu64 "b"
			p.i++
		}
		return &node{start: start, end: p.i}
	case t.kind == ident && !typeWords[t.text]:
		p.i++
		return &node{op: "id", start: start, end: p.i}
	case t.text == "(":
		end := p.skipGroup(p.i)
		if p.toks[p.i+1].text == "{" { // a statement expression
			p.i = end
			return &node{start: start, end: end}
		}
		inner := parseExpr(p.toks, p.i+1, end-1)
		p.i = end
		if inner == nil {
			return &node{start: start, end: end}
		}
		return &node{"(", start, end, []*node{inner}}
	}
	return p.fail()
}

func (p *parser) postfix(n *node) *node {
	for !p.bad && p.i < p.end {
		switch p.peek() {
		case "(":
			end := p.skipGroup(p.i)
			n = &node{"call", n.start, end, append([]*node{n}, p.args(p.i+1, end-1)...)}
			p.i = end
		case "[":
			end := p.skipGroup(p.i)
			k := parseExpr(p.toks, p.i+1, end-1)
			if k == nil {
				k = &node{start: p.i + 1, end: end - 1}
			}
			n = &node{"[", n.start, end, []*node{n, k}}
			p.i = end
		case ".", "->":
			p.i += 2
			if p.i > p.end {
				return p.fail()
			}
			n = &node{"member", n.start, p.i, []*node{n}}
		case "++", "--":
			p.i++
			n = &node{"post", n.start, p.i, []*node{n}}
		default:
			return n
		}
	}
	return n
}

// args reads the arguments of a call. An argument of a macro may be a type.
func (p *parser) args(start, end int) []*node {
	var out []*node
	for i := start; i < end; {
		stop := i
		for stop < end && p.toks[stop].text != "," {
			stop = p.next(stop)
		}
		stop = min(stop, end)
		n := parseExpr(p.toks, i, stop)
		if n == nil {
			n = &node{start: i, end: stop}
		}
		out = append(out, n)
		i = stop + 1
	}
	return out
}

// next is the token after i, or after the group that i opens.
func (p *parser) next(i int) int {
	switch p.toks[i].text {
	case "(", "[", "{":
		return p.skipGroup(i)
	}
	return i + 1
}

// skipGroup returns the token after the bracket that closes the one at i. An
// unclosed one makes the expression unreadable.
func (p *parser) skipGroup(i int) int {
	end := closing(p.toks, i, p.end)
	if end < 0 {
		p.bad = true
		return p.end
	}
	return end
}

// closing returns the index after the bracket that closes the one at i, or -1.
func closing(toks []token, i, limit int) int {
	depth := 0
	for ; i < limit; i++ {
		if toks[i].kind != punct {
			continue
		}
		switch toks[i].text {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}
