// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"xpsgen/vmtest/guest/suite/check"
)

func TestPlan(t *testing.T) {
	plan := groups(&env{})
	if err := check.Validate(plan); err != nil {
		t.Fatal(err)
	}
	names, err := Names("")
	if err != nil {
		t.Fatal(err)
	}
	// The order of these two is part of what they test.
	if first := "hook/a06-a-program-runs-though-no-map-was-ever-set"; names[0] != first {
		t.Errorf("first test is %s, must be %s", names[0], first)
	}
	if last := "lifetime/a41-the-whole-suite-left-no-program-behind"; names[len(names)-1] != last {
		t.Errorf("last test is %s, must be %s", names[len(names)-1], last)
	}
	numbered := regexp.MustCompile(`^[a-z]+/[abcde]\d\d-[a-z]`)
	for _, n := range names {
		if !numbered.MatchString(n) {
			t.Errorf("%s: not named group/aNN-what-must-hold", n)
		}
	}
	for _, g := range plan {
		for _, test := range g.Tests {
			if test.Baseline != (g.Name == "baseline") {
				t.Errorf("%s/%s: baseline is %v", g.Name, test.Name, test.Baseline)
			}
		}
	}
}

// TestHalves wants the halves to be the whole, each test once, and what must
// come first or last to do so in its half.
func TestHalves(t *testing.T) {
	all, err := Names("")
	if err != nil {
		t.Fatal(err)
	}
	var both []string
	for i, pattern := range Halves() {
		half, err := Names(pattern)
		if err != nil {
			t.Fatalf("half %d: %v", i, err)
		}
		if i == 0 && half[0] != all[0] {
			t.Errorf("first half begins with %s, must with %s", half[0], all[0])
		}
		both = append(both, half...)
	}
	if last := all[len(all)-1]; both[len(both)-1] != last {
		t.Errorf("second half ends with %s, must with %s", both[len(both)-1], last)
	}
	slices.Sort(both)
	slices.Sort(all)
	if !slices.Equal(both, all) {
		t.Errorf("the halves are %d tests, %q, the whole %d", len(both), both, len(all))
	}
}

// TestNeeds wants each test of the hook to need a patch of the series.
func TestNeeds(t *testing.T) {
	keys := []string{needsRtnetlink, needsTun, needsTunMaps, needsBpftool, needsLink, needsLinkTools, needsSelftests, needsLinkSelftests}
	names, err := Names("")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		switch key := Needs(n); {
		case NeedsHook(n) && !slices.Contains(keys, key):
			t.Errorf("%s needs %q, which is none of %q", n, key, keys)
		case !NeedsHook(n) && key != "":
			t.Errorf("%s holds without the hook, but needs %q", n, key)
		}
	}
	for name, want := range map[string]string{
		"baseline/b05-a-tap-sends-a-flow-where-its-last-answer-came-from": "",
		"hook/a01-a-return-value-below-the-queue-count-is-the-queue":      needsRtnetlink,
		"demo/c02-tap-with-ret-0-uses-queue-0":                            needsTun,
		"demo/c01-tap-without-a-program-follows-xps-cpus":                 needsTunMaps,
		"no/such-test": needsRtnetlink,
	} {
		if got := Needs(name); got != want {
			t.Errorf("%s needs %q, want %q", name, got, want)
		}
	}
}

// TestAssertions wants each number of the maintainer's list to be somebody's.
func TestAssertions(t *testing.T) {
	names, err := Names("")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"a01", "a02", "a03", "a04", "a05", "a06", "a07", "a08", "a09", "a10", "a11", "a12", "a13", "a14", "a15",
		"a16", "a17", "a18", "a19", "a20", "a21", "a22", "a23", "a24", "a25", "a26", "a27", "a28", "a29", "a30", "a31",
		"a32", "a33", "a34", "a35", "a36", "a37", "a38", "a39", "a40", "a41", "a42", "a44", "a45", "a46", "a47", "a48",
	} {
		if !slices.ContainsFunc(names, func(n string) bool { return strings.Contains(n, "/"+want+"-") }) {
			t.Errorf("no test for %s", want)
		}
	}
}

func TestNames(t *testing.T) {
	got, err := Names("control/a24")
	if err != nil || !slices.Equal(got, []string{"control/a24-off-detaches-the-program"}) {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := Names("no such test"); !errors.Is(err, ErrNoTests) {
		t.Errorf("error %v, want ErrNoTests", err)
	}
	if _, err := Names("("); err == nil || errors.Is(err, ErrNoTests) {
		t.Errorf("error %v, want one about the expression", err)
	}
	// What a failure tells one to type selects that test.
	all, err := Names("")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		if got, err := Names(name); err != nil || len(got) != 1 || got[0] != name {
			t.Errorf("%s selects %q, %v", name, got, err)
		}
		if want := "make vmtest RUN='" + name + "'"; rerun(name) != want {
			t.Errorf("rerun of %s is %q", name, rerun(name))
		}
	}
}

// TestGate goes through all there is to decide: a test of the hook passes only
// where the hook was meant to be and was found.
func TestGate(t *testing.T) {
	for _, tc := range []struct {
		baseline, unpatched, present bool
		want                         check.Decision
	}{
		{true, false, false, check.Decision{}},
		{true, false, true, check.Decision{}},
		{true, true, false, check.Decision{}},
		{true, true, true, check.Decision{}},
		{false, false, true, check.Decision{}},
		{false, false, false, check.Decision{Doubt: reasonByAccident}},
		{false, true, false, check.Decision{Skip: reasonUnpatched}},
		{false, true, true, check.Decision{Fail: reasonHookThere}},
	} {
		if got := gate(tc.baseline, tc.unpatched, tc.present); got != tc.want {
			t.Errorf("baseline=%v unpatched=%v present=%v: %+v, want %+v", tc.baseline, tc.unpatched, tc.present, got, tc.want)
		}
	}
}
