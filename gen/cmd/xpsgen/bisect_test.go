// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"slices"
	"testing"

	"xpsgen/vmtest/bisect"
)

func TestBisectTable(t *testing.T) {
	tests := []string{"control/a01", "control/a02"}
	got := bisectTable([]*bisect.Step{
		{Series: "hook", N: 1, Key: "core", Tests: tests, Passed: 2, Seconds: 61.25},
		{Series: "hook", N: 2, Key: "rtnetlink", Tests: tests, Passed: 2, Seconds: 59, Cached: true,
			Checks: []bisect.Check{{Name: "warnings", OK: true}, {Name: "prove", OK: true}}},
		{Series: "hook", N: 3, Key: "link", Tests: tests, Passed: 1, Seconds: 60, Reasons: []string{"a test failed"},
			Checks: []bisect.Check{{Name: "builds", OK: true}, {Name: "warnings"}}},
	})
	want := []string{
		"patch                                warnings  model  tests          time  verdict",
		"hook-1-core                          -         -      2/2          61.2 s  ok",
		"hook-2-rtnetlink                     ok        ok     2/2          cached  ok",
		"hook-3-link                          FAIL      -      1/2          60.0 s  FAIL",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}
