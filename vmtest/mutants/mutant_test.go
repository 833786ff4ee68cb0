// SPDX-License-Identifier: GPL-2.0-only OR MIT

package mutants

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"xpsgen/vmtest/build"
	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/plan"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/run"
	"xpsgen/vmtest/testenv"
	"xpsgen/vmtest/verdict"
)

func TestLoadMutants(t *testing.T) {
	mutant := func(header string) string {
		return "From 0000\nSubject: [PATCH] net: " + header + "\n\nwhy\n\n" + header + "\n---\nMust-fail: below/the-line\n"
	}
	cases := map[string]struct {
		files map[string]string
		names []string
		want  string // names joined, or part of the error
		fails bool
	}{
		"both projects": {
			files: map[string]string{"kernel/b.patch": mutant("Must-fail: a/b"), "iproute2/a.patch": mutant("Must-fail: c")},
			want:  "b a",
		},
		"for this base": {
			files: map[string]string{"kernel/net-next/b.patch": mutant("Must-fail: a/b"), "kernel/6.12/c.patch": mutant("Must-fail: c"),
				"iproute2/6.1/d.patch": mutant("Must-fail: d")},
			want: "b d",
		},
		"replaces the general one": {
			files: map[string]string{"kernel/net-next/b.patch": mutant("Must-fail: a/b"), "kernel/b.patch": mutant("no")},
			want:  "b",
		},
		"for another base":  {files: map[string]string{"kernel/6.12/c.patch": mutant("Must-fail: c")}, names: []string{"c"}, want: `no mutant "c" for net-next`, fails: true},
		"picked":            {files: map[string]string{"kernel/b.patch": mutant("Must-fail: a/b"), "kernel/c.patch": mutant("Must-fail: c")}, names: []string{"c"}, want: "c"},
		"unknown":           {files: map[string]string{"kernel/b.patch": mutant("Must-fail: a/b")}, names: []string{"z"}, want: `no mutant "z"`, fails: true},
		"no Config line":    {files: map[string]string{"kernel/b.patch": mutant("Must-complain: a")}, want: "which must name the fragment", fails: true},
		"complains":         {files: map[string]string{"kernel/b.patch": mutant("Must-complain: a\nConfig: rt")}, want: "b"},
		"no Must-fail line": {files: map[string]string{"kernel/b.patch": mutant("Mustfail: a")}, want: "line with the tests that fail", fails: true},
		"none":              {want: "no patches", fails: true},
	}
	root := testenv.Root(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range c.files {
				path := filepath.Join(dir, file)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			mutants, err := Load(root, dir, "net-next", c.names)
			if (err != nil) != c.fails {
				t.Fatalf("error %v", err)
			}
			var got []string
			for _, m := range mutants {
				got = append(got, m.Name)
			}
			if err != nil {
				if !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %q, want %q", err, c.want)
				}
			} else if strings.Join(got, " ") != c.want {
				t.Errorf("mutants %q, want %q", got, c.want)
			}
		})
	}
}

// A renamed test must not leave a mutant that no test can notice: check the Must-fail
// lines of the repository against the suite.
func TestMutantsNameTests(t *testing.T) {
	var mutants []Mutant
	for _, base := range []string{"net-next", "6.12"} {
		some, err := Load("../..", ".", base, nil)
		if err != nil {
			t.Fatal(err)
		}
		mutants = append(mutants, some...)
	}
	for _, m := range mutants {
		all := slices.Concat(m.MustFail, m.MustComplain)
		for _, what := range all {
			if what == MustFailBuild {
				continue
			}
			names, err := plan.Names(what)
			if err != nil {
				t.Errorf("%s: %v", m.Path, err)
			}
			selected, err := plan.Names(plan.AnyOf(all))
			if err != nil {
				t.Errorf("%s: %v", m.Path, err)
			}
			for _, name := range names {
				if !strings.Contains(strings.Join(selected, "\n")+"\n", name+"\n") {
					t.Errorf("%s: %q does not select %s", m.Path, plan.AnyOf(all), name)
				}
			}
		}
	}
}

// A failure that a mutant causes is not a failure of the run.
func TestFailuresAsEnds(t *testing.T) {
	for _, c := range []struct{ in, want progress.Event }{
		{progress.Event{Step: "s", State: progress.Failed, Text: "tcg", Log: "/l"}, progress.Event{Step: "s", State: progress.Finished, Text: "tcg, failed"}},
		{progress.Event{Step: "s", State: progress.Failed}, progress.Event{Step: "s", State: progress.Finished, Text: "failed"}},
		{progress.Event{Step: "s", State: progress.Notice, Text: "n", Log: "/l"}, progress.Event{Step: "s", State: progress.Notice, Text: "n", Log: "/l"}},
	} {
		var got progress.Event
		failuresAsEnds(func(e progress.Event) { got = e }).Emit(c.in)
		if got != c.want {
			t.Errorf("%+v, want %+v", got, c.want)
		}
	}
	failuresAsEnds(nil).Emit(progress.Event{State: progress.Failed}) // nobody watches
}

