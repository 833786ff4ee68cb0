// SPDX-License-Identifier: GPL-2.0-only OR MIT

package nipa

import (
	"fmt"
	"slices"
	"strings"

	"xpsgen/gen/series/check"
)

// Agreement compares a test of NIPA with the checks that cover it, on one patch or on the
// series.
type Agreement struct {
	Test  string
	Patch int
	// Ours is the worst result of our checks. Theirs is that of NIPA.
	Ours, Theirs check.Code
	// Summary is the message of our check, Desc that of NIPA's test.
	Summary, Desc string
	// Reason says why they differ; empty if they agree, or if the reason is unknown.
	Reason string
}

// Agrees reports whether both have the same result.
func (a *Agreement) Agrees() bool { return a.Ours.String() == a.Theirs.String() }

// Explained reports whether they agree, or differ for a known reason.
func (a *Agreement) Explained() bool { return a.Agrees() || a.Reason != "" }

func (a *Agreement) String() string {
	where := "series"
	if a.Patch > 0 {
		where = fmt.Sprintf("patch %d", a.Patch)
	}
	s := fmt.Sprintf("%s: ours %s (%s), NIPA %s (%s)", where, a.Ours, a.Summary, a.Theirs, a.Desc)
	if a.Reason != "" {
		s += ": " + a.Reason
	}
	return s
}

// difference is a known difference between a check and NIPA's test.
type difference struct {
	test         string
	ours, theirs check.Code
	// says occurs in our summary or log, desc in NIPA's description. Both may be empty.
	says, desc, reason string
}

// differences lists the known differences, each with its reason.
var differences = []difference{
	{test: "patch/verify_signedoff", ours: check.Warning, theirs: check.Fail, says: "a person adds it",
		reason: "the series is a draft: a person signs it off on export"},
	{test: "patch/checkpatch", ours: check.Warning, theirs: check.Pass, says: "COMMIT_LOG_LONG_LINE",
		reason: "submitting-patches asks for 75 columns, NIPA ignores it"},
	{test: "patch/checkpatch", ours: check.Pass, theirs: check.Warning, desc: "Unknown commit id",
		reason: "the base is from a package, whose history has no commit to look up"},
	{test: "patch/verify_fixes", ours: check.Pass, theirs: check.Fail, says: "not looked up",
		reason: "the base is from a package, whose history has no commit to look up"},
	{test: "patch/kdoc", ours: check.Pass, theirs: check.Fail, says: "Doxygen",
		reason: "libbpf's comments are Doxygen's, which kernel-doc does not know"},
	{test: "series/series_format", ours: check.Fail, theirs: check.Warning,
		reason: "a missing cover or tree is a warning for NIPA, and work for a maintainer"},
	{test: "series/maintainers", ours: check.Fail, theirs: check.Pass, says: "neither a field nor a title",
		reason: "NIPA does not read the lines that a series adds to MAINTAINERS"},
	{test: "patch/yamllint", ours: check.Warning, theirs: check.Fail,
		reason: "yamllint's warnings and errors are distinguished by line, not by count"},
}

// Compare compares rows of checks with results of NIPA.
func Compare(rows []check.Row, results []Result) (all []Agreement) {
	for _, test := range check.NIPA() {
		if len(test.Checks) == 0 {
			continue
		}
		for _, r := range results {
			if r.Test != test.Name {
				continue
			}
			a := Agreement{Test: r.Test, Patch: r.Patch, Theirs: r.Code, Desc: r.Desc, Ours: check.Blocked, Summary: "blocked"}
			log := ""
			for _, row := range rows {
				if !slices.Contains(test.Checks, row.Check) || row.Patch != r.Patch {
					continue
				}
				if a.Ours == check.Blocked || worse(row.Code, a.Ours) {
					a.Ours, a.Summary, log = row.Code, row.Summary, row.Summary+"\n"+row.Log
				}
			}
			for _, d := range differences {
				if !a.Agrees() && d.test == a.Test && d.ours.String() == a.Ours.String() && d.theirs.String() == a.Theirs.String() &&
					strings.Contains(log, d.says) && strings.Contains(r.Desc, d.desc) {
					a.Reason = d.reason
				}
			}
			all = append(all, a)
		}
	}
	return all
}

// worse reports whether a result is worse than another one.
func worse(a, b check.Code) bool {
	rank := func(c check.Code) int {
		switch {
		case c.Failed():
			return 3
		case c == check.Warning:
			return 2
		case c == check.Blocked:
			return 0
		}
		return 1
	}
	return rank(a) > rank(b)
}
