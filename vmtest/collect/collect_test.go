// SPDX-License-Identifier: GPL-2.0-only OR MIT

package collect

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"xpsgen/vmtest/cell"
	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/runs"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

var inputs = runs.Inputs{"suite": "1"}

func suite() *cell.Cell {
	return &cell.Cell{Name: "suite@6.12", Kind: "suite", Base: "6.12", Arch: "amd64", Attempt: 1, Inputs: cell.Digest(inputs)}
}

// result is an attempt of suite that ended with an exit code.
func result(attempt, code int, more func(*cell.Result)) *cell.Result {
	r := &cell.Result{Cell: *suite(), Started: noon, Ended: noon.Add(time.Minute), ExitCode: code, Commit: "aaaaaaaaaaaaaaaa",
		Archive: fmt.Sprintf("x%d.tar.gz", attempt),
		Records: []*runs.Record{{Kind: runs.Suite, Subject: runs.Subject{Base: "6.12"}, Inputs: inputs,
			Versions: map[string]string{"kernel": "6.12.1, deb 1"}}}}
	r.Cell.Attempt = attempt
	if more != nil {
		more(r)
	}
	return r
}

func TestJudge(t *testing.T) {
	for name, c := range map[string]struct {
		attempts []*cell.Result
		planned  int
		state    State
		reason   string
		again    int // attempt of the next plan, 0: none
	}{
		"missing":              {nil, 1, Missing, "its machine died", 1},
		"passed":               {[]*cell.Result{result(1, 0, nil)}, 1, Passed, "", 0},
		"failed":               {[]*cell.Result{result(1, 1, nil)}, 1, Failed, "exit code 1", 2},
		"with a reason":        {[]*cell.Result{result(1, 1, func(r *cell.Result) { r.Reasons = []string{"a24 failed"} })}, 1, Failed, "a24 failed", 2},
		"broken":               {[]*cell.Result{result(1, 69, nil)}, 1, Broken, "exit code 69", 2},
		"usage":                {[]*cell.Result{result(1, 2, nil)}, 1, Broken, "exit code 2", 2},
		"killed":               {[]*cell.Result{result(1, 137, nil)}, 1, Interrupted, "exit code 137", 2},
		"passed when repeated": {[]*cell.Result{result(1, 1, nil), result(3, 0, nil)}, 1, Passed, "passed in attempt 3", 0},
		"failed when repeated": {[]*cell.Result{result(1, 0, nil), result(2, 1, nil)}, 1, Failed, "exit code 1", 3},
		"doubled":              {[]*cell.Result{result(1, 0, nil), result(1, 0, nil)}, 1, Doubled, "two archives of attempt 1", 2},
		"not repeated":         {[]*cell.Result{result(1, 1, nil)}, 2, Missing, "no archive", 2},
		"another commit":       {[]*cell.Result{result(1, 0, func(r *cell.Result) { r.Commit = "bbbbbbbbbbbbbbbb" })}, 1, Differs, "commit bbbbbbbbbbbb, planned aaaaaaaaaaaa", 2},
		"local changes":        {[]*cell.Result{result(1, 0, func(r *cell.Result) { r.Dirty = true })}, 1, Differs, "with local changes", 2},
		"other items":          {[]*cell.Result{result(1, 0, func(r *cell.Result) { r.Cell.Items = []string{"a24"} })}, 1, Differs, "other items", 2},
		"other inputs": {[]*cell.Result{result(1, 0, func(r *cell.Result) { r.Records[0].Inputs = runs.Inputs{"suite": "2"} })}, 1, Differs,
			"other patches, configuration or sources", 2},
		"a failure of other inputs": {[]*cell.Result{result(1, 1, func(r *cell.Result) { r.Records[0].Inputs = nil })}, 1, Differs, "other patches", 2},
	} {
		t.Run(name, func(t *testing.T) {
			row := &Row{Cell: suite(), Attempts: c.attempts}
			row.Attempt = c.planned
			m := &Merged{Plan: &cell.Plan{Commit: "aaaaaaaaaaaaaaaa", Cells: []*cell.Cell{row.Cell}}, Rows: []*Row{row}}
			row.judge(m.Plan)
			if row.State != c.state || !strings.Contains(strings.Join(row.Reasons, "\n"), c.reason) || (c.reason == "") != (len(row.Reasons) == 0) {
				t.Errorf("%s, %q; want %s, %q", row.State, row.Reasons, c.state, c.reason)
			}
			if m.Passed() != (c.state == Passed) || m.Broken() != (c.state == Broken) {
				t.Errorf("passed %v, broken %v", m.Passed(), m.Broken())
			}
			again := m.Again().Cells
			if (len(again) == 0) != (c.again == 0) || len(again) == 1 && again[0].Attempt != c.again {
				t.Errorf("again: %+v, want attempt %d", again, c.again)
			}
			report, err := m.Report()
			if err != nil || len(report.Tests) != 1 || (report.Tests[0].Status == ktap.Pass) != (c.state == Passed) {
				t.Errorf("report %+v, %v", report, err)
			}
		})
	}
}

// All configurations of a base must have the same source.
func TestVersions(t *testing.T) {
	row := func(base, kernel string) *Row {
		r := result(1, 0, nil)
		r.Records[0].Base, r.Records[0].Versions = base, map[string]string{"kernel": kernel}
		return &Row{Cell: &cell.Cell{Name: "x@" + base}, Attempts: []*cell.Result{r}}
	}
	m := &Merged{Rows: []*Row{row("6.12", "6.12.1, deb 1"), row("6.12", "6.12.1-rt, deb 1"), row("net-next", "7.3, deb 2"), {Cell: suite()}}}
	if got := m.versions(); got != nil {
		t.Errorf("%q", got)
	}
	m.Rows = append(m.Rows, row("6.12", "6.12.2, deb 3"))
	if got := m.versions(); len(got) != 1 || got[0] != "kernel of base 6.12 differs: deb 1 in cell x@6.12, deb 3 in cell x@6.12" {
		t.Errorf("%q", got)
	}
	m.Problems = m.versions()
	if m.Passed() || m.Broken() || !strings.Contains(m.Summary(), "1 problems") {
		t.Error(m.Summary())
	}
}
