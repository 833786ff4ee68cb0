// SPDX-License-Identifier: GPL-2.0-only OR MIT

package report

import (
	"fmt"
	"strings"
	"time"

	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/runs"
	"xpsgen/vmtest/verdict"
)

// Failure is a run that failed, with the tests that did.
type Failure struct {
	*runs.Cell
	// Reasons say why the run as a whole failed.
	Reasons []string
	Tests   []FailedTest
	Splats  []verdict.Splat
	// Console is the end of the console, of a suite that failed for another
	// reason than a test.
	Console string
	// Rerun repeats the run.
	Rerun string
}

// FailedTest is a test of a failed run.
type FailedTest struct {
	Name, Anchor, Reason string
	Diag                 []string
	Duration             time.Duration
	// Since says since which run it fails, and when it passed last.
	Since string
	// Rerun runs it alone.
	Rerun string
}

// consoleLines is the number of console lines that a failure shows.
const consoleLines = 25

// failure describes the failed run of c. results are the results of a suite, and nil for
// other kinds.
func failure(c *runs.Cell, report *ktap.Report, results *verdict.Results, past *history) Failure {
	f := Failure{Cell: c, Rerun: c.Rerun(), Reasons: c.Run.Reasons}
	if !c.Unpatched {
		for _, t := range report.Flat() {
			if t.Status != ktap.Fail {
				continue
			}
			failed := FailedTest{
				Name: t.Name, Anchor: failureAnchor(c, t.Name),
				Reason: t.Reason, Duration: t.Duration, Rerun: rerun(c, t), Since: past.since(t.Name),
			}
			for _, line := range t.Diag {
				if !strings.HasPrefix(line, rerunMark) {
					failed.Diag = append(failed.Diag, line)
				}
			}
			f.Tests = append(f.Tests, failed)
		}
	}
	if results != nil {
		f.Splats = results.Splats
		if len(f.Splats) == 0 && len(f.Tests) == 0 {
			f.Console = tail(results.Console, consoleLines)
		}
	}
	return f
}

// failureAnchor is the anchor of a failed test on the page.
func failureAnchor(c *runs.Cell, test string) string {
	return anchor("fail", string(c.Kind), c.Subject.Name(), test)
}

// rerunMark begins a line of diagnostics that says how to run a test alone.
const rerunMark = "rerun: "

// rerun is the line that runs a failed test alone, with the same random
// choices.
func rerun(c *runs.Cell, t ktap.Test) string {
	for _, line := range t.Diag {
		if command, ok := strings.CutPrefix(line, rerunMark); ok {
			return command
		}
	}
	switch c.Kind {
	case runs.Suite:
		line := c.Rerun() + " RUN='" + exactly(t.Name) + "'"
		if c.Run.Seed != 0 {
			line += fmt.Sprintf(" SEED=%d", c.Run.Seed)
		}
		return line
	case runs.Mutants, runs.Mutate:
		return "bin/xpsgen " + string(c.Kind) + " --base " + c.Base + " " + t.Name
	}
	return ""
}

// exactly is a short pattern that selects one test. Names begin with a unique number.
func exactly(name string) string {
	group, test, nested := strings.Cut(name, "/")
	if !nested {
		return name
	}
	number, _, _ := strings.Cut(test, "-")
	if len(number) < 2 || strings.Contains(test, "/") {
		return name
	}
	return group + "/" + number
}

// tail is the last n lines of s.
func tail(s string, n int) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
