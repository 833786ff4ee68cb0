// SPDX-License-Identifier: GPL-2.0-only OR MIT

package verdict

import (
	"fmt"
	"strings"

	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/lazyregexp"
	"xpsgen/vmtest/plan"
)

// Judge sets Reasons from the other fields. NB: QEMU's exit code does not help: with
// -no-reboot a panic looks like a clean power-off.
func (o *Outcome) Judge() { o.Reasons = o.reasons() }

// reasons returns why the run did not pass, the most severe reason first.
func (o *Outcome) reasons() []string {
	var reasons []string
	if o.Ended != nil {
		reasons = append(reasons, o.Ended.Error())
	}
	for _, s := range o.Splats {
		if !s.Known {
			reasons = append(reasons, s.Reason())
		}
	}
	switch {
	case !o.LeakScan || o.Ended != nil:
	case o.Leaks == nil:
		reasons = append(reasons, "no leak scan, although this kernel has kmemleak")
	case *o.Leaks > 0:
		reasons = append(reasons, fmt.Sprintf("%d kernel objects leaked (see kmemleak's report on the console)", *o.Leaks))
	}
	for _, p := range o.Report.Problems {
		reasons = append(reasons, "results: "+p.Error())
	}
	missing, extra := o.Report.Compare(o.Planned)
	if len(missing) > 0 {
		reasons = append(reasons, fmt.Sprintf("%d of %d planned tests not reported: %s",
			len(missing), len(o.Planned), plan.List(missing)))
	}
	if len(extra) > 0 {
		reasons = append(reasons, fmt.Sprintf("%d unplanned tests reported: %s", len(extra), plan.List(extra)))
	}
	if len(o.Planned) == 0 && len(o.Report.Tests) == 0 {
		return reasons
	}
	if o.Inputs.Unpatched {
		return append(reasons, judgeUnpatched(o.Report)...)
	}
	var failed, skipped []string
	for _, t := range o.Report.Flat() {
		switch t.Status {
		case ktap.Fail:
			failed = append(failed, t.Name)
		case ktap.Skip:
			skipped = append(skipped, t.Name)
		}
	}
	if len(failed) > 0 {
		reasons = append(reasons, fmt.Sprintf("%d failed: %s", len(failed), plan.List(failed)))
	}
	// The patched guest has all that the suite needs, so a skipped test is one that
	// silently stopped testing.
	if len(skipped) > 0 {
		reasons = append(reasons, fmt.Sprintf("%d skipped on a kernel that has the hook: %s", len(skipped), plan.List(skipped)))
	}
	return reasons
}

// judgeUnpatched checks the control run. Tests of the hook must fail or be skipped
// because the hook is missing. All others must pass.
func judgeUnpatched(r *ktap.Report) []string {
	var passed, odd, base []string
	for _, t := range r.Flat() {
		hook := plan.NeedsHook(t.Name)
		switch {
		case hook && t.Status == ktap.Pass:
			passed = append(passed, t.Name)
		case hook && !strings.Contains(t.Reason, plan.NoHook):
			odd = append(odd, fmt.Sprintf("%s (%s)", t.Name, t.Reason))
		case !hook && t.Status != ktap.Pass:
			base = append(base, t.Name)
		}
	}
	var reasons []string
	if len(passed) > 0 {
		reasons = append(reasons, fmt.Sprintf("%d tests of the hook pass without the hook: %s", len(passed), plan.List(passed)))
	}
	if len(odd) > 0 {
		reasons = append(reasons, fmt.Sprintf("%d tests of the hook fail for another reason than the missing hook: %s", len(odd), plan.List(odd)))
	}
	if len(base) > 0 {
		reasons = append(reasons, fmt.Sprintf("%d tests that need no hook do not pass: %s", len(base), plan.List(base)))
	}
	return reasons
}

// stamp is the time stamp that printk puts before a line.
var stamp = lazyregexp.New(`^\s*\[ *\d+\.\d+\]\s*`)

// Reason returns the line that identifies the splat, and the top of its stack.
func (s Splat) Reason() string {
	first := s.Pattern
	for _, line := range s.Text {
		if strings.Contains(line, s.Pattern) {
			first = strings.TrimSpace(stamp.ReplaceAllString(line, ""))
			break
		}
	}
	text := "the kernel reported: " + first
	if len(s.Frames) > 0 {
		text += " (" + strings.Join(s.Frames, " < ") + ")"
	}
	if len(s.Ours) > 0 {
		text += ", in the series: " + strings.Join(s.Ours, ", ")
	}
	return text
}
