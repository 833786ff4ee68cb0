// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// ErrNoHeader is wrapped by errors about a header that does not exist.
var ErrNoHeader = errors.New("no such header")

// analysis is the work on one header.
type analysis struct {
	index  int // among the inputs
	in     Input
	sc     *scanned
	src    *source
	h      *Header
	macros []*macro // by question
	// questions are about macros.
	questions []*question
	borrowed  []string // included after the header, for its macros
	clang     bool
	print     *footprint
	// undeclared are the names that the compiler did not find. It reports each
	// name once; for other macros that use it, it gives another reason.
	undeclared map[string]bool
	refused    []Skip // without asking the compiler
	roots      *roots
}

// begin preprocesses a header and collects the questions about it. shared says that the
// header may be compiled together with others; system says that it needs a real C
// library.
func (r *run) begin(ctx context.Context, in Input, shared, system bool) (*analysis, error) {
	file, err := r.roots.find(in.Path)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.Path, err)
	}
	roots, err := r.roots.forHeader(ctx, r.cc, in.Path, system)
	if err != nil {
		return nil, err
	}
	pre, err := r.cc.preprocess(ctx, roots, in)
	if err != nil {
		return nil, err
	}
	sc, err := scan(pre, roots.relative)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.Path, err)
	}
	digest := sha256.Sum256(text)
	a := &analysis{
		in:  in,
		sc:  sc,
		src: readSource(string(text)),
		h: &Header{
			Path: in.Path, With: in.With, SHA256: hex.EncodeToString(digest[:]), License: license(string(text)),
		},
		clang: sc.macros["__clang__"] != nil,
		roots: roots,
	}
	a.h.system = roots.system
	if shared {
		a.print = r.footprintOf(sc)
	}
	a.ask()
	a.borrow(roots)
	a.h.borrowed = a.borrowed
	return a, nil
}

// again removes all answers, so that the compiler can be asked again.
func (a *analysis) again() {
	for _, q := range a.questions {
		q.reason, q.dropped, q.str, q.float, q.value = "", false, q.wasStr, false, Value{}
	}
	a.undeclared = nil
	a.h.Groups, a.h.Aggregates, a.h.Typedefs, a.h.EnumTypes, a.h.Skipped = nil, nil, nil, nil, slices.Clone(a.refused)
}

// ask turns the macros of the header into questions.
func (a *analysis) ask() {
	enums := make(map[string]bool)
	for _, e := range a.sc.enumerators {
		enums[e.name] = true
	}
	seen := make(map[string]bool)
	for _, name := range a.sc.order {
		m := a.sc.macros[name]
		if m == nil || m.pos.File != a.h.Path || seen[name] {
			continue
		}
		seen[name] = true
		if enums[name] && m.body == name {
			continue // #define X X for an enumerator X
		}
		m.pos.Line = a.src.locate(name, m.pos.Line)
		if reason := a.refuse(m); reason != "" {
			a.skip(name, m.pos, reason)
			continue
		}
		str := a.isString(m)
		a.macros = append(a.macros, m)
		a.questions = append(a.questions, &question{name: name, str: str, wasStr: str})
	}
	a.refused = slices.Clone(a.h.Skipped)
}

// borrow adds the headers that macros for ioctl(2) need and their header does not
// include. A program that calls ioctl(2) includes them.
func (a *analysis) borrow(roots *roots) {
	want := make(map[string]bool)
	for _, m := range a.macros {
		a.walk(m, map[string]bool{}, func(tok string) {
			switch {
			case a.sc.macros[tok] != nil:
			case strings.HasPrefix(tok, "_IO"):
				want["linux/ioctl.h"] = true
			case strings.HasPrefix(tok, "FIO") || strings.HasPrefix(tok, "TIOC"):
				want["asm/ioctls.h"] = true
			}
		})
	}
	for _, h := range sortedKeys(want) {
		if _, err := roots.find(h); err == nil {
			a.borrowed = append(a.borrowed, h)
		}
	}
}

// refuse returns why the compiler need not be asked about a macro, or "".
func (a *analysis) refuse(m *macro) string {
	switch {
	case m.function:
		return reasonFunction
	case m.body == "":
		return reasonEmpty
	case a.walk(m, map[string]bool{}, nil) != 0:
		// It would swallow the questions after it.
		return "unbalanced brackets"
	}
	return ""
}

// walk visits the tokens of a macro and of the macros that it uses, each of
// those once. It returns 0 if their brackets are balanced.
func (a *analysis) walk(m *macro, seen map[string]bool, visit func(tok string)) (depth int) {
	seen[m.name] = true
	for rest := m.body; rest != ""; {
		tok := nextToken(rest)
		rest = rest[len(tok):]
		if visit != nil {
			visit(tok)
		}
		switch tok {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			if depth--; depth < 0 {
				return depth
			}
		}
		if next := a.sc.macros[tok]; next != nil && !seen[tok] {
			if d := a.walk(next, seen, visit); d != 0 {
				return d
			}
		}
	}
	return depth
}

