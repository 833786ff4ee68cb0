// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ktap

import "fmt"

// ProblemKind says in which way a report cannot be trusted.
type ProblemKind string

// The kinds of problems.
const (
	// NoVersion: the report is empty or does not begin with a version line.
	NoVersion ProblemKind = "no-version"
	// NoPlan: a level has results but never said how many to expect.
	NoPlan ProblemKind = "no-plan"
	// Short: a level has fewer results than planned.
	Short ProblemKind = "short"
	// Surplus: a level has more results than planned.
	Surplus ProblemKind = "surplus"
	// SecondPlan: a level has two plans.
	SecondPlan ProblemKind = "second-plan"
	// Duplicate: two results of one level have the same name.
	Duplicate ProblemKind = "duplicate"
	// Number: a result has another number than its place.
	Number ProblemKind = "number"
	// Twice: a second report follows the first.
	Twice ProblemKind = "twice"
	// Unfinished: subtests whose parent was never reported.
	Unfinished ProblemKind = "unfinished"
	// Contradiction: a parent passed although a subtest failed, or subtests
	// announced under one name are reported under another.
	Contradiction ProblemKind = "contradiction"
	// BailOut: the tests gave up.
	BailOut ProblemKind = "bail-out"
	// Foreign: a line that is no KTAP.
	Foreign ProblemKind = "foreign"
	// TooMuch: a line, a nesting or the whole exceeds what a sane report has.
	TooMuch ProblemKind = "too-much"
	// Cut: the last line has no end.
	Cut ProblemKind = "cut"
)

// Problem is one reason not to trust a report.
type Problem struct {
	Kind ProblemKind `json:"kind"`
	// Line is the number of the line where it was noticed, from 1.
	Line int `json:"line"`
	// Text says what is wrong, for people.
	Text string `json:"text"`
}

// Error makes a Problem an error, so that a caller can return it as one.
func (p Problem) Error() string { return fmt.Sprintf("ktap: line %d: %s", p.Line, p.Text) }
