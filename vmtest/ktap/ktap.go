// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package ktap writes and reads test results in the kernel's Test Anything
// Protocol (Documentation/dev-tools/ktap.rst), and renders them as JSON and
// as JUnit XML.
//
// The guest writes with [Writer], the host reads with [Parse] or [Parser].
// The reader accepts any input. A problem of a report, such as a missing
// result or a test reported twice, becomes a [Problem] of the [Report]. The results that
// could be read are kept. A report with problems never passes: see [Report.OK].
//
// The package uses the format in two ways that the KTAP document does not name. A '#' in
// a name is written as `\#`. A diagnostic line `# elapsed 12ms` before a result says how
// long the test took.
package ktap

import (
	"fmt"
	"time"
)

// Status is the outcome of a test.
type Status int

// The outcomes.
const (
	Pass Status = iota
	Fail
	Skip
)

var statusNames = [...]string{Pass: "pass", Fail: "fail", Skip: "skip"}

// String returns "pass", "fail" or "skip".
func (s Status) String() string {
	if s < 0 || int(s) >= len(statusNames) {
		return fmt.Sprintf("Status(%d)", int(s))
	}
	return statusNames[s]
}

// MarshalText makes a Status readable in JSON.
func (s Status) MarshalText() ([]byte, error) {
	if s < 0 || int(s) >= len(statusNames) {
		return nil, fmt.Errorf("ktap: unknown status %d", int(s))
	}
	return []byte(statusNames[s]), nil
}

// UnmarshalText is the reverse of MarshalText.
func (s *Status) UnmarshalText(text []byte) error {
	for i, name := range statusNames {
		if name == string(text) {
			*s = Status(i)
			return nil
		}
	}
	return fmt.Errorf("ktap: unknown status %q", text)
}

// Test is one result with its subtests.
type Test struct {
	// Name is the text after the number in the result line.
	Name string
	// Status is the outcome.
	Status Status
	// Reason is the text after "# SKIP", or after "#" of a failure. May be empty.
	Reason string
	// Diag holds the diagnostic lines printed before the result, without "# ".
	Diag []string
	// Duration is how long the test took; zero if not reported.
	Duration time.Duration
	// Subtests are the nested results, in order.
	Subtests []Test
}

// failedAlone reports whether t failed although no subtest did.
func (t *Test) failedAlone() bool { return t.Status == Fail && !anyFailed(t.Subtests) }

// Counts sums up results. It counts tests without subtests, and parents that failed
// although no subtest did. Other parents only repeat their subtests.
type Counts struct {
	Pass int `json:"pass"`
	Fail int `json:"fail"`
	Skip int `json:"skip"`
}

// Total is the number of tests counted.
func (c Counts) Total() int { return c.Pass + c.Fail + c.Skip }

func (c *Counts) add(tests []Test) {
	for i := range tests {
		t := &tests[i]
		if len(t.Subtests) > 0 {
			c.add(t.Subtests)
			if t.failedAlone() {
				c.Fail++
			}
			continue
		}
		switch t.Status {
		case Pass:
			c.Pass++
		case Skip:
			c.Skip++
		default:
			c.Fail++
		}
	}
}