// explain returns the reason why a macro has no value: an identifier that nothing
// declares, or the compiler's own reason.
func (a *analysis) explain(m *macro, reason string) string {
	a.walk(m, map[string]bool{}, func(tok string) {
		if a.undeclared[tok] {
			reason = "does not evaluate: '" + tok + "' undeclared"
		}
	})
	return reason
}

// isString guesses from the text whether a macro is a string. If the compiler rejects it as
// a string, [unit.drop] asks for a number.
func (a *analysis) isString(m *macro) (found bool) {
	a.walk(m, map[string]bool{}, func(tok string) { found = found || tok[0] == '"' })
	return found
}

func (a *analysis) skip(name string, pos Pos, reason string) {
	a.h.Skipped = append(a.h.Skipped, Skip{name, pos, reason})
}

// answer fills in the header from the answers of its unit.
func (a *analysis) answer(values map[string]Value, flags map[string]bool) {
	var (
		enums  []Group
		macros []Constant
		last   int
	)
	shadowed := make(map[string]bool)
	for _, q := range a.questions {
		shadowed[q.name] = q.reason == ""
	}
	members := make(map[int]int) // by number of the enum
	for _, e := range a.sc.enumerators {
		members[e.enum]++
	}
	for _, e := range a.sc.enumerators {
		// In C, a macro hides the enumerator of the same name.
		if e.pos.File != a.h.Path || shadowed[e.name] {
			continue
		}
		pos := Pos{e.pos.File, a.src.locate(e.name, e.pos.Line)}
		v, ok := values[e.name]
		if !ok {
			a.skip(e.name, pos, "enumerator without debug information")
			continue
		}
		if len(enums) == 0 || last != e.enum {
			enums = append(enums, Group{Kind: Enumerator, Tag: e.tag, Pos: e.start, Consts: make([]Constant, 0, members[e.enum])})
			last = e.enum
		}
		v.Flag = flags[e.name]
		g := &enums[len(enums)-1]
		g.Consts = append(g.Consts, Constant{Name: e.name, Kind: Enumerator, Value: v, Pos: pos, Expr: e.expr})
	}
	for i, q := range a.questions {
		m := a.macros[i]
		if q.reason != "" {
			a.skip(q.name, m.pos, a.explain(m, q.reason))
			continue
		}
		q.value.Flag = flags[q.name]
		macros = append(macros, Constant{
			Name: q.name, Kind: Macro, Value: q.value, Pos: m.pos, Expr: m.body, Cast: a.castOf(m),
		})
	}
	a.arrange(enums, macros)
}

// arrange puts constants into groups in the order of the file, and adds the comments.
// Enumerators come enum by enum. A macro that is defined between them goes below them.
func (a *analysis) arrange(enums []Group, macros []Constant) {
	slices.SortStableFunc(macros, func(x, y Constant) int { return cmp.Compare(x.Pos.Line, y.Pos.Line) })
	groups := append(enums, a.runs(macros)...)
	slices.SortStableFunc(groups, func(x, y Group) int { return cmp.Compare(x.Pos.Line, y.Pos.Line) })
	slices.SortStableFunc(a.h.Skipped, func(x, y Skip) int { return cmp.Compare(x.Pos.Line, y.Pos.Line) })
	for i := range groups {
		a.document(&groups[i])
	}
	a.h.Groups = groups
}

// runs splits macros into groups at code and at empty lines.
func (a *analysis) runs(macros []Constant) []Group {
	var groups []Group
	for i, c := range macros {
		if i == 0 || !a.src.adjoins(a.src.end(macros[i-1].Pos.Line), c.Pos.Line) {
			groups = append(groups, Group{Kind: Macro, Pos: c.Pos})
		}
		g := &groups[len(groups)-1]
		g.Consts = append(g.Consts, c)
	}
	return groups
}

// document gives a group and its constants their comments. A comment above the
// first of several macros belongs to the group, unless another of these macros
// also has a comment above it.
func (a *analysis) document(g *Group) {
	above := 0
	for i := range g.Consts {
		c := &g.Consts[i]
		if c.Doc = a.src.beside(c.Pos.Line); c.Doc == nil && c.Kind == Macro {
			c.Doc = a.src.beside(a.src.end(c.Pos.Line))
		}
		if c.Doc == nil {
			if c.Doc = a.src.before(c.Pos.Line); c.Doc != nil {
				above = i + 1
			}
		}
	}
	switch {
	case g.Kind == Enumerator:
		g.Doc = a.src.before(g.Pos.Line)
	case above == 1 && len(g.Consts) > 1:
		g.Doc, g.Consts[0].Doc = g.Consts[0].Doc, nil
	}
}
