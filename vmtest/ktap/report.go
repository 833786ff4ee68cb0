// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ktap

import "io"

// Report is the parsed report of one guest.
type Report struct {
	// Plan is the announced number of top-level results, -1 if there is no plan.
	Plan int
	// Tests are the top-level results.
	Tests []Test
	// Diag holds the diagnostics after the last result.
	Diag []string
	// Problems are the reasons not to trust the report.
	Problems []Problem
}

// Parse reads a complete report. The error is a read error of r. A report that is
// truncated or malformed is returned with its Problems.
func Parse(r io.Reader) (*Report, error) {
	var p Parser
	if _, err := io.Copy(&p, r); err != nil {
		return nil, err
	}
	return p.Close(), nil
}

// Counts sums up the results.
func (r *Report) Counts() Counts {
	var c Counts
	c.add(r.Tests)
	return c
}

// OK reports whether the report is complete, has results and no failure. Skipped tests do
// not change that; see Counts for them.
func (r *Report) OK() bool {
	return len(r.Problems) == 0 && len(r.Tests) > 0 && r.Counts().Fail == 0 && !anyFailed(r.Tests)
}

func anyFailed(tests []Test) bool {
	for i := range tests {
		if tests[i].Status == Fail {
			return true
		}
	}
	return false
}

// Flat returns the tests without subtests, each with its path as name:
// "control/off-detaches". A parent that failed although no subtest did comes after its
// subtests.
func (r *Report) Flat() []Test { return flatten(nil, "", r.Tests) }

func flatten(to []Test, prefix string, tests []Test) []Test {
	for _, t := range tests {
		if len(t.Subtests) > 0 {
			to = flatten(to, prefix+t.Name+"/", t.Subtests)
			if !t.failedAlone() {
				continue
			}
			t.Subtests = nil
		}
		t.Name = prefix + t.Name
		to = append(to, t)
	}
	return to
}

// Compare compares the report with the planned test names, in the form of Flat. It
// returns the missing names in planned order, and the unplanned ones in the order of the
// report.
func (r *Report) Compare(planned []string) (missing, extra []string) {
	seen := make(map[string]bool)
	for _, t := range r.Flat() {
		seen[t.Name] = true
	}
	want := make(map[string]bool, len(planned))
	for _, name := range planned {
		want[name] = true
		if !seen[name] {
			missing = append(missing, name)
		}
	}
	for _, t := range r.Flat() {
		if !want[t.Name] {
			extra = append(extra, t.Name)
		}
	}
	return missing, extra
}

// Write writes the report as KTAP. Parse reads back an equal report, except for its problems.
func (r *Report) Write(to io.Writer) error {
	w := NewWriter(to)
	if r.Plan >= 0 {
		w.Plan(r.Plan)
	}
	writeTests(w, r.Tests)
	for _, d := range r.Diag {
		w.Diag("%s", d)
	}
	return w.Err()
}

func writeTests(w *Writer, tests []Test) {
	for _, t := range tests {
		if len(t.Subtests) > 0 {
			sub := w.Sub(t.Name)
			sub.Plan(len(t.Subtests))
			writeTests(sub, t.Subtests)
		}
		for _, d := range t.Diag {
			w.Diag("%s", d)
		}
		if t.Duration > 0 {
			w.Elapsed(t.Duration)
		}
		w.Result(t.Name, t.Status, t.Reason)
	}
}
