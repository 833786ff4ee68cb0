// SPDX-License-Identifier: GPL-2.0-only OR MIT

package mutants

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/plan"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/run"
	"xpsgen/vmtest/tree"
	"xpsgen/vmtest/tree/manifest"
	"xpsgen/vmtest/verdict"
)

func TestReadMutant(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want Mutant
		err  string
	}{
		"tagged":                {"Subject: [PATCH 1/2] a: b\n\nMust-fail:  x/y \nMust-fail: z\n---\nMust-fail: w\n", Mutant{Title: "a: b", MustFail: []string{"x/y", "z"}}, ""},
		"no tag":                {"Subject: a: b\nMust-fail: x\n", Mutant{Title: "a: b", MustFail: []string{"x"}}, ""},
		"bracket inside":        {"Subject: a [b] c\nMust-fail: x\n", Mutant{Title: "a [b] c", MustFail: []string{"x"}}, ""},
		"no bracket's end":      {"Subject: [a b\nMust-fail: x\n", Mutant{Title: "[a b", MustFail: []string{"x"}}, ""},
		"below the diff":        {"Subject: a\nMust-fail: x\ndiff --git a b\nMust-fail: y\n", Mutant{Title: "a", MustFail: []string{"x"}}, ""},
		"names no test":         {"Subject: a\n---\nMust-fail: x\n", Mutant{}, `no "Must-fail:" line`},
		"long line":             {"Subject: " + strings.Repeat("x", 1<<19) + "\nMust-fail: x\n", Mutant{Title: strings.Repeat("x", 1<<19), MustFail: []string{"x"}}, ""},
		"line that is too long": {strings.Repeat("x", 1<<20+1) + "\n", Mutant{}, "too long"},
	} {
		path := filepath.Join(t.TempDir(), "k01-name.patch")
		if err := os.WriteFile(path, []byte(tt.text), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := readMutant(path, "kernel", manifest.GuestKernel)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s: %v, want %s", name, err, tt.err)
			}
			continue
		}
		tt.want.Name, tt.want.Folder, tt.want.Part, tt.want.Path = "k01-name", "kernel", manifest.GuestKernel, path
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got)\n%s", name, err, diff)
		}
	}
	if _, err := readMutant("/nosuch.patch", "kernel", manifest.GuestKernel); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// The report names the test that noticed each mutant. Each mutant has its own tree.
func TestRunReport(t *testing.T) {
	names, err := plan.Names("")
	if err != nil {
		t.Fatal(err)
	}
	one, two := names[0], names[1]
	exactly := func(names ...string) []string {
		var all []string
		for _, n := range names {
			all = append(all, plan.Exactly([]string{n}))
		}
		return all
	}
	mutants := []Mutant{
		{Name: "both", Title: "title: both", Part: manifest.GuestKernel, Path: "/k.patch", MustFail: exactly(one, two)},
		{Name: "one", Title: "title: one", Part: manifest.GuestIP, Path: "/ip.patch", MustFail: exactly(two)},
		{Name: "stale", Title: "title: stale", Part: manifest.GuestIP, Path: "/old.patch", MustFail: exactly(one)},
	}
	var seen []run.SuiteOptions
	out := t.TempDir()
	var report bytes.Buffer
	survivors, err := Run(t.Context(), Options{
		Source: prepare.Source{KernelExtra: []string{"/first.patch"}}, Mutants: mutants, Out: out, KTAP: &report,
		run: func(_ context.Context, opt run.SuiteOptions) (*verdict.Outcome, error) {
			seen = append(seen, opt)
			if slices.Contains(opt.Source.IPExtra, "/old.patch") {
				return nil, &tree.ApplyError{}
			}
			return &verdict.Outcome{Report: &ktap.Report{Tests: []ktap.Test{
				{Name: one, Status: ktap.Fail, Reason: "why"}, {Name: two, Status: map[bool]ktap.Status{true: ktap.Pass, false: ktap.Fail}[len(seen) > 1]},
			}}}, nil
		},
	})
	if err != nil || survivors != 2 {
		t.Errorf("%d survivors, %v", survivors, err)
	}
	r, err := ktap.Parse(&report)
	if err != nil || len(r.Problems) > 0 || r.Plan != 3 || len(r.Tests) != 3 {
		t.Fatalf("report %+v, %v", r, err)
	}
	for i := range r.Tests {
		// The parser reads a time of 1 ms or more, and leaves 0 where it is.
		d := &r.Tests[i].Diag
		last := len(*d) - 1
		switch zero := strings.HasPrefix((*d)[last], "elapsed "); {
		case zero:
			*d = (*d)[:last]
		case r.Tests[i].Duration == 0:
			t.Errorf("%s: no time in %q", r.Tests[i].Name, *d)
		}
	}
	both, survived, stale := r.Tests[0], r.Tests[1], r.Tests[2]
	if both.Name != "both" || both.Status != ktap.Pass || !slices.Equal(both.Diag, []string{"title: both", "noticed by " + one + ": why", "noticed by " + two}) {
		t.Errorf("got %+v", both)
	}
	if survived.Name != "one" || survived.Status != ktap.Fail || !slices.Equal(survived.Diag, []string{"title: one", "NOT noticed by " + two}) {
		t.Errorf("got %+v", survived)
	}
	if stale.Name != "stale" || stale.Status != ktap.Fail || stale.Diag[0] != "title: stale" || len(stale.Diag) < 2 {
		t.Errorf("got %+v", stale)
	}
	if len(seen) != 3 || !slices.Equal(seen[0].Source.KernelExtra, []string{"/first.patch", "/k.patch"}) || seen[0].Source.IPExtra != nil ||
		!slices.Equal(seen[1].Source.IPExtra, []string{"/ip.patch"}) || !slices.Equal(seen[1].Source.KernelExtra, []string{"/first.patch"}) ||
		seen[0].Out != filepath.Join(out, "both") || seen[0].Run != plan.AnyOf(exactly(one, two)) {
		t.Errorf("runs %+v", seen)
	}
	// A run that breaks ends the work.
	broken := errors.New("no QEMU")
	n, err := Run(t.Context(), Options{Mutants: mutants, run: func(context.Context, run.SuiteOptions) (*verdict.Outcome, error) { return nil, broken }})
	if n != 0 || !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "mutant both: ") {
		t.Errorf("%d survivors, %v", n, err)
	}
}

func TestSampleFolders(t *testing.T) {
	var all []Mutant
	for _, name := range strings.Fields("a b c d e f g h") {
		folder := "kernel"
		if name > "f" {
			folder = "iproute2"
		}
		all = append(all, Mutant{Name: name, Folder: folder})
	}
	for seed := range int64(20) {
		for n := 0; n <= len(all)+1; n++ {
			got := Sample(all, n, seed)
			want := n
			if n == 0 || n > len(all) {
				want = len(all)
			}
			folders := map[string]bool{}
			for i, m := range got {
				folders[m.Folder] = true
				if i > 0 && got[i-1].Name >= m.Name {
					t.Fatalf("seed %d: %v is out of order", seed, got)
				}
			}
			if len(got) != want || n != 1 && len(folders) != 2 {
				t.Fatalf("seed %d, %d: %v", seed, n, got)
			}
		}
	}
	if cmp.Equal(Sample(all, 3, 1), Sample(all, 3, 2)) && cmp.Equal(Sample(all, 3, 1), Sample(all, 3, 3)) {
		t.Error("seeds draw the same")
	}
}