// A mutant that does not build counts like one that survives. The next mutant still runs.
func TestRunMutants(t *testing.T) {
	const noticed = "hook/a01-a-return-value-below-the-queue-count-is-the-queue"
	var ran []string
	opt := Options{Out: t.TempDir(), run: func(_ context.Context, s run.SuiteOptions) (*verdict.Outcome, error) {
		name := filepath.Base(s.Out)
		ran = append(ran, name)
		status := ktap.Fail
		var splats []verdict.Splat
		switch name {
		case "reported":
			splats, status = []verdict.Splat{{Text: []string{"BUG: base"}}, {Text: []string{"BUG: ours"}, Ours: []string{"f"}}}, ktap.Pass
		case "reported-of-the-base":
			splats, status = []verdict.Splat{{Text: []string{"BUG: base"}}}, ktap.Pass
		case "broken":
			return nil, fmt.Errorf("build: %w", &build.CompileError{})
		case "survivor":
			status = ktap.Pass
		}
		return &verdict.Outcome{Report: &ktap.Report{Tests: []ktap.Test{{Name: noticed, Status: status}}}, Splats: splats}, nil
	}}
	for _, name := range []string{"broken", "survivor", "noticed"} {
		opt.Mutants = append(opt.Mutants, Mutant{Name: name, MustFail: []string{"hook/a01"}})
	}
	for _, name := range []string{"reported", "reported-of-the-base"} {
		opt.Mutants = append(opt.Mutants, Mutant{Name: name, MustComplain: []string{"hook/a01"}, Config: "rt"})
	}
	var out bytes.Buffer
	opt.KTAP = &out
	survivors, err := Run(t.Context(), opt)
	if err != nil || survivors != 3 || len(ran) != 5 {
		t.Errorf("%v, %d survivors, ran %q", err, survivors, ran)
	}
	for _, want := range []string{
		"not ok 1 broken # does not apply or build: update the mutant\n", "not ok 2 survivor # survived\n", "ok 3 noticed\n",
		"ok 4 reported\n", "not ok 5 reported-of-the-base # survived\n",
	} {
		if !strings.Contains(out.String(), "\n"+want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}

	opt.run = func(context.Context, run.SuiteOptions) (*verdict.Outcome, error) { return nil, os.ErrPermission }
	if _, err := Run(t.Context(), opt); !errors.Is(err, os.ErrPermission) {
		t.Errorf("breakdown of the workbench: %v", err)
	}
}

func TestSampleMutants(t *testing.T) {
	var all []Mutant
	for i := range 30 {
		all = append(all, Mutant{Name: fmt.Sprintf("k%02d", i), Folder: "kernel"})
	}
	all = append(all, Mutant{Name: "x", Folder: "iproute2"})
	names := func(ms []Mutant) string {
		var out []string
		for _, m := range ms {
			out = append(out, m.Name)
		}
		return strings.Join(out, " ")
	}
	drawn := map[string]bool{}
	for seed := range int64(20) {
		some := Sample(all, 4, seed)
		if len(some) != 4 || some[3].Name != "x" || !slices.IsSortedFunc(some, func(a, b Mutant) int { return strings.Compare(a.Name, b.Name) }) {
			t.Errorf("seed %d: %s", seed, names(some))
		}
		if again := Sample(all, 4, seed); names(again) != names(some) {
			t.Errorf("seed %d: %s, and then %s", seed, names(some), names(again))
		}
		drawn[names(some)] = true
	}
	if len(drawn) < 10 {
		t.Errorf("%d different samples of 20", len(drawn))
	}
	for _, n := range []int{0, 31, 40} {
		if got := Sample(all, n, 1); len(got) != len(all) {
			t.Errorf("%d: %d mutants", n, len(got))
		}
	}
}

func TestFor(t *testing.T) {
	all := []Mutant{{Name: "any"}, {Name: "rt", Config: "rt"}, {Name: "kcsan", Config: "kcsan"}}
	for _, c := range []struct {
		fragments []string
		want      string
		others    int
	}{
		{nil, "any", 2},
		{[]string{"rt"}, "any rt", 1},
		{[]string{"kcsan", "mine.config"}, "any kcsan", 1},
	} {
		some, others := For(all, c.fragments)
		var names []string
		for _, m := range some {
			names = append(names, m.Name)
		}
		if got := strings.Join(names, " "); got != c.want || others != c.others {
			t.Errorf("%q: %q and %d others", c.fragments, got, others)
		}
	}
}
