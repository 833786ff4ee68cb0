// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ktap

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"xpsgen/vmtest/lazyregexp"
)

// Kselftest reads the output of run_kselftest.sh, the kernel's runner of
// selftests, and writes it as KTAP while it arrives. The runner puts "# "
// before each line of a test. A test that prints TAP becomes a test with
// subtests. The lines of other tests become diagnostics.
//
// Write to it, then Close it.
type Kselftest struct {
	w       *Writer
	planned int
	tests   []Test
	input   lines

	// name is the running test, lines is its output so far.
	name  string
	lines []string
	// sub has the subtests of the test; nil if it does not report any. over says that
	// its report has ended and the rest are diagnostics.
	sub  *Writer
	over bool
}

// NewKselftest returns a Kselftest that writes to w.
func NewKselftest(w *Writer) *Kselftest { return &Kselftest{w: w, planned: -1} }

var (
	// selftestHead matches the line with which the runner announces a test,
	// such as "# selftests: net: rtnetlink.sh". selftestResult matches its
	// result.
	selftestHead   = lazyregexp.New(`^# selftests: (\S+): (\S+)$`)
	selftestResult = lazyregexp.New(`^(not )?ok \d+ selftests: (\S+): (\S+)(?: # (.*))?$`)
	tapHead        = lazyregexp.New(`^K?TAP version \d+$`)
	tapPlan        = lazyregexp.New(`^1\.\.(\d+)`)
	tapResult      = lazyregexp.New(`^\s*(?:not )?ok\b`)
	// tapEnd is the last line of a report by the kernel's kselftest.h.
	tapEnd = lazyregexp.New(`^# Totals: `)
)

// Write takes the next bytes. It returns the error of the Writer.
func (k *Kselftest) Write(b []byte) (int, error) {
	k.input.feed(b, k.line)
	return len(b), k.w.Err()
}

// Close ends the output and returns the results. The error says that the runner did not
// report all tests, or that writing failed.
func (k *Kselftest) Close() ([]Test, error) {
	k.input.end(k.line)
	if err := k.w.Err(); err != nil {
		return k.tests, err
	}
	switch {
	case k.planned < 0:
		return k.tests, fmt.Errorf("the runner of selftests planned no tests")
	case len(k.tests) != k.planned:
		return k.tests, fmt.Errorf("the runner of selftests reported %d of %d tests", len(k.tests), k.planned)
	}
	return k.tests, nil
}

func (k *Kselftest) line(line string) {
	if m := selftestResult.FindStringSubmatch(line); m != nil {
		k.result(m)
		return
	}
	if m := selftestHead.FindStringSubmatch(line); m != nil {
		k.name, k.lines, k.sub, k.over = m[1]+":"+m[2], nil, nil, false
		return
	}
	text, inner := strings.CutPrefix(line, "#")
	text = strings.TrimPrefix(text, " ")
	switch {
	case inner && k.name != "":
		k.lines = append(k.lines, text)
		k.test(text)
	case inner:
		k.w.Diag("%s", text)
	case tapHead.MatchString(line):
		// The version line of the runner; the Writer has its own.
	default:
		if m := tapPlan.FindStringSubmatch(line); m != nil && k.planned < 0 {
			k.planned, _ = strconv.Atoi(m[1])
			k.w.Plan(k.planned)
			return
		}
		k.w.Diag("%s", line)
	}
}

// test writes a line of the test that runs.
func (k *Kselftest) test(text string) {
	switch {
	case tapHead.MatchString(text) && k.sub == nil:
		k.sub = k.w.Sub(k.name)
	case k.sub == nil || k.over:
		k.w.Diag("%s", text)
	case tapResult.MatchString(text), tapPlan.MatchString(text), strings.HasPrefix(strings.TrimSpace(text), "#"):
		k.sub.line(text)
		k.over = tapEnd.MatchString(text)
	default:
		k.sub.Diag("%s", text)
	}
}

// result writes the result of a test, given as the parts of [selftestResult].
func (k *Kselftest) result(m []string) {
	t := Test{Name: m[2] + ":" + m[3], Reason: m[4], Diag: k.lines}
	directive, rest, _ := strings.Cut(m[4], " ")
	switch {
	case m[1] != "":
		t.Status = Fail
	case directive == "SKIP":
		t.Status, t.Reason = Skip, rest
	}
	k.tests = append(k.tests, t)
	k.w.Result(t.Name, t.Status, t.Reason)
	k.name, k.lines, k.sub, k.over = "", nil, nil, false
}

// innerVerdict matches a line with the result of a part of a selftest: in TAP,
// or in the form of the selftests' shell helpers.
var innerVerdict = lazyregexp.New(`^\s*(?:` +
	`(?:not )?ok\s+\d+|` + // TAP
	`(?:PASS|FAIL|SKIP|XFAIL|XPASS|OK|ERROR)\s*:|` + // PASS: policy routing
	`(?:TEST|INFO): .*\[\s*(?:OK|PASS|FAIL|SKIP|XFAIL)\s*\]|` + // TEST: name [ OK ]
	`\[\s*(?:OK|PASS|FAIL|SKIP|FAILED)\s*\]|` +
	`.*\.\.\. (?:ok|okay|OK|PASS|FAIL|SKIP|failed)$)`)

// Verdicts returns the lines of a selftest with the results of its parts,
// sorted.
func (t *Test) Verdicts() []string {
	var all []string
	for _, l := range t.Diag {
		if innerVerdict.MatchString(l) {
			all = append(all, strings.Join(strings.Fields(l), " "))
		}
	}
	slices.Sort(all)
	return all
}
