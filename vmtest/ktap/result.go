// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ktap

import (
	"strconv"
	"strings"
)

// result parses the text after "ok" or "not ok" and adds it to l.
func (p *Parser) result(l *level, s Status, text string) {
	text = strings.TrimLeft(text, " ")
	l.results++
	if n, err := strconv.Atoi(firstWord(text)); err == nil {
		text = strings.TrimLeft(text[len(firstWord(text)):], " ")
		if n != l.results {
			p.problem(Number, "result %d has the number %d", l.results, n)
		}
	} else {
		p.problem(Number, "result %d has no number: %q", l.results, clip(text))
	}
	name, directive := splitDescription(strings.TrimPrefix(text, "- "))
	t := Test{
		Name: name, Status: s, Diag: l.diag, Duration: l.elapsed, Subtests: l.pending,
	}
	t.Status, t.Reason = direct(s, directive)
	if l.hasPending {
		if l.pendingName != "" && l.pendingName != name {
			p.problem(Contradiction, "subtests of %q are reported as %q", l.pendingName, name)
		}
		if t.Status != Fail && anyFailed(t.Subtests) {
			p.problem(Contradiction, "%q did not fail, but one of its subtests did", name)
		}
	}
	l.diag, l.elapsed, l.pending, l.pendingName, l.hasPending = nil, 0, nil, "", false
	if l.names[name] {
		p.problem(Duplicate, "%q is reported twice", name)
	}
	l.names[name] = true
	l.tests = append(l.tests, t)
	if p.OnTest != nil {
		p.OnTest(p.parents(), t)
	}
}

func (p *Parser) parents() []string {
	var names []string
	for _, l := range p.levels[1:] {
		names = append(names, l.name)
	}
	return names
}

// direct applies a directive to a status. An expected failure (XFAIL or TODO) counts as
// skipped: it neither passes nor fails the run. TIMEOUT and ERROR are failures even on an
// "ok" line.
func direct(s Status, directive string) (Status, string) {
	word, rest, _ := strings.Cut(directive, " ")
	switch strings.ToUpper(word) {
	case "SKIP":
		return Skip, rest
	case "XFAIL", "TODO":
		if s == Fail {
			return Skip, directive
		}
	case "TIMEOUT", "ERROR":
		return Fail, directive
	}
	return s, directive
}
