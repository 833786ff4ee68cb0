// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prove

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"xpsgen/vmtest/ktap"
)

// TestReport: a property that fails is reported with its place and its numbered operations.
func TestReport(t *testing.T) {
	r := &Result{Properties: []*Property{
		{Name: "setlink: the program is set", Checks: 3},
		{Name: "detach: no program is left", Failed: true, Where: "dev.c:12", Trace: []string{"attach a program", "detach it"}},
	}}
	var out bytes.Buffer
	if err := (&Options{KTAP: &out}).report(r); err != nil {
		t.Fatal(err)
	}
	report, err := ktap.Parse(&out)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Problems) > 0 || len(report.Tests) != 2 {
		t.Fatalf("report %+v", report)
	}
	good, bad := report.Tests[0], report.Tests[1]
	if good.Name != r.Properties[0].Name || good.Status != ktap.Pass || len(good.Diag) > 0 {
		t.Errorf("a property that holds: %+v", good)
	}
	want := []string{"detach: no program is left fails at dev.c:12", "1. attach a program", "2. detach it"}
	if bad.Name != r.Properties[1].Name || bad.Status != ktap.Fail || !slices.Equal(bad.Diag[:min(3, len(bad.Diag))], want) {
		t.Errorf("a property that fails: %+v, want %q", bad, want)
	}
	if err := (&Options{}).report(r); err != nil {
		t.Errorf("nobody reads the report: %v", err)
	}
}

// TestAdd merges runs of the checker: one failure is enough, and the failure that a
// sequence of operations leads to is shown.
func TestAdd(t *testing.T) {
	end := finding{ID: "main.assertion.9", Description: reachable, Status: Failure}
	is := func(id, what string, status Status, line string, said ...string) finding {
		f := finding{ID: id, Description: what, Status: status, Where: location{File: "dev.c", Function: "f", Line: line}}
		for _, text := range said {
			f.Trace = append(f.Trace, step{Type: "output", Text: text})
		}
		return f
	}
	const kept, checks = "f: it is kept", "f: pointers, bounds, arithmetic, loops"
	var r Result
	byName := map[string]*Property{}
	for _, run := range []struct {
		job      job
		findings []finding
	}{
		{job{}, []finding{end, is("f.assertion.1", "it is kept", Success, "1"), is("f.pointer.1", "NULL", Success, "2"), is("f.overflow.1", "too large", Success, "3")}},
		{job{}, []finding{end, is("f.assertion.1", "it is kept", Failure, "4", "in any state")}},
		{job{depth: 2}, []finding{is("f.assertion.1", "it is kept", Failure, "5", "first", "second")}},
		{job{depth: 2}, []finding{is("f.assertion.1", "it is kept", Failure, "6", "another")}},
		{job{}, []finding{end, is("f.assertion.1", "it is kept", Success, "7"), is("f.pointer.1", "NULL", Success, "8")}},
	} {
		if err := r.add(byName, run.job, run.findings); err != nil {
			t.Fatal(err)
		}
	}
	var got []Property
	for _, p := range r.Properties {
		got = append(got, Property{Name: p.Name, Failed: p.Failed, Where: p.Where, Trace: p.Trace, Checks: p.Checks})
	}
	want := []Property{
		{Name: kept, Failed: true, Where: "dev.c:5", Trace: []string{"first", "second"}, Checks: 1},
		{Name: checks, Checks: 2},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Property{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if r.Failed() != 1 {
		t.Errorf("%d properties fail, want 1", r.Failed())
	}
}

// TestAddRejects: a run in which the operation never ends proves nothing.
func TestAddRejects(t *testing.T) {
	property := finding{ID: "f.assertion.1", Status: Success}
	for name, tt := range map[string]struct {
		depth    int
		findings []finding
		want     string
		checker  bool
	}{
		"cannot end":            {0, []finding{{Description: reachable, Status: Success}, property}, "the model excludes all its cases", false},
		"a sequence cannot end": {1, []finding{{Description: reachable, Status: Success}, property}, "the model excludes all its cases", false},
		"does not say":          {0, []finding{property}, "does not say whether the operation can end", true},
		"a sequence need not":   {1, []finding{property}, "", false},
	} {
		err := (&Result{}).add(map[string]*Property{}, job{depth: tt.depth}, tt.findings)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) || errors.Is(err, ErrChecker) != tt.checker {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}
