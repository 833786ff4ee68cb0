// SPDX-License-Identifier: GPL-2.0-only OR MIT

package plan

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	got, err := Names("control/a24")
	if err != nil || !slices.Equal(got, []string{"control/a24-off-detaches-the-program"}) {
		t.Errorf("got %q, %v", got, err)
	}
	all, err := Names("")
	if err != nil || len(all) != len(All()) || all[0] != All()[0].FullName() {
		t.Errorf("%d names of %d tests, %v", len(all), len(All()), err)
	}
	if _, err := Names("no such test"); !errors.Is(err, ErrNoTests) {
		t.Errorf("error %v, want ErrNoTests", err)
	}
	if _, err := Names("("); err == nil || errors.Is(err, ErrNoTests) {
		t.Errorf("error %v, want one about the expression", err)
	}
}

// The halves must be the complete suite, each test once. The tests that must run first or
// last must be there.
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
			t.Errorf("first half begins with %s, want %s", half[0], all[0])
		}
		both = append(both, half...)
	}
	if last := all[len(all)-1]; both[len(both)-1] != last {
		t.Errorf("second half ends with %s, want %s", both[len(both)-1], last)
	}
	slices.Sort(both)
	slices.Sort(all)
	if !slices.Equal(both, all) {
		t.Errorf("the halves have %d tests, %q, the whole %d", len(both), both, len(all))
	}
}

// Each guest runs whole groups of the selection, and both take about the same time.
func TestShares(t *testing.T) {
	all, err := Names("")
	if err != nil {
		t.Fatal(err)
	}
	for name := range slow {
		if !slices.Contains(all, name) {
			t.Errorf("the cost of %s, which is no test", name)
		}
	}
	for name, names := range map[string][]string{
		"all": all, "each second": everyNth(all, 2), "each third": everyNth(all, 3), "without the first": all[1:], "the first half": all[:len(all)/2],
	} {
		two := Shares(names)
		if len(two) != 2 {
			t.Errorf("%s: %d guests", name, len(two))
			continue
		}
		var both []string
		var sums [2]int
		groups := map[string]int{}
		for i, pattern := range two {
			got, err := Names(pattern)
			if err != nil {
				t.Fatalf("%s: guest %d: %v", name, i+1, err)
			}
			for _, n := range got {
				group, _, _ := strings.Cut(n, "/")
				if guest, ok := groups[group]; ok && guest != i {
					t.Errorf("%s: both guests run group %s", name, group)
				}
				groups[group] = i
				sums[i] += cost(n)
			}
			both = append(both, got...)
		}
		slices.Sort(both)
		if want := slices.Sorted(slices.Values(names)); !slices.Equal(both, want) {
			t.Errorf("%s: the guests run %d tests, want %d", name, len(both), len(want))
		}
		if most := max(sums[0], sums[1]); most*10 > (sums[0]+sums[1])*7 {
			t.Errorf("%s: costs %v", name, sums)
		}
	}
	for name, names := range map[string][]string{
		"no test": nil, "one test": all[:1], "one group": mustNames(t, "race/"), "cheap tests": {"control/a24-off-detaches-the-program", "query/a19-an-id-above-255-comes-back-whole"},
	} {
		if two := Shares(names); two != nil {
			t.Errorf("%s: %q", name, two)
		}
	}
}

func mustNames(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := Names(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func everyNth(all []string, n int) (some []string) {
	for i := 0; i < len(all); i += n {
		some = append(some, all[i])
	}
	return some
}

func TestFind(t *testing.T) {
	for name, want := range map[string]Test{
		"baseline/b05-a-tap-sends-a-flow-where-its-last-answer-came-from": {Baseline: true},
		"hook/a01-a-return-value-below-the-queue-count-is-the-queue":      {Needs: "rtnetlink"},
		"demo/c02-tap-with-ret-0-uses-queue-0":                            {Needs: "tun"},
		"demo/c01-tap-without-a-program-follows-xps-cpus":                 {Needs: "tun-maps"},
	} {
		got, ok := Find(name)
		if !ok || got.FullName() != name || got.Needs != want.Needs || got.Baseline != want.Baseline {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
		if NeedsHook(name) == want.Baseline {
			t.Errorf("%s: NeedsHook is %v", name, NeedsHook(name))
		}
	}
	if _, ok := Find("no/such-test"); ok || !NeedsHook("no/such-test") {
		t.Error("NeedsHook must be true for an unknown test")
	}
}

// A built pattern must select what it was built from.
func TestPatterns(t *testing.T) {
	names := []string{"control/a24-off-detaches-the-program", All()[0].FullName()}
	got, err := Names(Exactly(names))
	slices.Sort(names)
	slices.Sort(got)
	if err != nil || !slices.Equal(got, names) {
		t.Errorf("got %q, %v, want %q", got, err, names)
	}
	demo, _ := Names("demo/")
	got, err = Names(AnyOf([]string{"a24", "demo"}))
	if err != nil || len(got) != len(demo)+1 {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestList(t *testing.T) {
	if got := List([]string{"a", "b"}); got != "a, b" {
		t.Errorf("got %q", got)
	}
	if got := List([]string{"a", "b", "c", "d", "e", "f", "g"}); got != "a, b, c, d, e and 2 more" {
		t.Errorf("got %q", got)
	}
}
