// SPDX-License-Identifier: GPL-2.0-only OR MIT

package litmus

import (
	"fmt"
	"strconv"
	"strings"

	"xpsgen/vmtest/lazyregexp"
)

// verdict is what herd7 prints of a test.
type verdict struct {
	Observation Verdict
	// Positive and Negative are how many executions have the outcome, and how many have
	// not.
	Positive, Negative int
	// States are the final states, one line each.
	States []string
	// Flags are what herd7 warns of: data races, unbalanced critical sections.
	Flags []string
}

func (v *verdict) String() string {
	return fmt.Sprintf("%s (%d of %d executions)", v.Observation, v.Positive, v.Positive+v.Negative)
}

// always is a verdict that no test wants.
const always Verdict = "Always"

var (
	witnessPattern     = lazyregexp.New(`^Positive: (\d{1,9}) Negative: (\d{1,9})$`)
	observationPattern = lazyregexp.New(`^Observation (\S+) (Never|Sometimes|Always) (\d{1,9}) (\d{1,9})$`)
	timePattern        = lazyregexp.New(`^Time (\S+) \d+\.\d+$`)
	hashPattern        = lazyregexp.New(`^Hash=[0-9a-f]+$`)
)

// lines reads output line by line and keeps the first error.
type lines struct {
	rest []string
	err  error
}

// next returns the next line, or an error that tells what was expected.
func (l *lines) next(want string) string {
	if l.err == nil && len(l.rest) == 0 {
		l.fail("", want)
	}
	if l.err != nil {
		return ""
	}
	line := l.rest[0]
	l.rest = l.rest[1:]
	return line
}

func (l *lines) fail(line, want string) {
	if l.err == nil {
		l.err = fmt.Errorf("%w: its output has %.80q instead of %s", ErrHerd, line, want)
	}
}

// expect reads a line that must be want.
func (l *lines) expect(want string) {
	if line := l.next(want); line != want {
		l.fail(line, want)
	}
}

// match reads a line that must match a pattern and returns its groups.
func (l *lines) match(pattern *lazyregexp.Regexp, want string) []string {
	line := l.next(want)
	m := pattern.FindStringSubmatch(line)
	if m == nil {
		l.fail(line, want)
		return make([]string, 8)
	}
	return m
}

// number reads a number that a pattern has matched.
func (l *lines) number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		l.fail(s, "a number")
	}
	return n
}

// readOutput reads the output of herd7 for one test with an exists clause. Everything must
// be there, in herd7's order, and agree with everything else.
func readOutput(text, name string) (*verdict, error) {
	l := &lines{rest: strings.Split(strings.TrimRight(text, "\n"), "\n")}
	v := &verdict{}
	l.expect("Test " + name + " Allowed")
	states := l.number(strings.TrimPrefix(l.next("the number of states"), "States "))
	for i := 0; i < states && l.err == nil; i++ {
		v.States = append(v.States, l.next("a state"))
	}
	ok := l.next("Ok or No")
	if ok != "Ok" && ok != "No" {
		l.fail(ok, "Ok or No")
	}
	l.expect("Witnesses")
	m := l.match(witnessPattern, "the number of witnesses")
	v.Positive, v.Negative = l.number(m[1]), l.number(m[2])
	line := l.next("the condition")
	for strings.HasPrefix(line, "Flag ") {
		v.Flags = append(v.Flags, strings.TrimPrefix(line, "Flag "))
		line = l.next("the condition")
	}
	if !strings.HasPrefix(line, "Condition exists (") {
		l.fail(line, "the condition")
	}
	m = l.match(observationPattern, "the observation")
	v.Observation = Verdict(m[2])
	if l.err == nil && (m[1] != name || l.number(m[3]) != v.Positive || l.number(m[4]) != v.Negative) {
		l.fail(m[0], "an observation that agrees with the witnesses")
	}
	if m = l.match(timePattern, "the time"); m[1] != name {
		l.fail(m[0], "the time of the test")
	}
	l.match(hashPattern, "the hash")
	if l.err == nil && len(l.rest) > 0 {
		l.fail(l.rest[0], "the end")
	}
	if l.err != nil {
		return nil, l.err
	}
	return v, v.check(ok == "Ok")
}

// check compares the numbers with the words.
func (v *verdict) check(ok bool) error {
	want := Sometimes
	switch {
	case len(v.States) == 0 || v.Positive+v.Negative < len(v.States):
		return fmt.Errorf("%w: %d executions end in %d states", ErrHerd, v.Positive+v.Negative, len(v.States))
	case v.Positive == 0:
		want = Never
	case v.Negative == 0:
		want = always
	}
	if v.Observation != want || ok != (v.Positive > 0) {
		return fmt.Errorf("%w: its output says %s, but %d executions have the outcome and %d have not", ErrHerd, v.Observation, v.Positive, v.Negative)
	}
	return nil
}
