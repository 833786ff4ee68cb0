// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"xpsgen/vmtest/ktap"
)

// TestGroups: the result of a group depends on its tests, and its time is reported.
func TestGroups(t *testing.T) {
	pass := func(*T) {}
	skip := func(t *T) { t.Skipf("no reason") }
	fail := func(t *T) { t.Errorf("broken") }
	var out bytes.Buffer
	r := &Runner{Writer: ktap.NewWriter(&out)}
	failed, err := r.Run(t.Context(), []Group{
		{Name: "passes", Tests: []Test{{Name: "a", Run: pass}, {Name: "b", Run: pass}}},
		{Name: "skips", Tests: []Test{{Name: "a", Run: skip}, {Name: "b", Run: skip}}},
		{Name: "mixed", Tests: []Test{{Name: "a", Run: skip}, {Name: "b", Run: pass}}},
		{Name: "fails", Tests: []Test{{Name: "a", Run: fail}, {Name: "b", Run: pass}, {Name: "c", Run: fail}}},
	})
	if err != nil || failed != 2 {
		t.Errorf("%d failed, %v", failed, err)
	}
	report, err := ktap.Parse(&out)
	if err != nil || len(report.Problems) > 0 || len(report.Tests) != 4 {
		t.Fatalf("%+v, %v", report, err)
	}
	var got []string
	for _, g := range report.Tests {
		got = append(got, strings.TrimSpace(g.Name+" "+g.Status.String()+" "+g.Reason))
		if !slices.ContainsFunc(g.Diag, func(d string) bool { return strings.HasPrefix(d, "elapsed ") }) && g.Duration == 0 {
			t.Errorf("%s has no time: %q", g.Name, g.Diag)
		}
	}
	want := []string{"passes pass", "skips skip all skipped", "mixed pass", "fails fail 2 of 3 failed"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestRunStopsBetweenTests: if the context ends, the run stops before the next test and the
// error names that test.
func TestRunStopsBetweenTests(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ran := ""
	r := &Runner{Writer: ktap.NewWriter(new(bytes.Buffer))}
	_, err := r.Run(ctx, []Group{{Name: "g", Tests: []Test{
		{Name: "a", Run: func(*T) { ran += "a"; cancel() }}, {Name: "b", Run: func(*T) { ran += "b" }},
	}}})
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "before g/b: ") || ran != "a" {
		t.Errorf("ran %q, %v", ran, err)
	}
}
