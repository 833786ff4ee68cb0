// SPDX-License-Identifier: GPL-2.0-only OR MIT

package report

import (
	"fmt"
	"html/template"
	"slices"
	"strings"

	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/runs"
)

// Group is a group of tests.
type Group struct {
	Name  string
	Tests []TestRow
}

// TestRow is one test on all bases.
type TestRow struct {
	Name, Anchor string
	// Cells has an entry for each of [Data.Columns].
	Cells []TestCell
}

// Attention reports whether the test failed or is flaky somewhere.
func (t *TestRow) Attention() bool {
	return slices.ContainsFunc(t.Cells, func(c TestCell) bool { return c.Flaky || c.Ran && c.Status == ktap.Fail })
}

// TestCell is the result of a test on one base.
type TestCell struct {
	// Base names the column.
	Base string
	// Ran reports whether the run that the column shows reported the test.
	Ran    bool
	Status ktap.Status
	Reason string
	Millis int64
	// Failure is the anchor of the failure's description; empty if there is
	// none.
	Failure string
	// Past are its results in the latest runs, the oldest first.
	Past []PastResult
	// Flaky means that it passed and failed in runs of the same inputs.
	Flaky bool
}

// PastResult is the result of a test in one run.
type PastResult struct {
	Status ktap.Status
	Run    *runs.Record
}

// pastMarks returns a character for each result of a test. It returns none for
// a single result, which the page shows anyway.
func pastMarks(c TestCell) template.HTML {
	if len(c.Past) < 2 {
		return ""
	}
	var b strings.Builder
	for _, p := range c.Past {
		switch p.Status {
		case ktap.Pass:
			b.WriteString("▪")
		case ktap.Fail:
			b.WriteString("<b>✗</b>")
		default:
			b.WriteString("·")
		}
	}
	return template.HTML(b.String())
}

// Title is the tooltip of the history.
func (c TestCell) Title() string {
	failed := 0
	for _, p := range c.Past {
		if p.Status == ktap.Fail {
			failed++
		}
	}
	return fmt.Sprintf("%d runs, %d failed; the oldest first", len(c.Past), failed)
}

// maxRuns is how many runs of a cell the histories go back.
const maxRuns = 30

// history are the results of all tests in the runs of one cell.
type history struct {
	// runs are the newest first.
	runs []*runs.Record
	// results are the results of each run, by test.
	results []map[string]ktap.Test
	// order lists the tests, each in the order of the newest run that reported
	// it.
	order []string
}

// readHistory reads the results that the runs of c left.
func readHistory(c *runs.Cell) (*history, error) {
	h := &history{}
	seen := map[string]bool{}
	for _, r := range c.Runs {
		if !r.State.Judged() || len(h.runs) == maxRuns && r != c.Run {
			continue
		}
		report, err := r.Report()
		if err != nil {
			return nil, err
		}
		tests := map[string]ktap.Test{}
		for _, t := range report.Flat() {
			tests[t.Name] = t
			if !seen[t.Name] {
				seen[t.Name] = true
				h.order = append(h.order, t.Name)
			}
		}
		h.runs, h.results = append(h.runs, r), append(h.results, tests)
	}
	return h, nil
}

// cell is the result of a test in the run shown, and in all others.
func (h *history) cell(shown *runs.Record, test string) TestCell {
	var c TestCell
	type same struct {
		inputs       runs.Inputs
		passed, fail bool
	}
	var groups []*same
	for i := len(h.runs) - 1; i >= 0; i-- {
		t, ok := h.results[i][test]
		if !ok {
			continue
		}
		r := h.runs[i]
		c.Past = append(c.Past, PastResult{t.Status, r})
		if r == shown {
			c.Ran, c.Status, c.Reason, c.Millis = true, t.Status, t.Reason, t.Duration.Milliseconds()
		}
		at := slices.IndexFunc(groups, func(g *same) bool { return len(g.inputs.Compare(r.Inputs)) == 0 })
		if at < 0 {
			at = len(groups)
			groups = append(groups, &same{inputs: r.Inputs})
		}
		groups[at].passed = groups[at].passed || t.Status == ktap.Pass
		groups[at].fail = groups[at].fail || t.Status == ktap.Fail
	}
	c.Flaky = slices.ContainsFunc(groups, func(g *same) bool { return g.passed && g.fail })
	return c
}

// since says since when a test fails, as far as runs were kept. h may be nil.
func (h *history) since(test string) string {
	if h == nil {
		return ""
	}
	failures, first := 0, ""
	for i, r := range h.runs {
		t, ok := h.results[i][test]
		if !ok || t.Status == ktap.Skip {
			continue
		}
		if t.Status == ktap.Pass {
			if failures == 0 {
				return "passed in a later run: " + r.ID
			}
			if failures == 1 {
				return "passed last in " + r.ID
			}
			return fmt.Sprintf("failed in %d runs since %s; passed last in %s", failures, first, r.ID)
		}
		failures, first = failures+1, r.ID
	}
	if failures < 2 {
		return ""
	}
	return fmt.Sprintf("failed in all %d runs since %s", failures, first)
}

// groups arranges the tests of several histories, one a column.
func groups(columns []*runs.Cell, past []*history) []Group {
	var all []Group
	seen := map[string]bool{}
	for _, h := range past {
		for _, name := range h.order {
			if seen[name] {
				continue
			}
			seen[name] = true
			group, test, ok := strings.Cut(name, "/")
			if !ok {
				group, test = "", name
			}
			row := TestRow{Name: test, Anchor: anchor("test", name)}
			for i, h := range past {
				cell := h.cell(columns[i].Run, name)
				cell.Base = columns[i].Subject.Name()
				if cell.Ran && cell.Status == ktap.Fail && columns[i].Verdict == runs.VerdictFailed {
					cell.Failure = failureAnchor(columns[i], name)
				}
				row.Cells = append(row.Cells, cell)
			}
			at := slices.IndexFunc(all, func(g Group) bool { return g.Name == group })
			if at < 0 {
				at = len(all)
				all = append(all, Group{Name: group})
			}
			all[at].Tests = append(all[at].Tests, row)
		}
	}
	return all
}
