// SPDX-License-Identifier: GPL-2.0-only OR MIT

package runs

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/testenv"
	"xpsgen/vmtest/tree/manifest"
)

func TestSubjectNames(t *testing.T) {
	for name, tt := range map[string]struct {
		subject              Subject
		name, config, series string
	}{
		"plain":     {Subject{Base: "b"}, "b", "default", "all"},
		"unpatched": {Subject{Base: "b", Unpatched: true}, "b-unpatched", "unpatched", "all"},
		"config":    {Subject{Base: "b", Config: []string{"debug", "/a/mine.config"}}, "b-debug-mine", "debug-mine", "all"},
		"both":      {Subject{Base: "b", Config: []string{"debug"}, Unpatched: true}, "b-debug-unpatched", "debug-unpatched", "all"},
		"series":    {Subject{Base: "b", Series: "s", Only: []string{"x"}}, "s-b-x", "default", "s"},
		"selection": {Subject{Base: "b", Only: []string{"x", "y"}, With: []string{"w", "v"}, Without: []string{"o", "p"}}, "b-x-y-with-w-with-v-without-o-without-p", "default", "x, y with w, v without o, p"},
		"with":      {Subject{Base: "b", With: []string{"w"}}, "b-with-w", "default", "all with w"},
		"arch":      {Subject{Base: "b", Arch: "s390x", Config: []string{"debug"}}, "b-s390x-debug", "s390x-debug", "all"},
		"trees":     {Subject{Base: "b", Trees: []string{"kernel /k"}}, "b-own-tree", "default", "all"},
	} {
		s := tt.subject
		if s.Name() != tt.name || s.ConfigName() != tt.config || s.SeriesName() != tt.series {
			t.Errorf("%s: %q, %q, %q; want %q, %q, %q", name, s.Name(), s.ConfigName(), s.SeriesName(), tt.name, tt.config, tt.series)
		}
	}
	// Each field makes another subject.
	all := []Subject{
		{}, {Base: "b"}, {Config: []string{"c"}}, {Series: "s"}, {Only: []string{"o"}}, {With: []string{"w"}}, {Without: []string{"o"}}, {Unpatched: true}, {Trees: []string{"t"}}, {Arch: "arm64"},
	}
	for i, a := range all {
		for j, b := range all {
			if a.same(b) != (i == j) {
				t.Errorf("%+v and %+v are the same: %v", a, b, i != j)
			}
		}
	}
}

func TestSubjectOf(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	src := &prepare.Source{
		Root: testenv.Root(t), Arch: "s390x", Fragments: []string{"debug", "mine.config"}, KernelDir: "k", IPDir: "/ip", Unpatched: true,
		Select:   manifest.Selection{Only: []string{"a"}, With: []string{"b"}, Without: []string{"c"}},
		IPSelect: manifest.Selection{Only: []string{"d"}, With: []string{"e"}, Without: []string{"f"}},
	}
	got, err := SubjectOf(src)
	want := Subject{
		Base: "net-next", Arch: "s390x", Config: []string{"debug", filepath.Join(dir, "mine.config")}, Only: []string{"a", "d"}, With: []string{"b", "e"}, Without: []string{"c", "f"},
		Unpatched: true, Trees: []string{"kernel " + filepath.Join(dir, "k"), "iproute2 /ip"},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

func TestCounts(t *testing.T) {
	for want, c := range map[string]Counts{
		"0 passed": {}, "3 passed": {Pass: 3, Planned: 3}, "1 passed, 1 failed": {Pass: 1, Fail: 1, Planned: 2}, "0 passed, 1 skipped": {Skip: 1, Planned: 1},
		"1 passed, 2 failed, 3 skipped, 4 not reported": {1, 2, 3, 10}, "2 passed, 1 not reported": {Pass: 2, Planned: 3},
	} {
		if got := c.String(); got != want {
			t.Errorf("%+v: %q, want %q", c, got, want)
		}
	}
	for state, want := range map[State]bool{Running: false, Passed: true, Failed: true, Broken: false, Interrupted: false} {
		if state.Judged() != want {
			t.Errorf("%s is judged: %v", state, !want)
		}
	}
	start := time.Now()
	if d := (&Record{Started: start}).Elapsed(); d != 0 {
		t.Errorf("a run that lasts took %v", d)
	}
	if d := (&Record{Started: start, Ended: start.Add(time.Minute)}).Elapsed(); d != time.Minute {
		t.Errorf("took %v", d)
	}
	if (&Record{}).Partial() || !(&Record{Selection: "--run x"}).Partial() {
		t.Error("the wrong run is partial")
	}
	kinds := Kinds()
	slices.Sort(kinds)
	if len(slices.Compact(kinds)) != 16 {
		t.Errorf("kinds %q", kinds)
	}
}

// report writes the results of a run into a new directory.
func report(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, KTAPFile), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestDiffLines(t *testing.T) {
	a := &Record{
		Kind: Suite, Subject: Subject{Base: "x"}, State: Passed, Versions: map[string]string{"gcc": "12", "ld": "2"},
		Dir: report(t, "KTAP version 1\n1..3\nok 1 one\nok 2 two # SKIP why\nok 3 three\n"),
	}
	b := &Record{
		Kind: Bases, Subject: Subject{Base: "y"}, State: Failed, Selection: "s", Versions: map[string]string{"gcc": "13", "qemu": "7"},
		Dir: report(t, "KTAP version 1\n1..3\nok 1 one\nnot ok 2 two\nok 3 four\n"),
	}
	got, err := Diff(a, b)
	none := orNone("")
	want := []string{
		"kind: suite -> bases", "subject: x -> y", "partial: " + none + " -> s", "gcc: 12 -> 13", "qemu: " + none + " -> 7", "ld: 2 -> " + none,
		"state: passed -> failed", "four: " + none + " -> pass", "three: pass -> " + none, "two: skip (why) -> fail",
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	if got, err := Diff(a, a); got != nil || err != nil {
		t.Errorf("a run differs from itself: %q, %v", got, err)
	}
	broken := &Record{Dir: filepath.Join(a.Dir, KTAPFile)}
	for _, pair := range [][2]*Record{{a, broken}, {broken, a}} {
		if got, err := Diff(pair[0], pair[1]); got != nil || err == nil {
			t.Errorf("results that cannot be read: %q, %v", got, err)
		}
	}
	if r, err := (&Record{Dir: t.TempDir()}).Report(); err != nil || len(r.Tests) != 0 {
		t.Errorf("without results: %+v, %v", r, err)
	}
	if orNone("x") != "x" || none == "" || errors.Is(err, os.ErrNotExist) {
		t.Error("what is not there has no word")
	}
}
