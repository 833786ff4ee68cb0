// SPDX-License-Identifier: GPL-2.0-only OR MIT

package collect

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/runs"
)

// jsonMerged is the form of [Merged.WriteJSON]. Fields are added, never renamed.
type jsonMerged struct {
	Verdict  string     `json:"verdict"` // "passed", "failed" or "broken"
	Summary  string     `json:"summary"`
	For      string     `json:"for"`
	Commit   string     `json:"commit,omitempty"`
	Problems []string   `json:"problems,omitempty"`
	Cells    []jsonCell `json:"cells"`
}

type jsonCell struct {
	ID       string      `json:"id"`
	State    State       `json:"state"`
	Attempt  int         `json:"attempt"`
	ExitCode *int        `json:"exit_code,omitempty"`
	Seconds  float64     `json:"seconds,omitempty"`
	Planned  float64     `json:"planned_seconds"`
	CPUs     int         `json:"cpus,omitempty"`
	Counts   runs.Counts `json:"counts,omitzero"`
	Reasons  []string    `json:"reasons,omitempty"`
	Archive  string      `json:"archive,omitempty"`
}

// Verdict is the verdict in a word.
func (m *Merged) Verdict() string {
	switch {
	case m.Passed():
		return "passed"
	case m.Broken():
		return "broken"
	}
	return "failed"
}

// WriteJSON writes the verdict and the state of each cell.
func (m *Merged) WriteJSON(w io.Writer) error {
	j := jsonMerged{Verdict: m.Verdict(), Summary: m.Summary(), For: m.Plan.For, Commit: m.Plan.Commit, Problems: m.Problems, Cells: []jsonCell{}}
	for _, r := range m.Rows {
		c := jsonCell{ID: r.Name, State: r.State, Attempt: r.Attempt, Planned: r.CostSeconds, Counts: r.Counts(), Reasons: r.Reasons}
		if last := r.Last(); last != nil {
			c.Attempt, c.ExitCode, c.CPUs, c.Archive = last.Cell.Attempt, &last.ExitCode, last.CPUs, last.Archive
			c.Seconds = last.Elapsed().Round(100 * time.Millisecond).Seconds()
		}
		j.Cells = append(j.Cells, c)
	}
	data, err := json.MarshalIndent(j, "", "\t")
	if err == nil {
		_, err = w.Write(append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write the verdict: %w", err)
	}
	return nil
}

// Report is the results as one report: a test for each cell, with the tests of its last
// attempt as subtests. A cell that did not pass fails even if none of its tests did.
func (m *Merged) Report() (*ktap.Report, error) {
	all := &ktap.Report{}
	for _, r := range m.Rows {
		t := ktap.Test{Name: r.Name, Status: ktap.Pass, Diag: r.Reasons}
		if r.State != Passed {
			t.Status, t.Reason = ktap.Fail, string(r.State)
		}
		if last := r.Last(); last != nil {
			t.Duration = last.Elapsed()
			for _, rec := range last.Records {
				results, err := rec.Report()
				if err != nil {
					return nil, fmt.Errorf("cell %s: %w", r.Name, err)
				}
				t.Subtests = append(t.Subtests, results.Tests...)
			}
		}
		all.Tests = append(all.Tests, t)
	}
	for _, p := range m.Problems {
		all.Tests = append(all.Tests, ktap.Test{Name: "collect", Status: ktap.Fail, Reason: p})
	}
	return all, nil
}

// WriteNIPA writes the results in the form of an executor of netdev's CI (NIPA).
func (m *Merged) WriteNIPA(w io.Writer, opt ktap.NIPA) error {
	report, err := m.Report()
	if err != nil {
		return err
	}
	for _, r := range m.Rows {
		for _, a := range r.Attempts {
			if opt.Start.IsZero() || a.Started.Before(opt.Start) {
				opt.Start = a.Started
			}
			if a.Ended.After(opt.End) {
				opt.End = a.Ended
			}
		}
	}
	return report.WriteNIPA(w, opt)
}

// Records are the records of all attempts, the newest first.
func (m *Merged) Records() (all []*runs.Record) {
	for _, r := range m.Rows {
		for _, a := range r.Attempts {
			all = append(all, a.Records...)
		}
	}
	runs.Sort(all)
	return all
}
