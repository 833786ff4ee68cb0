// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"errors"
	"fmt"
	"go/constant"
	"go/token"
	"strings"
)

// exactParser computes C's integer expressions without overflow. Verify uses it to decide
// whether a negative number is a set of bits. The generator does not use it.
type exactParser struct {
	toks  []string
	names map[string]string // expressions of enumerators
	depth int
}

// errNotExact: an expression has more than integers and operators.
var errNotExact = errors.New("not an expression of integers")

// maxExact bounds how deeply names may refer to names.
const maxExact = 64

// exact returns the value of an expression that may refer to names.
func exact(text string, names map[string]string, depth int) (v constant.Value, err error) {
	if depth > maxExact {
		return nil, errNotExact
	}
	p := &exactParser{names: names, depth: depth}
	for rest := text; rest != ""; {
		tok := nextToken(rest)
		rest = rest[len(tok):]
		if strings.TrimSpace(tok) != "" {
			p.toks = append(p.toks, tok)
		}
	}
	if v, err = p.binary(0); err != nil {
		return nil, err
	}
	if len(p.toks) > 0 {
		return nil, fmt.Errorf("%w: %q", errNotExact, p.toks[0])
	}
	return v, nil
}

// exactOps are C's binary operators by precedence, with those of package
// constant.
var exactOps = []map[string]token.Token{
	{"|": token.OR},
	{"^": token.XOR},
	{"&": token.AND},
	{"<<": token.SHL, ">>": token.SHR},
	{"+": token.ADD, "-": token.SUB},
	{"*": token.MUL, "/": token.QUO, "%": token.REM},
}

func (p *exactParser) next() string {
	if len(p.toks) == 0 {
		return ""
	}
	return p.toks[0]
}

func (p *exactParser) binary(level int) (constant.Value, error) {
	if level == len(exactOps) {
		return p.unary()
	}
	x, err := p.binary(level + 1)
	for err == nil {
		op, ok := exactOps[level][p.next()]
		if !ok {
			return x, nil
		}
		p.toks = p.toks[1:]
		var y constant.Value
		if y, err = p.binary(level + 1); err == nil {
			x, err = apply(op, x, y)
		}
	}
	return nil, err
}

func apply(op token.Token, x, y constant.Value) (constant.Value, error) {
	switch op {
	case token.SHL, token.SHR:
		n, ok := constant.Uint64Val(y)
		if !ok || n > 64 {
			return nil, errNotExact
		}
		return constant.Shift(x, op, uint(n)), nil
	case token.QUO, token.REM:
		if constant.Sign(y) == 0 {
			return nil, errNotExact
		}
		if op == token.QUO {
			op = token.QUO_ASSIGN // the integer quotient, in package constant
		}
	}
	return constant.BinaryOp(x, op, y), nil
}

func (p *exactParser) unary() (constant.Value, error) {
	tok := p.next()
	if tok == "" {
		return nil, errNotExact
	}
	p.toks = p.toks[1:]
	switch {
	case tok == "-" || tok == "~" || tok == "+":
		x, err := p.unary()
		if err != nil {
			return nil, err
		}
		return constant.UnaryOp(map[string]token.Token{"-": token.SUB, "~": token.XOR, "+": token.ADD}[tok], x, 0), nil
	case tok == "(":
		x, err := p.binary(0)
		if err != nil {
			return nil, err
		}
		if p.next() != ")" {
			return nil, fmt.Errorf("%w: %q", errNotExact, p.next())
		}
		p.toks = p.toks[1:]
		return x, nil
	case tok[0] >= '0' && tok[0] <= '9':
		v := constant.MakeFromLiteral(strings.TrimRight(tok, "uUlL"), token.INT, 0)
		if v.Kind() != constant.Int {
			return nil, fmt.Errorf("%w: %q", errNotExact, tok)
		}
		return v, nil
	}
	if expr, ok := p.names[tok]; ok {
		return exact(expr, p.names, p.depth+1)
	}
	return nil, fmt.Errorf("%w: %q", errNotExact, tok)
}
