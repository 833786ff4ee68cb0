// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ktap

import (
	"encoding/xml"
	"fmt"
	"io"
	"sort"
	"strings"
	"time"
)

// JUnit is the data for JUnit XML that is not in the results.
type JUnit struct {
	// Name is the name of the whole report.
	Name string
	// Properties describe the tested software, such as versions.
	Properties map[string]string
	// Errors are failures of the run that belong to no test: a panic, lost results.
	// Each becomes a test case with an error. WriteJUnit adds the report's own
	// problems.
	Errors []string
}

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string           `xml:"name,attr"`
	Tests      int              `xml:"tests,attr"`
	Failures   int              `xml:"failures,attr"`
	Errors     int              `xml:"errors,attr"`
	Skipped    int              `xml:"skipped,attr"`
	Time       string           `xml:"time,attr,omitempty"`
	Properties *junitProperties `xml:"properties"`
	Cases      []junitCase      `xml:"testcase"`
}

type junitProperties struct {
	List []junitProperty `xml:"property"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr,omitempty"`
	Failure *junitMessage `xml:"failure"`
	Error   *junitMessage `xml:"error"`
	Skipped *junitMessage `xml:"skipped"`
	Output  string        `xml:"system-out,omitempty"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// WriteJUnit renders the report for CI systems. Each top-level test with subtests becomes
// a test suite. The others share one suite. Failures of the run itself are in a suite
// named "run".
func (r *Report) WriteJUnit(w io.Writer, opt JUnit) error {
	c := r.Counts()
	all := junitSuites{Name: opt.Name, Tests: c.Total(), Failures: c.Fail, Skipped: c.Skip}
	for _, t := range r.Tests {
		if len(t.Subtests) > 0 {
			cases := flatten(nil, "", t.Subtests)
			if t.failedAlone() {
				cases = append(cases, Test{Name: t.Name, Status: Fail, Reason: t.Reason, Diag: t.Diag})
			}
			all.Suites = append(all.Suites, suiteOf(t.Name, cases, t.Duration))
		}
	}
	var single []Test
	for _, t := range r.Tests {
		if len(t.Subtests) == 0 {
			single = append(single, t)
		}
	}
	if len(single) > 0 {
		all.Suites = append(all.Suites, suiteOf(opt.Name, single, 0))
	}
	errs := append([]string(nil), opt.Errors...)
	for _, p := range r.Problems {
		errs = append(errs, fmt.Sprintf("report: line %d: %s", p.Line, p.Text))
	}
	if len(errs) > 0 {
		s := junitSuite{Name: "run", Tests: len(errs), Errors: len(errs)}
		for i, e := range errs {
			first, _, _ := strings.Cut(e, "\n")
			s.Cases = append(s.Cases, junitCase{
				Class: "run", Name: fmt.Sprintf("error-%d", i+1),
				Error: &junitMessage{Message: first, Text: e},
			})
		}
		all.Tests, all.Errors = all.Tests+len(errs), len(errs)
		all.Suites = append(all.Suites, s)
	}
	if len(all.Suites) > 0 {
		all.Suites[0].Properties = properties(opt.Properties)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("write JUnit XML: %w", err)
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return fmt.Errorf("write JUnit XML: %w", err)
	}
	if _, err := io.WriteString(w, "\n"); err != nil {
		return fmt.Errorf("write JUnit XML: %w", err)
	}
	return nil
}

func properties(m map[string]string) *junitProperties {
	if len(m) == 0 {
		return nil
	}
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	var out junitProperties
	for _, name := range names {
		out.List = append(out.List, junitProperty{Name: name, Value: m[name]})
	}
	return &out
}

func suiteOf(name string, tests []Test, d time.Duration) junitSuite {
	s := junitSuite{Name: name, Tests: len(tests), Time: seconds(d)}
	for _, t := range tests {
		c := junitCase{Class: name, Name: t.Name, Time: seconds(t.Duration)}
		diag := strings.Join(t.Diag, "\n")
		switch t.Status {
		case Pass:
			c.Output = diag
		case Skip:
			s.Skipped++
			c.Skipped = &junitMessage{Message: t.Reason, Text: diag}
		default:
			s.Failures++
			c.Failure = &junitMessage{Message: t.Reason, Text: diag}
		}
		s.Cases = append(s.Cases, c)
	}
	return s
}

func seconds(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return fmt.Sprintf("%.3f", d.Seconds())
}
