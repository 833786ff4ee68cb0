// SPDX-License-Identifier: GPL-2.0-only OR MIT

package reach

import (
	"strings"

	"xpsgen/vmtest/mutate/schema"
)

// State says what happened to a line.
type State string

// The states of a line.
const (
	Run   State = "run"
	Never State = "never run"
	// Absent lines are not in the program: another configuration compiles them, or no
	// counting object uses the function.
	Absent State = "not compiled"
	// Listed lines are Never or Absent, and the list has the reason.
	Listed State = "listed"
)

// Line is an added line with code.
type Line struct {
	File string `json:"file"`
	// Line is its number in the patched file, from 1.
	Line int `json:"line"`
	// Func is the function that it belongs to.
	Func string `json:"func"`
	// Text is the line without the space around it.
	Text  string `json:"text"`
	State State  `json:"state"`
	// Was is the state without the list.
	Was State `json:"was,omitempty"`
	// Count is how often it ran.
	Count uint64 `json:"count"`
	// Tests are the tests that ran it, in the order of the suite.
	Tests []string `json:"tests,omitempty"`
	// Reason is the reason in the list of lines that need not run.
	Reason string `json:"reason,omitempty"`
}

// counts are the counts of gcov for a file, by line. A line without code is not there.
type counts map[int]uint64

// classify returns the lines with code among those that the series add to a file. A line
// for which gcov has no count has no code if other code around it was compiled.
func classify(file, text string, added map[int]bool, of counts) []*Line {
	raw := strings.Split(text, "\n")
	functions := schema.Functions(text)
	branches := append(conditionals(raw), configured(raw)...)
	compiled := func(first, last int) bool {
		for n := first; n <= last; n++ {
			if _, ok := of[n]; ok {
				return true
			}
		}
		return false
	}
	has := code(raw)
	var lines []*Line
	for n := 1; n <= len(raw); n++ {
		if !added[n] {
			continue
		}
		l := &Line{File: file, Line: n, Text: strings.TrimSpace(raw[n-1])}
		in := false
		var whole schema.Function
		for _, f := range functions {
			if f.Line <= n && n <= f.Last {
				l.Func, whole, in = f.Name, f, true
			}
		}
		count, counted := of[n]
		switch {
		case counted && count > 0:
			l.State, l.Count = Run, count
		case counted:
			l.State = Never
		case !in || !has[n-1]:
			continue
		case !compiled(whole.Line, whole.Last):
			l.State = Absent
		default:
			for _, b := range branches {
				// Only branches within the function count.
				if whole.Line < b.first && b.last <= whole.Last && b.first < n && n < b.last && !compiled(b.first+1, b.last-1) {
					l.State = Absent
				}
			}
			if l.State == "" {
				continue
			}
		}
		lines = append(lines, l)
	}
	return lines
}

// branch is a branch of a conditional: the lines of the directives around it.
type branch struct{ first, last int }

// conditionals returns all branches of #if, #elif and #else.
func conditionals(raw []string) []branch {
	var all []branch
	var open []int
	for i, l := range raw {
		word, isDirective := strings.CutPrefix(strings.TrimSpace(l), "#")
		if !isDirective {
			continue
		}
		word = strings.TrimSpace(word)
		opens := strings.HasPrefix(word, "if")
		if !opens && !strings.HasPrefix(word, "el") && !strings.HasPrefix(word, "endif") {
			continue
		}
		if !opens && len(open) > 0 {
			all = append(all, branch{open[len(open)-1], i + 1})
			open = open[:len(open)-1]
		}
		if !strings.HasPrefix(word, "endif") {
			open = append(open, i+1)
		}
	}
	return all
}

// configured returns the bodies of if statements with IS_ENABLED(), which the
// compiler may leave out. It relies on the indentation of the kernel's style.
func configured(raw []string) (all []branch) {
	indent := func(l string) int { return len(l) - len(strings.TrimLeft(l, "\t")) }
	for i, l := range raw {
		if !strings.Contains(l, "IS_ENABLED(") || !strings.HasPrefix(strings.TrimSpace(l), "if (") {
			continue
		}
		for last := i + 1; last < len(raw); last++ {
			if text := strings.TrimSpace(raw[last]); text != "" && indent(raw[last]) <= indent(l) {
				all = append(all, branch{i + 1, last + 1})
				break
			}
		}
	}
	return all
}

// code tells which lines have more than comments, braces and directives.
func code(raw []string) []bool {
	has := make([]bool, len(raw))
	comment, directive := false, false
	for i, l := range raw {
		var text strings.Builder
		for l != "" {
			if comment {
				_, rest, ends := strings.Cut(l, "*/")
				l, comment = rest, !ends
				continue
			}
			before, rest, begins := strings.Cut(l, "/*")
			text.WriteString(before)
			l, comment = rest, begins
		}
		line := strings.TrimSpace(text.String())
		was := directive
		directive = (was || strings.HasPrefix(line, "#")) && strings.HasSuffix(line, `\`)
		has[i] = !was && !strings.HasPrefix(line, "#") && strings.Trim(line, "{}; \t") != ""
	}
	return has
}
