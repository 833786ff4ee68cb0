// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package schema makes mutants of C source: small changes, all of which are
// compiled into one program, which chooses one of them at run time.
//
// It reads C by its tokens, without a preprocessor. So it keeps the lines of the
// source, and reads the kernel's macros as what they look like: calls. A mutant of
// misread code does not compile, and the caller drops it.
package schema

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Kind is the kind of change.
type Kind string

// The kinds of mutants.
const (
	Delete  Kind = "delete"  // an expression statement is left out
	Negate  Kind = "negate"  // a condition is negated
	Swallow Kind = "swallow" // an if that leaves the block is never taken
	Relate  Kind = "relate"  // < becomes <=, == becomes !=
	Operand Kind = "operand" // one side of && or || is left out
	Number  Kind = "number"  // a constant is one higher
	Sign    Kind = "sign"    // + becomes -, or - becomes +
	Flag    Kind = "flag"    // one side of | is left out, or of & with ~
	Return  Kind = "return"  // another value is returned
	Once    Kind = "once"    // READ_ONCE() is left out
)

// Mutant is one change.
type Mutant struct {
	// ID is the number that chooses it at run time, from 1.
	ID int
	// File is the file's path in the tree. Func is the function.
	File, Func string
	Kind       Kind
	// Line is where it begins. Last is where it ends.
	Line, Last int
	// Before and After are the code without and with the mutant, each on one line.
	Before, After string
	// Nth distinguishes mutants with the same file, function, kind, Before and
	// After; it counts from 1.
	Nth int

	start, end int // offsets in the source
	repl       func(inner string) string
}

// Name identifies the mutant in this version of the series: its file, line,
// function, kind and ID.
func (m *Mutant) Name() string {
	return fmt.Sprintf("%s:%d:%s:%s:%d", m.File, m.Line, m.Func, m.Kind, m.ID)
}

// Source is a C file with its mutants.
type Source struct {
	File, Text string
	Mutants    []*Mutant
	// Unread are functions that have a wanted line but could not be parsed.
	Unread []string
}

// Parse makes the mutants of a file that begin on wanted lines, with IDs from
// first on. wanted is called with line numbers from 1.
func Parse(file, src string, wanted func(line int) bool, first int) *Source {
	s := &Source{File: file, Text: src}
	toks := lex(src)
	for _, f := range functions(toks) {
		g := &generator{src: s, toks: toks, fn: f, wanted: wanted}
		w := walker{toks: toks, i: f.start, end: f.end, emit: g.statement}
		w.block()
		if w.bad && g.wantedAny() {
			s.Unread = append(s.Unread, f.name)
		}
	}
	seen := map[string]int{}
	for i, m := range s.Mutants {
		m.ID = first + i
		key := strings.Join([]string{m.Func, string(m.Kind), m.Before, m.After}, "\x00")
		seen[key]++
		m.Nth = seen[key]
	}
	return s
}

type generator struct {
	src    *Source
	toks   []token
	fn     function
	wanted func(int) bool
}

func (g *generator) wantedAny() bool {
	for _, t := range g.toks[g.fn.start:g.fn.end] {
		if g.wanted(t.line) {
			return true
		}
	}
	return false
}

// text is the source of the tokens from start up to end, on one line.
func (g *generator) text(start, end int) string {
	if start >= end {
		return ""
	}
	// Leave out comments and line breaks, so that the lines of the source keep
	// their numbers.
	var b strings.Builder
	for i := start; i < end; i++ {
		if i > start && g.toks[i].start > g.toks[i-1].end {
			b.WriteByte(' ')
		}
		b.WriteString(g.toks[i].text)
	}
	return b.String()
}

func (g *generator) span(n *node) string { return g.text(n.start, n.end) }

// add adds a mutant of the tokens in [start, end). repl renders the expression
// that selects the mutant or inner. inner is the original source, which may
// contain more mutants.
func (g *generator) add(k Kind, start, end int, after string, repl func(id, inner string) string) {
	if start >= end || !g.wanted(g.toks[start].line) || !oneLine(g.toks[start:end]) {
		return
	}
	m := &Mutant{
		File: g.src.File, Func: g.fn.name, Kind: k, Line: g.toks[start].line, Last: g.toks[end-1].line,
		Before: g.text(start, end), After: after,
		start: g.toks[start].start, end: g.toks[end-1].end,
	}
	m.repl = func(inner string) string { return repl(strconv.Itoa(m.ID), inner) }
	g.src.Mutants = append(g.src.Mutants, m)
}

// oneLine reports whether the tokens can be put on one line.
func oneLine(toks []token) bool {
	return !slices.ContainsFunc(toks, func(t token) bool { return t.kind == directive || strings.Contains(t.text, "\n") })
}

