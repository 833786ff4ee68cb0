// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package report renders the runs of a workbench as one page of HTML. The page
// needs no network and no second file. Its script only filters and copies:
// all content is there without it.
//
// [Collect] reads the runs, [Write] renders them.
package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"xpsgen/vmtest/bench"
	"xpsgen/vmtest/boots"
	"xpsgen/vmtest/build"
	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/runs"
	"xpsgen/vmtest/verdict"
)

// Data is the content of the page.
type Data struct {
	// Now is the time of the report, in UTC. Ages are relative to it.
	Now time.Time
	// Commit and Dirty are as in [runs.Workbench].
	Commit string
	Dirty  bool
	// Picture is the summary of all runs.
	Picture *runs.Picture
	// Failures come first on the page.
	Failures []Failure
	// Columns are the cells that Tests has a column for.
	Columns []*runs.Cell
	Tests   []Group
	Series  []Series
	Bench   []Bench
	Boots   []boots.Time
	Builds  []build.Time
	// Suites are the runs that Columns show, in their order.
	Suites []Suite
	// Records are all runs, the newest first.
	Records []*runs.Record
	// Stale lists runs with other inputs than the current ones, by ID.
	Stale map[string]bool
}

// Missing are the cells that neither passed nor failed.
func (d *Data) Missing() []*runs.Cell {
	var all []*runs.Cell
	for _, c := range d.Picture.Cells {
		if c.Verdict != runs.VerdictPassed && c.Verdict != runs.VerdictFailed {
			all = append(all, c)
		}
	}
	return all
}

// Suite is a run of the suite with all that it left.
type Suite struct {
	*runs.Cell
	*verdict.Results
}

// Bench are the counts of one base.
type Bench struct {
	*runs.Cell
	*bench.Results
	Over []Trend
}

//go:embed page.html
var page string

//go:embed page.css
var style string

//go:embed page.js
var script string

// maxText bounds each console and each configuration, in bytes: the page has
// to open on a phone.
const maxText = 64 << 10

// Write renders the page.
func Write(w io.Writer, d *Data) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"style":   func() template.CSS { return template.CSS(style) },
		"script":  func() template.JS { return template.JS(script) },
		"seconds": seconds,
		"ms":      func(d time.Duration) string { return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond)) },
		"clip":    clip,
		"time":    func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") },
		"iso":     func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"age":     func(t time.Time) string { return age(d.Now.Sub(t)) },
		"short":   short,
		"percent": func(p float64) string { return fmt.Sprintf("%.1f%%", p) },
		"file":    func(path string) string { return path[strings.LastIndexByte(path, '/')+1:] },
		"matrix":  matrix,
		"cell":    cellAnchor,
		"state":   func(s ktap.Status) string { return s.String() },
		"join":    strings.Join,
		"tables":  tables,
		"charts":  benchCharts,
		"steps":   stepsChart,
		"boots":   bootsChart,
		"inputs":  inputLines,
		"past":    pastMarks,
		"columns": func(c []*runs.Cell) int { return len(c) + 1 },
		"legend":  legend,
		"sign":    sign,
		"marked":  markCounts,
		"stale":   func(r *runs.Record) bool { return d.Stale[r.ID] },
	}).Parse(page)
	if err != nil {
		return fmt.Errorf("render the report: %w", err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, d); err != nil {
		return fmt.Errorf("render the report: %w", err)
	}
	if _, err := out.WriteTo(w); err != nil {
		return fmt.Errorf("render the report: %w", err)
	}
	return nil
}

func seconds(d time.Duration) string {
	if d >= 10*time.Minute {
		return d.Round(time.Minute).String()[:len(d.Round(time.Minute).String())-2]
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// age is a duration in one unit, for people.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "just now"
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	}
	return fmt.Sprintf("%d days ago", int(d.Hours()/24))
}

// short is the beginning of a hash.
func short(hash string) string { return hash[:min(len(hash), 12)] }

// clip keeps the end of a text that is too long: the error is at the end.
func clip(s string) string {
	if len(s) <= maxText {
		return s
	}
	s = s[len(s)-maxText:]
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		s = s[i+1:]
	}
	return "(the beginning is left out)\n" + s
}

// inputLines are the inputs of a run as sha256sum prints them, in order.
func inputLines(in runs.Inputs) []string { return in.Lines() }
