// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ktap

import "io"

// Report is what was read from one guest.
type Report struct {
	// Plan is the number of top-level results announced, -1 if none was.
	Plan int
	// Tests are the top-level results.
	Tests []Test
	// Diag holds diagnostics that belong to no result: those at the end.
	Diag []string
	// Problems are the reasons not to trust the report.
	Problems []Problem
}

// Parse reads a whole report. The error is that of r; a report that was cut
// short or makes no sense is returned with its Problems.
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

// OK tells whether the report is whole, has results and none of them failed.
// Skipped tests do not change that; see Counts for them.
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
// "control/off-detaches". A parent that failed although its subtests did not
// comes after them.
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

// Compare holds the report against the names that were to be reported, in the
// form of Flat, and returns the missing ones in their order and those that
// nobody asked for in the order they came.
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

// Write writes the report again as KTAP. What Parse reads back from it equals
// the report, except for problems.
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
