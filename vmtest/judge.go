// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vmtest

import (
	"fmt"
	"regexp"
	"strings"

	"xpsgen/vmtest/guest/suite"
	"xpsgen/vmtest/ktap"
)

// evidence is all that a verdict may rest on. QEMU's exit code is not among
// it: a panic under -no-reboot looks like a clean power-off.
type evidence struct {
	report  *ktap.Report
	planned []string
	// vmErr is how the guest's run ended, nil if it said it was done.
	vmErr  error
	splats []Splat
	// debug says that the guest had to look for leaks, leaks how many it
	// found, nil if it did not look.
	debug bool
	leaks *int
	// unpatched turns the run into a control: no check of the hook may pass.
	unpatched bool
}

// maxNamed bounds how many tests one reason names.
const maxNamed = 5

// judge returns why the run did not pass, the gravest reason first; none
// means it passed. A run passes only if the guest said it was done, every
// planned test was reported once, none failed, and the console shows no
// splat.
func judge(e evidence) []string {
	var reasons []string
	if e.vmErr != nil {
		reasons = append(reasons, e.vmErr.Error())
	}
	for _, s := range e.splats {
		reasons = append(reasons, s.reason())
	}
	switch {
	case !e.debug || e.vmErr != nil:
	case e.leaks == nil:
		reasons = append(reasons, "nobody looked for leaks, which a debug kernel is for")
	case *e.leaks > 0:
		reasons = append(reasons, fmt.Sprintf("%d objects of the kernel leaked (kmemleak's report is on the console)", *e.leaks))
	}
	for _, p := range e.report.Problems {
		reasons = append(reasons, "results: "+p.Error())
	}
	missing, extra := e.report.Compare(e.planned)
	if len(missing) > 0 {
		reasons = append(reasons, fmt.Sprintf("%d of %d planned tests not reported: %s",
			len(missing), len(e.planned), name(missing)))
	}
	if len(extra) > 0 {
		reasons = append(reasons, fmt.Sprintf("%d tests reported that nobody planned: %s", len(extra), name(extra)))
	}
	if len(e.planned) == 0 && len(e.report.Tests) == 0 {
		return reasons
	}
	if e.unpatched {
		return append(reasons, judgeUnpatched(e.report)...)
	}
	var failed, skipped []string
	for _, t := range e.report.Flat() {
		switch t.Status {
		case ktap.Fail:
			failed = append(failed, t.Name)
		case ktap.Skip:
			skipped = append(skipped, t.Name)
		}
	}
	if len(failed) > 0 {
		reasons = append(reasons, fmt.Sprintf("%d failed: %s", len(failed), name(failed)))
	}
	// The patched guest has all that the suite needs, so a skip there is a
	// test that silently stopped testing.
	if len(skipped) > 0 {
		reasons = append(reasons, fmt.Sprintf("%d skipped on a kernel that has the hook: %s", len(skipped), name(skipped)))
	}
	return reasons
}

// judgeUnpatched checks the control run: tests of the hook must fail or be
// skipped because the hook is missing, all others must pass.
func judgeUnpatched(r *ktap.Report) []string {
	var passed, odd, base []string
	for _, t := range r.Flat() {
		hook := suite.NeedsHook(t.Name)
		switch {
		case hook && t.Status == ktap.Pass:
			passed = append(passed, t.Name)
		case hook && !strings.Contains(t.Reason, suite.NoHook):
			odd = append(odd, fmt.Sprintf("%s (%s)", t.Name, t.Reason))
		case !hook && t.Status != ktap.Pass:
			base = append(base, t.Name)
		}
	}
	var reasons []string
	if len(passed) > 0 {
		reasons = append(reasons, fmt.Sprintf("%d checks of the hook pass without the hook: %s", len(passed), name(passed)))
	}
	if len(odd) > 0 {
		reasons = append(reasons, fmt.Sprintf("%d checks of the hook fail for another reason than its absence: %s", len(odd), name(odd)))
	}
	if len(base) > 0 {
		reasons = append(reasons, fmt.Sprintf("%d tests that need no hook do not pass: %s", len(base), name(base)))
	}
	return reasons
}

func name(tests []string) string {
	if len(tests) <= maxNamed {
		return strings.Join(tests, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(tests[:maxNamed], ", "), len(tests)-maxNamed)
}

// stamp is the time that printk puts before a line.
var stamp = regexp.MustCompile(`^\s*\[ *\d+\.\d+\]\s*`)

// reason is the line that gave the splat away, with the top of its stack.
func (s Splat) reason() string {
	first := s.Pattern
	for _, line := range s.Text {
		if strings.Contains(line, s.Pattern) {
			first = strings.TrimSpace(stamp.ReplaceAllString(line, ""))
			break
		}
	}
	text := "the kernel complained: " + first
	if len(s.Frames) > 0 {
		text += " (" + strings.Join(s.Frames, " < ") + ")"
	}
	return text
}