// choose adds a mutant that replaces n with the expression after.
func (g *generator) choose(k Kind, n *node, after string) {
	g.add(k, n.start, n.end, after, func(id, inner string) string {
		return "(XMUT(" + id + ") ? (" + after + ") : (" + inner + "))"
	})
}

// assertions do nothing in a correct kernel, so that nothing can notice their
// absence; definitions cannot be left out.
var assertions = []string{
	"ASSERT_", "lockdep_assert", "BUILD_BUG_ON", "static_assert", "DEFINE_", "DECLARE_", "LIST_HEAD", "might_", "VISIBLE_IF",
	"WARN_ON", "BUG_ON", "MODULE_", "EXPORT_", "guard", "scoped_", "asm", "va_start", "va_end", "va_copy",
}

func isAssertion(name string) bool {
	return slices.ContainsFunc(assertions, func(p string) bool { return strings.HasPrefix(name, p) })
}

func (g *generator) statement(s statement) {
	switch s.what {
	case expression:
		if g.toks[s.start].kind == ident && isAssertion(g.toks[s.start].text) {
			return
		}
		g.add(Delete, s.start, s.end, "", func(id, inner string) string {
			return "do { if (!XMUT(" + id + ")) { " + inner + "; } } while (0)"
		})
	case condition:
		cond := g.text(s.exprStart, s.exprEnd)
		if s.leaves {
			g.add(Swallow, s.exprStart, s.exprEnd, "0", func(id, inner string) string {
				return "!XMUT(" + id + ") && (" + inner + ")"
			})
		}
		if n := parseExpr(g.toks, s.exprStart, s.exprEnd); n == nil || relations[n.op] == "" {
			g.add(Negate, s.exprStart, s.exprEnd, "!("+cond+")", func(id, inner string) string {
				return "XMUT(" + id + ") ? !(" + cond + ") : !!(" + inner + ")"
			})
		}
	case result:
		if alt := g.otherResult(s); alt != "" {
			g.add(Return, s.exprStart, s.exprEnd, alt, func(id, inner string) string {
				return "XMUT(" + id + ") ? (" + alt + ") : (" + inner + ")"
			})
		}
	}
	if n := parseExpr(g.toks, s.exprStart, s.exprEnd); n != nil {
		g.expr(n)
	}
}

// otherResult is another value for a return, "" if there is none.
func (g *generator) otherResult(s statement) string {
	value := g.text(s.exprStart, s.exprEnd)
	switch {
	case value == "" || strings.HasPrefix(g.fn.returns, "void ") && !strings.Contains(g.fn.returns, "*"):
		return ""
	case strings.Contains(g.fn.returns, "*"):
		if value == "NULL" {
			return ""
		}
		return "NULL"
	case strings.Contains(g.fn.returns, "bool"):
		return "!(" + value + ")"
	case value == "0":
		return "-1"
	}
	return "0"
}

var relations = map[string]string{"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}

// expr makes the mutants of an expression and of its parts.
func (g *generator) expr(n *node) {
	switch n.op {
	case "<", "<=", ">", ">=", "==", "!=":
		g.choose(Relate, n, g.span(n.kids[0])+" "+relations[n.op]+" "+g.span(n.kids[1]))
	case "&&", "||":
		g.choose(Operand, n, "!!("+g.span(n.kids[1])+")")
		g.choose(Operand, n, "!!("+g.span(n.kids[0])+")")
	case "+", "-":
		other := map[string]string{"+": "-", "-": "+"}[n.op]
		if !hasText(g.toks[n.start:n.end]) {
			g.choose(Sign, n, g.span(n.kids[0])+" "+other+" ("+g.span(n.kids[1])+")")
		}
	case "|":
		g.choose(Flag, n, g.span(n.kids[0]))
		g.choose(Flag, n, g.span(n.kids[1]))
	case "&":
		if n.kids[1].op == "u~" {
			g.choose(Flag, n, g.span(n.kids[0]))
		}
	case "|=", "&=", "+=", "-=":
		// Deleting the statement is the same mutant.
	case "num":
		g.choose(Number, n, g.span(n)+" + 1")
		return
	case "call":
		name := g.span(n.kids[0])
		if isAssertion(name) {
			return
		}
		if name == "READ_ONCE" && len(n.kids) == 2 {
			g.choose(Once, n, g.span(n.kids[1]))
		}
	case "u-":
		if n.kids[0].op == "num" {
			return
		}
	}
	for _, k := range n.kids {
		g.expr(k)
	}
}

func hasText(toks []token) bool {
	return slices.ContainsFunc(toks, func(t token) bool { return t.kind == text })
}
