// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ktap

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Limits on memory, so that a broken guest cannot exhaust the host's.
const (
	maxLine     = 64 << 10
	maxDepth    = 16
	maxBytes    = 32 << 20
	maxProblems = 100
)

// Parser reads a report as it arrives: write to it, then Close it. The zero value is
// ready to use.
type Parser struct {
	// OnTest, if set, is called for every result line with the names of the parent
	// tests. Subtests come before their parent.
	OnTest func(parents []string, t Test)

	report Report
	levels []*level
	buf    []byte
	skip   bool // the rest of a line that is too long
	total  int
	lineNo int
	twice  bool
}

// level is one nesting level of results being read.
type level struct {
	indent  int
	name    string // from the "# Subtest:" line
	named   bool
	plan    int
	planned bool
	tests   []Test
	results int // result lines seen
	names   map[string]bool
	diag    []string
	elapsed time.Duration
	// pending are finished subtests that wait for the result line of their parent.
	pending     []Test
	pendingName string
	hasPending  bool
}

// Write takes the next bytes of the report. It never fails.
func (p *Parser) Write(b []byte) (int, error) {
	n := len(b)
	if p.total += n; p.total > maxBytes {
		if p.total-n <= maxBytes {
			p.problem(TooMuch, "more than %d bytes", maxBytes)
		}
		return n, nil
	}
	for len(b) > 0 {
		part, rest, whole := bytes.Cut(b, []byte{'\n'})
		b = rest
		if p.skip {
			p.skip = !whole
			continue
		}
		if len(p.buf)+len(part) > maxLine {
			p.lineNo++
			p.problem(TooMuch, "line longer than %d bytes", maxLine)
			p.buf, p.skip = p.buf[:0], !whole
			continue
		}
		p.buf = append(p.buf, part...)
		if whole {
			p.line(string(p.buf))
			p.buf = p.buf[:0]
		}
	}
	return n, nil
}

// Close ends the report and returns it. The Parser cannot be used again.
func (p *Parser) Close() *Report {
	if len(p.buf) > 0 {
		p.line(string(p.buf))
		p.problem(Cut, "the last line is truncated: %q", clip(string(p.buf)))
	}
	if len(p.levels) == 0 {
		p.report.Plan = -1
		p.problem(NoVersion, "no report: no KTAP version line")
		return &p.report
	}
	for len(p.levels) > 1 {
		p.pop()
	}
	top := p.levels[0]
	p.finish(top)
	p.report.Plan, p.report.Tests, p.report.Diag = -1, top.tests, top.diag
	if top.planned {
		p.report.Plan = top.plan
	}
	return &p.report
}

func (p *Parser) problem(kind ProblemKind, format string, a ...any) {
	switch n := len(p.report.Problems); {
	case n == maxProblems:
		format, kind, a = "too many problems, the rest is not listed", TooMuch, nil
	case n > maxProblems:
		return
	}
	p.report.Problems = append(p.report.Problems,
		Problem{Kind: kind, Line: p.lineNo, Text: fmt.Sprintf(format, a...)})
}

func (p *Parser) line(raw string) {
	p.lineNo++
	if p.twice {
		return
	}
	raw = strings.ReplaceAll(raw, "\r", "")
	text := strings.TrimLeft(raw, " ")
	indent := len(raw) - len(text)
	text = strings.TrimRight(text, " \t")
	if text == "" {
		return
	}
	version := isVersion(text)
	if len(p.levels) == 0 {
		if !version {
			p.problem(NoVersion, "expected a KTAP version line, got %q", clip(text))
		}
		p.push(indent)
		if version {
			return
		}
	}
	p.enter(indent, text, version)
	if !version && !p.twice {
		p.body(text)
	}
}

// enter finds the level of a line by its indent.
func (p *Parser) enter(indent int, text string, version bool) {
	for len(p.levels) > 1 && indent < p.top().indent {
		p.pop()
	}
	deeper := indent > p.top().indent
	switch {
	case deeper && (version || opensLevel(text)):
		p.push(indent)
	case version && len(p.levels) == 1:
		p.twice = true
		p.problem(Twice, "a second report begins")
	case version:
		p.pop()
		p.push(indent)
	}
}

