// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prove

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/mutate"
	"xpsgen/vmtest/mutate/schema"
)

// Mutants are made of added lines in functions of the model only, and the program of one
// contains that one alone.
func TestMutants(t *testing.T) {
	p, err := load(t.Context(), shows(small()), true)
	if err != nil {
		t.Fatal(err)
	}
	all := map[int]bool{}
	for line := range 100 {
		all[line] = true
	}
	list := p.mutants(mutate.Added{"net/core/dev.c": all, "net/core/dev.h": {5: true}})
	var names []string
	var first *schema.Mutant
	for _, s := range list {
		for _, m := range s.Mutants {
			names = append(names, m.Name())
			if m.Func == "get_xps_queue" && first == nil {
				first = m
			}
		}
	}
	want := []string{
		"net/core/dev.c:3:xps_prog_enabled:return:1", "net/core/dev.c:9:xps_prog_run:return:2",
		"net/core/dev.c:11:dev_xps_set_prog:return:3", "net/core/dev.c:11:dev_xps_set_prog:number:4",
		"net/core/dev.c:13:get_xps_queue:return:5", "net/core/dev.c:13:get_xps_queue:number:6",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	text := (&trial{program: p, sources: list}).mutated(first).text()
	if n := strings.Count(text, "XMUT("); n != 1 || !strings.Contains(text, "return XMUT(5) ? (-1) : (0);") {
		t.Errorf("%d mutants in\n%s", n, text)
	}
	if strings.Contains(p.text(), "XMUT(") {
		t.Error("the program itself has a mutant")
	}
}

// A mutant is tried with the operations that may run its function.
func TestReach(t *testing.T) {
	p, err := load(t.Context(), shows(small()), true)
	if err != nil {
		t.Fatal(err)
	}
	ops, err := p.operations()
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.reach(ops)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"get_xps_queue":       {"transmit"},
		"bpf_xps_link_update": {"link_create", "link_update", "link_detach", "link_close", "link_info"},
		"dev_xps_uninstall":   {"unregister", "link_create", "link_update", "link_detach", "link_close", "link_info"},
		"nosuch":              nil,
	} {
		var got []string
		for _, op := range r.ops(name) {
			got = append(got, op.name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestReportMutants(t *testing.T) {
	r := &MutantResult{Verdicts: map[int]MutantVerdict{}}
	for i, v := range []MutantVerdict{
		{State: mutate.Killed, By: "setlink: p", Run: "setlink"}, {State: mutate.Excused, By: "padding"},
		{State: mutate.Refused, By: "why"}, {State: mutate.Unreached}, {State: mutate.Survived, By: "time limit"},
	} {
		v.Duration = time.Second
		r.Mutants = append(r.Mutants, &schema.Mutant{ID: i, File: "f.c", Func: "f", Kind: schema.Number, Before: "0", After: "0 + 1"})
		r.Verdicts[i] = v
	}
	var out bytes.Buffer
	if err := reportMutants(&out, r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1..5\n", "refuted by setlink: p (setlink)\nok 1 ", "listed: padding\nok 2 ", "ok 3 f.c:0:f:number:2 # SKIP does not compile: why",
		"not ok 4 f.c:0:f:number:3 # not reached by the model", "not ok 5 f.c:0:f:number:4 # survived time limit"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if r.Bad() != 2 {
		t.Errorf("%d bad", r.Bad())
	}
}
