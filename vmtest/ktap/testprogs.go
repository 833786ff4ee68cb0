// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ktap

import (
	"fmt"
	"strings"

	"xpsgen/vmtest/lazyregexp"
)

// TestProgs reads what test_progs of the kernel's selftests/bpf prints, and writes it as
// KTAP. A test becomes a result named "bpf:NAME", with its subtests.
//
// Write to it, then Close it.
type TestProgs struct {
	w       *Writer
	lines   lines
	planned int
	tests   []Test
	// subtests and diag belong to the running test.
	subtests []Test
	diag     []string
	// over says that the results have ended. test_progs then repeats the failed ones.
	over bool
}

// NewTestProgs returns a TestProgs that writes to w and plans that many tests.
func NewTestProgs(w *Writer, planned int) *TestProgs {
	w.Plan(planned)
	return &TestProgs{w: w, planned: planned}
}

// progResult is "#1/2     xps/update:OK" or "#1       xps:SKIP (not built)".
var progResult = lazyregexp.New(`^#\d+(/\d+)?\s+(\S+?):(OK|FAIL|SKIP)(?: \((.*)\))?$`)

// Write takes the next bytes. It returns the error of the Writer.
func (p *TestProgs) Write(b []byte) (int, error) {
	p.lines.feed(b, p.line)
	return len(b), p.w.Err()
}

// Close ends the output and returns the results. The error says that test_progs did not
// report all tests, or that writing failed.
func (p *TestProgs) Close() ([]Test, error) {
	p.lines.end(p.line)
	for _, t := range p.subtests {
		p.w.Diag("%s: %s, but its test did not end", t.Name, t.Status)
	}
	if err := p.w.Err(); err != nil {
		return p.tests, err
	}
	if len(p.tests) != p.planned {
		return p.tests, fmt.Errorf("test_progs reported %d of %d tests", len(p.tests), p.planned)
	}
	return p.tests, nil
}

func (p *TestProgs) line(line string) {
	m := progResult.FindStringSubmatch(line)
	if m == nil || p.over {
		if line == "All error logs:" || strings.HasPrefix(line, "Summary: ") {
			p.over = true
		}
		if line != "" {
			p.diag = append(p.diag, line)
			p.w.Diag("%s", line)
		}
		return
	}
	t := Test{Name: m[2], Reason: m[4], Diag: p.diag}
	// Readers of TAP take a reason that begins with SKIP for a directive.
	if skipped, found := strings.CutPrefix(t.Reason, "SKIP: "); found {
		t.Reason = skipped + " subtests skipped"
	}
	p.diag = nil
	switch m[3] {
	case "FAIL":
		t.Status = Fail
	case "SKIP":
		t.Status = Skip
	}
	if m[1] != "" {
		_, t.Name, _ = strings.Cut(t.Name, "/")
		p.subtests = append(p.subtests, t)
		return
	}
	t.Name = "bpf:" + t.Name
	t.Subtests = p.subtests
	p.subtests = nil
	if len(t.Subtests) > 0 {
		sub := p.w.Sub(t.Name)
		sub.Plan(len(t.Subtests))
		for _, s := range t.Subtests {
			sub.Result(s.Name, s.Status, s.Reason)
		}
	}
	p.tests = append(p.tests, t)
	p.w.Result(t.Name, t.Status, t.Reason)
}
