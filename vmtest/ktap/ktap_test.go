// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ktap

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// sample is a report with everything a report can hold.
func sample() *Report {
	return &Report{
		Plan: 3,
		Tests: []Test{
			{Name: "control", Status: Fail, Duration: 2 * time.Second, Subtests: []Test{
				{Name: "off-detaches", Duration: 1200 * time.Microsecond},
				{
					Name: "off-twice", Status: Fail, Reason: "expected 0, got EBADF",
					Diag: []string{"expected: 0", "seen:     bad file descriptor", "rerun:    make vmtest RUN=control/off-twice"},
				},
				{Name: "debug kernel only", Status: Skip, Reason: "needs CONFIG_KASAN"},
			}},
			{Name: "- odd # name \\ here", Status: Pass},
			{Name: "nested", Subtests: []Test{{Name: "deep", Subtests: []Test{{Name: "deeper", Status: Skip}}}}},
		},
		Diag: []string{"that was all"},
	}
}

func TestRoundTrip(t *testing.T) {
	want := sample()
	var text bytes.Buffer
	if err := want.Write(&text); err != nil {
		t.Fatal(err)
	}
	got, err := Parse(bytes.NewReader(text.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("report differs after writing and reading (-want +got):\n%s\n%s", diff, text.String())
	}
	var again bytes.Buffer
	if err := got.Write(&again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(text.String(), again.String()); diff != "" {
		t.Errorf("text differs after reading and writing (-want +got):\n%s", diff)
	}
}

func TestWriterText(t *testing.T) {
	var b strings.Builder
	w := NewWriter(&b)
	w.Plan(3)
	sub := w.Sub("group")
	sub.Plan(2)
	sub.Diag("two\nlines\n")
	sub.Elapsed(12 * time.Millisecond)
	sub.Result("first", Fail, "went\nwrong")
	sub.Result("second", Skip, "")
	w.Result("group", Fail, "")
	w.Result("a#b", Fail, "skip is not what happened")
	w.Result("c", Skip, "no such thing")
	if err := w.Err(); err != nil {
		t.Fatal(err)
	}
	want := `KTAP version 1
1..3
  KTAP version 1
  # Subtest: group
  1..2
  # two
  # lines
  # elapsed 12ms
  not ok 1 first # went wrong
  ok 2 second # SKIP
not ok 1 group
not ok 2 a\#b # fail: skip is not what happened
ok 3 c # SKIP no such thing
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

type failingWriter struct{ n int }

var errFull = errors.New("full")

func (f *failingWriter) Write(p []byte) (int, error) {
	if f.n--; f.n < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestWriterErrorSticks(t *testing.T) {
	f := &failingWriter{n: 2}
	w := NewWriter(f)
	w.Plan(1)
	w.Sub("x").Result("y", Pass, "")
	f.n = 100
	w.Result("x", Pass, "")
	if !errors.Is(w.Err(), errFull) {
		t.Errorf("Err() = %v, want %v", w.Err(), errFull)
	}
	if f.n != 100 {
		t.Error("wrote again after an error")
	}
}

func TestProblems(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []ProblemKind
	}{
		"complete":           {"KTAP version 1\n1..1\nok 1 a\n", nil},
		"tap version 14":     {"TAP version 14\n1..1\nok 1 - a\n", nil},
		"empty":              {"", []ProblemKind{NoVersion}},
		"no version":         {"1..1\nok 1 a\n", []ProblemKind{NoVersion}},
		"no plan":            {"KTAP version 1\nok 1 a\n", []ProblemKind{NoPlan}},
		"half the plan":      {"KTAP version 1\n1..4\nok 1 a\nok 2 b\n", []ProblemKind{Short}},
		"surplus":            {"KTAP version 1\n1..1\nok 1 a\nok 2 b\n", []ProblemKind{Surplus}},
		"two plans":          {"KTAP version 1\n1..1\n1..1\nok 1 a\n", []ProblemKind{SecondPlan}},
		"same name":          {"KTAP version 1\n1..2\nok 1 a\nok 2 a\n", []ProblemKind{Duplicate}},
		"wrong number":       {"KTAP version 1\n1..2\nok 1 a\nok 3 b\n", []ProblemKind{Number}},
		"no number":          {"KTAP version 1\n1..1\nok a\n", []ProblemKind{Number}},
		"reported twice":     {"KTAP version 1\n1..1\nok 1 a\nKTAP version 1\n1..1\nok 1 a\n", []ProblemKind{Twice}},
		"bail out":           {"KTAP version 1\n1..1\nBail out! no tap\n", []ProblemKind{BailOut, Short}},
		"foreign":            {"KTAP version 1\n1..1\nhello\nok 1 a\n", []ProblemKind{Foreign}},
		"cut":                {"KTAP version 1\n1..2\nok 1 a\nok 2 b", []ProblemKind{Cut}},
		"bad plan":           {"KTAP version 1\n1..x\nok 1 a\n", []ProblemKind{Foreign, NoPlan}},
		"unfinished":         {"KTAP version 1\n1..1\n  KTAP version 1\n  # Subtest: g\n  1..2\n  ok 1 a\n", []ProblemKind{Short, Unfinished}},
		"child failed":       {"KTAP version 1\n1..1\n  KTAP version 1\n  # Subtest: g\n  1..1\n  not ok 1 a\nok 1 g\n", []ProblemKind{Contradiction}},
		"other name":         {"KTAP version 1\n1..1\n  KTAP version 1\n  # Subtest: g\n  1..1\n  ok 1 a\nok 1 h\n", []ProblemKind{Contradiction}},
		"two subs, one name": {"KTAP version 1\n1..1\n  KTAP version 1\n  # Subtest: g\n  1..1\n  ok 1 a\n  KTAP version 1\n  # Subtest: h\n  1..1\n  ok 1 a\nok 1 h\n", []ProblemKind{Unfinished, Surplus}},
		"long line":          {"KTAP version 1\n1..1\n# " + strings.Repeat("x", maxLine) + "\nok 1 a\n", []ProblemKind{TooMuch}},
		"nested without a version line": {
			"KTAP version 1\n1..1\n    # Subtest: g\n    1..1\n    ok 1 a\nok 1 g\n", nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Parse(strings.NewReader(c.text))
			if err != nil {
				t.Fatal(err)
			}
			var got []ProblemKind
			for _, p := range r.Problems {
				got = append(got, p.Kind)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s%v", diff, r.Problems)
			}
			if wantOK := len(c.want) == 0; r.OK() != wantOK {
				t.Errorf("OK() = %v, want %v", r.OK(), wantOK)
			}
		})
	}
}

func TestDirectives(t *testing.T) {
	for line, want := range map[string]Test{
		"ok 1 a":                     {Name: "a"},
		"ok 1 a # SKIP no tun":       {Name: "a", Status: Skip, Reason: "no tun"},
		"ok 1 a # skip":              {Name: "a", Status: Skip},
		"not ok 1 a # SKIP what":     {Name: "a", Status: Skip, Reason: "what"},
		"not ok 1 a # TODO later":    {Name: "a", Status: Skip, Reason: "TODO later"},
		"not ok 1 a # XFAIL known":   {Name: "a", Status: Skip, Reason: "XFAIL known"},
		"ok 1 a # XFAIL known":       {Name: "a", Reason: "XFAIL known"},
		"ok 1 a # TIMEOUT 45s":       {Name: "a", Status: Fail, Reason: "TIMEOUT 45s"},
		"not ok 1 a # it broke":      {Name: "a", Status: Fail, Reason: "it broke"},
		`not ok 1 a\#1 \\ # it \# b`: {Name: `a#1 \`, Status: Fail, Reason: `it \# b`},
	} {
		r, err := Parse(strings.NewReader("KTAP version 1\n1..1\n" + line + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]Test{want}, r.Tests); diff != "" {
			t.Errorf("%q (-want +got):\n%s", line, diff)
		}
	}
}

func TestOK(t *testing.T) {
	pass, fail := Test{Name: "p"}, Test{Name: "f", Status: Fail}
	for name, c := range map[string]struct {
		tests []Test
		want  bool
	}{
		"nothing":            {nil, false},
		"pass":               {[]Test{pass}, true},
		"fail":               {[]Test{pass, fail}, false},
		"skip":               {[]Test{pass, {Name: "s", Status: Skip}}, true},
		"parent fails alone": {[]Test{{Name: "g", Status: Fail, Subtests: []Test{pass}}}, false},
	} {
		r := &Report{Tests: c.tests}
		if got := r.OK(); got != c.want {
			t.Errorf("%s: OK() = %v, want %v", name, got, c.want)
		}
	}
}

func TestFlatCountsCompare(t *testing.T) {
	r := sample()
	var names []string
	for _, f := range r.Flat() {
		names = append(names, f.Name)
	}
	want := []string{"control/off-detaches", "control/off-twice", "control/debug kernel only", "- odd # name \\ here", "nested/deep/deeper"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("Flat (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Counts{Pass: 2, Fail: 1, Skip: 2}, r.Counts()); diff != "" {
		t.Errorf("Counts (-want +got):\n%s", diff)
	}
	missing, extra := r.Compare(append([]string{"query/id"}, want[1:]...))
	if diff := cmp.Diff([][]string{{"query/id"}, {"control/off-detaches"}}, [][]string{missing, extra}); diff != "" {
		t.Errorf("Compare (-want +got):\n%s", diff)
	}
	alone := &Report{Tests: []Test{{Name: "g", Status: Fail, Subtests: []Test{{Name: "a"}}}}}
	if diff := cmp.Diff(Counts{Pass: 1, Fail: 1}, alone.Counts()); diff != "" {
		t.Errorf("Counts of a parent that failed alone (-want +got):\n%s", diff)
	}
}

func TestParserStreams(t *testing.T) {
	var got []string
	p := Parser{OnTest: func(parents []string, t Test) {
		got = append(got, strings.Join(append(parents, t.Name), "/")+" "+t.Status.String())
	}}
	text := "KTAP version 1\n1..1\n  KTAP version 1\n  # Subtest: g\n  1..2\n  ok 1 a\n  not ok 2 b\nnot ok 1 g\n"
	for i := range len(text) {
		if _, err := p.Write([]byte{text[i]}); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"g/a pass", "g/b fail", "g fail"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r := p.Close(); len(r.Problems) > 0 {
		t.Errorf("problems: %v", r.Problems)
	}
}

func TestParserIsBounded(t *testing.T) {
	var p Parser
	chunk := []byte("KTAP version 1\n" + strings.Repeat("# x\n", 1<<14))
	for n := 0; n < 3*maxBytes; n += len(chunk) {
		if _, err := p.Write(chunk); err != nil {
			t.Fatal(err)
		}
	}
	r := p.Close()
	if len(r.Problems) > maxProblems+1 {
		t.Errorf("%d problems kept", len(r.Problems))
	}
	if last := r.Problems[len(r.Problems)-1]; r.OK() || last.Kind == "" {
		t.Errorf("a flood is not OK: %v", last)
	}
}
