// SPDX-License-Identifier: GPL-2.0-only OR MIT

package peers

import (
	"fmt"
	"maps"
	"slices"

	"xpsgen/vmtest/ktap"
)

// judged are the results of a package, compared with the list.
type judged struct {
	leaves                  []result
	reasons                 map[string]string
	leftOut                 []Failure
	passed, failed, skipped int
	problems                []string
}

// judge compares results with the listed failures of the package. The list may only
// shrink: a test that fails has to be on it, and one that is on it has to fail. Tests that
// were left out count as failed.
func judge(r *results, reasons map[string]string, leftOut []Failure) *judged {
	j := &judged{leaves: r.leaves(), reasons: reasons, leftOut: leftOut, failed: len(leftOut)}
	left := maps.Clone(reasons)
	for _, t := range j.leaves {
		_, listed := reasons[t.name]
		delete(left, t.name)
		switch t.action {
		case "pass":
			j.passed++
			if listed {
				j.problem("%s passes: take it off the list", t.name)
			}
		case "skip":
			j.skipped++
			if listed {
				j.problem("%s is skipped: take it off the list", t.name)
			}
		case "fail":
			j.failed++
			if !listed {
				j.problem("%s fails", t.name)
			}
		default:
			j.failed++
			j.problem("%s did not end", t.name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		j.problem("%s is on the list and did not run", name)
	}
	// The kernel may have panicked or warned after the last test.
	if j.failed == len(leftOut) && r.ended != "pass" {
		j.problem("go test failed although no test did: %s", lastWord(r.output))
	}
	if j.failed > len(leftOut) && slices.ContainsFunc(r.output, func(l string) bool { return guestDied(l) }) {
		j.problem("the guest: %s", lastWord(r.output))
	}
	return j
}

func (j *judged) problem(format string, a ...any) {
	j.problems = append(j.problems, fmt.Sprintf(format, a...))
}

// guestDied reports whether the go command reports that the guest ended with exit code 70
// or 69, and not with the code of failed tests.
func guestDied(line string) bool {
	return line == "exit status 70" || line == "exit status 69"
}

// lastWord is the last line that is not empty.
func lastWord(lines []string) string {
	for _, l := range slices.Backward(lines) {
		if l != "" {
			return l
		}
	}
	return "it says nothing"
}

// write writes the results as a group of KTAP. A failure on the list is a skip with its
// reason.
func (j *judged) write(w *ktap.Writer, name string) {
	sub := w.Sub(name)
	sub.Plan(len(j.leaves) + len(j.leftOut))
	for _, t := range j.leaves {
		reason, listed := j.reasons[t.name]
		switch {
		case t.action == "pass":
			sub.Result(t.name, ktap.Pass, "")
		case t.action == "skip":
			sub.Result(t.name, ktap.Skip, skipReason(t.output))
		case listed:
			sub.Result(t.name, ktap.Skip, "fails: "+reason)
		default:
			for _, l := range t.output {
				sub.Diag("%s", l)
			}
			sub.Result(t.name, ktap.Fail, "")
		}
	}
	for _, f := range j.leftOut {
		sub.Result(f.Test, ktap.Skip, "left out: "+f.Reason)
	}
	status, reason := ktap.Pass, ""
	if len(j.problems) > 0 {
		for _, p := range j.problems {
			w.Diag("%s", p)
		}
		status, reason = ktap.Fail, fmt.Sprintf("%d problems", len(j.problems))
	}
	w.Result(name, status, reason)
}

// skipReason returns the output of a test before it was skipped.
func skipReason(output []string) string {
	var said string
	for _, l := range output {
		if len(l) > 4 && l[:4] == "    " && l[4] != '-' {
			said = l
		}
	}
	return said
}
