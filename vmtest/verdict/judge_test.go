// SPDX-License-Identifier: GPL-2.0-only OR MIT

package verdict

import (
	"errors"
	"strings"
	"testing"

	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/plan"
)

func parse(t *testing.T, text string) *ktap.Report {
	t.Helper()
	r, err := ktap.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// reasons joins the reasons, so that a case can name a part of them.
func reasons(o *Outcome) string {
	o.Judge()
	return strings.Join(o.Reasons, "\n")
}

func TestJudge(t *testing.T) {
	const whole = "KTAP version 1\n1..2\nok 1 one\nok 2 two\n"
	both, three := []string{"one", "two"}, 3
	cases := map[string]struct {
		ktap    string
		planned []string
		vmErr   error
		splats  []Splat
		debug   bool
		leaks   *int
		want    string // part of a reason; empty: passed
	}{
		"debug, no leak":  {ktap: whole, planned: both, debug: true, leaks: new(int)},
		"debug, a leak":   {ktap: whole, planned: both, debug: true, leaks: &three, want: "3 kernel objects leaked"},
		"debug, no scan":  {ktap: whole, planned: both, debug: true, want: "no leak scan"},
		"debug, vm died":  {ktap: whole, planned: both, debug: true, vmErr: errors.New("guest hangs"), want: "guest hangs"},
		"passed":          {ktap: whole, planned: both},
		"failed":          {ktap: "KTAP version 1\n1..2\nok 1 one\nnot ok 2 two\n", planned: both, want: "1 failed: two"},
		"skipped":         {ktap: "KTAP version 1\n1..2\nok 1 one\nok 2 two # SKIP why\n", planned: both, want: "1 skipped"},
		"half the plan":   {ktap: "KTAP version 1\n1..2\nok 1 one\n", planned: both, want: "1 of 2 planned tests not reported: two"},
		"smaller plan":    {ktap: "KTAP version 1\n1..1\nok 1 one\n", planned: both, want: "not reported: two"},
		"nothing at all":  {ktap: "", planned: both, want: "2 of 2 planned"},
		"unplanned":       {ktap: "KTAP version 1\n1..3\nok 1 one\nok 2 two\nok 3 three\n", planned: both, want: "1 unplanned tests reported: three"},
		"reported twice":  {ktap: "KTAP version 1\n1..2\nok 1 one\nok 2 two\nok 2 two\n", planned: both, want: "results: "},
		"known splat":     {ktap: whole, planned: both, splats: []Splat{{Pattern: "BUG: ", Text: []string{"BUG: sleeping"}, Known: true}}},
		"splat of ours":   {ktap: whole, planned: both, splats: []Splat{{Pattern: "BUG: ", Text: []string{"BUG: sleeping"}, Ours: []string{"xps_prog_run"}}}, want: "in the series: xps_prog_run"},
		"splat, all ok":   {ktap: whole, planned: both, splats: []Splat{{Pattern: "WARNING: ", Text: []string{"WARNING: CPU: 0 at dev.c"}}}, want: "the kernel reported: WARNING: CPU"},
		"vm died, all ok": {ktap: whole, planned: both, vmErr: errors.New("guest powered off early"), want: "powered off early"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := reasons(&Outcome{Report: parse(t, c.ktap), Planned: c.planned, Ended: c.vmErr, Splats: c.splats,
				LeakScan: c.debug, Leaks: c.leaks})
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("reasons = %q, want %q", got, c.want)
			}
		})
	}
}

func TestJudgeUnpatched(t *testing.T) {
	names, err := plan.Names("")
	if err != nil {
		t.Fatal(err)
	}
	var hook, base string
	for _, n := range names {
		if plan.NeedsHook(n) && hook == "" {
			hook = n
		}
		if !plan.NeedsHook(n) && base == "" {
			base = n
		}
	}
	if hook == "" || base == "" {
		t.Fatalf("suite has no test with (%q) or without (%q) the hook", hook, base)
	}
	cases := map[string]struct {
		hook, base ktap.Status
		reason     string
		want       string
	}{
		"as expected":            {hook: ktap.Skip, base: ktap.Pass, reason: plan.NoHook},
		"fails without hook":     {hook: ktap.Fail, base: ktap.Pass, reason: plan.NoHook},
		"passes without hook":    {hook: ktap.Pass, base: ktap.Pass, want: "pass without the hook"},
		"fails for other reason": {hook: ktap.Fail, base: ktap.Pass, reason: "no tun device", want: "for another reason"},
		"baseline broken":        {hook: ktap.Skip, base: ktap.Fail, reason: plan.NoHook, want: "need no hook"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := &ktap.Report{Plan: 2, Tests: []ktap.Test{
				{Name: hook, Status: c.hook, Reason: c.reason},
				{Name: base, Status: c.base},
			}}
			got := reasons(&Outcome{Report: r, Planned: []string{hook, base}, Inputs: Inputs{Unpatched: true}})
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("reasons = %q, want %q", got, c.want)
			}
		})
	}
}
