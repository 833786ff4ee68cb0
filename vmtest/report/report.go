// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package report writes what runs have found as one page of HTML that needs
// nothing else: no network, no script, no second file.
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
	"xpsgen/vmtest/verdict"
)

// Data is what to write about.
type Data struct {
	// Runs are those of the suite, in the order to be shown.
	Runs []Run
	// Bench are benchmarks, one a base. May be empty.
	Bench []*bench.Results
	// Boots are what ways to boot take. May be empty.
	Boots []boots.Time
	// Builds are what builds of the kernel take. May be empty.
	Builds []build.Time
}

// Run is one run of the suite.
type Run struct {
	// Name is that of its results directory.
	Name string
	*verdict.Results
}

//go:embed page.html
var page string

//go:embed page.css
var style string

// maxText bounds the console and the configuration: the page has to open on a
// phone.
const maxText = 200 << 10

// Write writes the page.
func Write(w io.Writer, d Data) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"style":   func() template.CSS { return template.CSS(style) },
		"seconds": seconds,
		"ms":      func(d time.Duration) string { return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond)) },
		"clip":    clip,
		"state": func(s ktap.Status) string {
			return map[ktap.Status]string{ktap.Pass: "pass", ktap.Fail: "fail", ktap.Skip: "skip"}[s]
		},
		"counts":  func(tests []ktap.Test) string { return tally(tests) },
		"open":    func(t ktap.Test) bool { return t.Status == ktap.Fail },
		"file":    func(sum string) []string { a, b, _ := strings.Cut(sum, "  "); return []string{a, b} },
		"time":    func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") },
		"tables":  tables,
		"charts":  benchCharts,
		"steps":   stepsChart,
		"boots":   bootsChart,
		"percent": func(p float64) string { return fmt.Sprintf("%.1f%%", p) },
	}).Parse(page)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, d); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if _, err := out.WriteTo(w); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// clip keeps the end of a text that is too long: what went wrong stands there.
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

// tally counts the tests of a group by what became of them.
func tally(tests []ktap.Test) string {
	c := (&ktap.Report{Tests: tests}).Counts()
	text := fmt.Sprintf("%d passed", c.Pass)
	if c.Fail > 0 {
		text += fmt.Sprintf(", %d failed", c.Fail)
	}
	if c.Skip > 0 {
		text += fmt.Sprintf(", %d skipped", c.Skip)
	}
	return text
}
