// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ktap

import "fmt"

// ProblemKind says why a report cannot be trusted.
type ProblemKind string

// The kinds of problems.
const (
	// NoVersion: the report is empty or does not begin with a version line.
	NoVersion ProblemKind = "no-version"
	// NoPlan: a level has results but no plan.
	NoPlan ProblemKind = "no-plan"
	// Short: a level has fewer results than planned.
	Short ProblemKind = "short"
	// Surplus: a level has more results than planned.
	Surplus ProblemKind = "surplus"
	// SecondPlan: a level has two plans.
	SecondPlan ProblemKind = "second-plan"
	// Duplicate: two results of one level have the same name.
	Duplicate ProblemKind = "duplicate"
	// Number: the number of a result is not its position.
	Number ProblemKind = "number"
	// Twice: a second report follows the first.
	Twice ProblemKind = "twice"
	// Unfinished: the parent of some subtests has no result.
	Unfinished ProblemKind = "unfinished"
	// Contradiction: a parent passed although a subtest failed, or subtests
	// announced under one name are reported under another.
	Contradiction ProblemKind = "contradiction"
	// BailOut: the tests stopped with "Bail out!".
	BailOut ProblemKind = "bail-out"
	// Foreign: a line is not KTAP.
	Foreign ProblemKind = "foreign"
	// TooMuch: the line length, the nesting depth or the report size exceeds its limit.
	TooMuch ProblemKind = "too-much"
	// Cut: the last line is truncated.
	Cut ProblemKind = "cut"
)

// Problem is one reason not to trust a report.
type Problem struct {
	Kind ProblemKind `json:"kind"`
	// Line is the number of the line where the parser noticed it, from 1.
	Line int `json:"line"`
	// Text describes the problem for a person.
	Text string `json:"text"`
}

// Error makes a Problem an error, so that a caller can return it as one.
func (p Problem) Error() string { return fmt.Sprintf("ktap: line %d: %s", p.Line, p.Text) }