// opensLevel reports whether an indented line begins a nesting level although no version
// line came before it. Other indented lines belong to the current level.
func opensLevel(text string) bool {
	return strings.HasPrefix(text, "# Subtest:") || strings.HasPrefix(text, "1..") ||
		strings.HasPrefix(text, "ok ") || strings.HasPrefix(text, "not ok ")
}

func (p *Parser) top() *level { return p.levels[len(p.levels)-1] }

func (p *Parser) push(indent int) {
	if len(p.levels) == maxDepth {
		p.problem(TooMuch, "nested deeper than %d", maxDepth)
		p.pop()
	}
	p.levels = append(p.levels, &level{indent: indent, names: make(map[string]bool)})
}

// pop ends the innermost level. Its results wait for the line of their parent.
func (p *Parser) pop() {
	l := p.top()
	p.finish(l)
	p.levels = p.levels[:len(p.levels)-1]
	up := p.top()
	p.orphans(up)
	up.pending, up.pendingName, up.hasPending = l.tests, l.name, true
	up.diag = append(up.diag, l.diag...)
}

// orphans reports subtests whose parent has no result line. They are kept as a failed
// test with the name from the "# Subtest:" line.
func (p *Parser) orphans(l *level) {
	if !l.hasPending {
		return
	}
	p.problem(Unfinished, "%d subtests of %q, but no result of the parent", len(l.pending), l.pendingName)
	l.tests = append(l.tests, Test{
		Name: l.pendingName, Status: Fail, Reason: "never finished", Subtests: l.pending,
	})
	l.pending, l.hasPending = nil, false
}

// finish checks a level at its end.
func (p *Parser) finish(l *level) {
	p.orphans(l)
	where := ""
	if l.name != "" {
		where = fmt.Sprintf(" of %q", l.name)
	}
	switch {
	case !l.planned:
		p.problem(NoPlan, "no plan for the %d results%s", len(l.tests), where)
	case len(l.tests) < l.plan:
		p.problem(Short, "%d results%s, %d planned", len(l.tests), where, l.plan)
	case len(l.tests) > l.plan:
		p.problem(Surplus, "%d results%s, only %d planned", len(l.tests), where, l.plan)
	}
}

// body handles a line on the innermost level. It is not a version line.
func (p *Parser) body(text string) {
	l := p.top()
	switch {
	case strings.HasPrefix(text, "#"):
		p.diag(l, strings.TrimPrefix(text[1:], " "))
	case strings.HasPrefix(text, "1.."):
		n, err := strconv.Atoi(firstWord(text[3:]))
		switch {
		case err != nil || n < 0:
			p.problem(Foreign, "not a plan: %q", clip(text))
		case l.planned:
			p.problem(SecondPlan, "a second plan: %q", clip(text))
		default:
			l.plan, l.planned = n, true
		}
	case strings.HasPrefix(text, "Bail out!"):
		p.problem(BailOut, "%s", clip(text))
	case text == "ok" || strings.HasPrefix(text, "ok "):
		p.result(l, Pass, strings.TrimPrefix(text, "ok"))
	case text == "not ok" || strings.HasPrefix(text, "not ok "):
		p.result(l, Fail, strings.TrimPrefix(text, "not ok"))
	default:
		p.problem(Foreign, "neither result nor diagnostic: %q", clip(text))
	}
}

func (p *Parser) diag(l *level, text string) {
	if name, ok := strings.CutPrefix(text, "Subtest:"); ok && !l.named && l != p.levels[0] {
		l.name, l.named = oneLine(name), true
		return
	}
	if s, ok := strings.CutPrefix(text, "elapsed "); ok {
		if d, err := time.ParseDuration(s); err == nil && d > 0 {
			l.elapsed = d
			return
		}
	}
	l.diag = append(l.diag, text)
}

// isVersion accepts the version lines of KTAP and of TAP.
func isVersion(text string) bool {
	return strings.HasPrefix(text, "KTAP version ") || strings.HasPrefix(text, "TAP version ")
}

func firstWord(s string) string {
	w, _, _ := strings.Cut(s, " ")
	return w
}

func clip(s string) string {
	const most = 120
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
