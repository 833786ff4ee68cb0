// SPDX-License-Identifier: GPL-2.0-only OR MIT

package plan

import (
	"slices"
	"testing"
)

func TestAble(t *testing.T) {
	names, err := Names("")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, n := range names {
		test, _ := Find(n)
		all[test.Needs] = true
	}
	if got := Able(names, all); !slices.Equal(got, names) {
		t.Errorf("with all patches: %d of %d tests", len(got), len(names))
	}
	all["tun-maps"] = false
	got := Able(names, all)
	for _, n := range names {
		test, _ := Find(n)
		if want := test.Needs != "tun-maps"; slices.Contains(got, n) != want {
			t.Errorf("%s needs %q: able without tun-maps: %v", n, test.Needs, !want)
		}
	}
	for _, n := range Able(names, nil) {
		if test, _ := Find(n); test.Needs != "" {
			t.Errorf("%s needs %q, and is able on the base", n, test.Needs)
		}
	}
}

func TestForLoader(t *testing.T) {
	names, err := Names("")
	if err != nil {
		t.Fatal(err)
	}
	got := ForLoader(names)
	for _, want := range []string{"hook/a01-a-return-value-below-the-queue-count-is-the-queue", "baseline/b01-xps-cpus-picks-the-queue-by-cpu"} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is missing", want)
		}
	}
	for name := range socketFilterOnly {
		if _, ok := Find(hookGroup + "/" + name); !ok {
			t.Errorf("no test %s", name)
		}
		if slices.Contains(got, hookGroup+"/"+name) {
			t.Errorf("%s is there", name)
		}
	}
	for _, n := range got {
		if test, _ := Find(n); !test.Baseline && test.Group != hookGroup {
			t.Errorf("%s is there", n)
		}
	}
}
