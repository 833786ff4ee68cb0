// SPDX-License-Identifier: GPL-2.0-only OR MIT

package bench

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/guest/bench/record"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/tree/manifest"
	"xpsgen/vmtest/vm"
)

func TestNewFigure(t *testing.T) {
	id := record.ID{Contender: "c", Path: "p"}
	for name, tt := range map[string]struct {
		rounds []float64
		want   Figure
	}{
		"none": {nil, Figure{ID: id, Interrupted: 2, Asked: 1, Queues: []int{1}}},
		"one":  {[]float64{5}, Figure{ID: id, Min: 5, Median: 5, Rounds: 1, Interrupted: 2, Asked: 1, Queues: []int{1}}},
		"odd":  {[]float64{9, 1, 5}, Figure{ID: id, Min: 1, Median: 5, Rounds: 3, Interrupted: 2, Asked: 1, Queues: []int{1}}},
		"even": {[]float64{9, 1, 5, 7}, Figure{ID: id, Min: 1, Median: 7, Rounds: 4, Interrupted: 2, Asked: 1, Queues: []int{1}}},
	} {
		got := newFigure(&record.Result{ID: id, Rounds: tt.rounds, Interrupted: 2, Asked: 1, Queues: []int{1}})
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

func TestBindingOfFigures(t *testing.T) {
	figure := func(contender, path string, asked int, queues ...int) Figure {
		return Figure{ID: record.ID{Contender: contender, Path: path}, Asked: asked, Queues: queues}
	}
	for name, tt := range map[string]struct {
		figure    Figure
		bound, ok bool
	}{
		"as asked":  {figure("c", "p", 3, 3), true, true},
		"another":   {figure("c", "p", 3, 4), false, true},
		"several":   {figure("c", "p", 3, 3, 4), false, true},
		"not asked": {figure("c", "p", record.NoQueue, 3), false, false},
		"not seen":  {figure("c", "p", 3), false, false},
		"queue 0":   {figure("c", "p", 0, 0), true, true},
	} {
		if bound, ok := tt.figure.Bound(); bound != tt.bound || ok != tt.ok {
			t.Errorf("%s: %v, %v", name, bound, ok)
		}
	}
	scaled := figure("all", "s", 3, 4)
	scaled.Size = 10
	figures := []Figure{
		figure("all", "p", 3, 3), figure("all", "q", 3, 3), scaled, figure("none", "p", 3, 4), figure("none", "q", 3, 4),
		figure("some", "p", 3, 3), figure("some", "q", 3, 4), figure("some", "r", 3, 5), figure("free", "p", record.NoQueue, 1),
	}
	for contender, want := range map[string]string{"all": "as asked", "none": "hint only", "some": "hint only by q, r", "free": "", "nosuch": ""} {
		if got := Binding(figures, contender); got != want {
			t.Errorf("%s: %q, want %q", contender, got, want)
		}
	}
}

func TestResultsTexts(t *testing.T) {
	figure := func(contender, path string, min float64, size int) Figure {
		return Figure{ID: record.ID{Contender: contender, Path: path, Size: size}, Min: min, Rounds: 1}
	}
	r := &Results{
		Unpatched: []Figure{figure("none", "xmit", 100, 0), figure("tap-none", "xmit", 50, 0)},
		Patched: []Figure{
			figure("xps", "xmit", 130.6, 0), figure("tap-xps", "xmit", 49.4, 0), figure("same", "xmit", 100.4, 0), figure("xps", "other", 1, 0), figure("big", "xmit", 1, 4),
		},
	}
	want := map[string]string{"xmit/xps": "+31", "xmit/tap-xps": "-1", "xmit/same": "0"}
	if diff := cmp.Diff(want, r.Texts()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if r.Len() != 7 || r.check() != nil {
		t.Errorf("%d figures, %v", r.Len(), r.check())
	}
	if err := (&Results{}).check(); err == nil {
		t.Error("a benchmark without figures passes")
	}
	for i := range 2 {
		list := [][]Figure{r.Unpatched, r.Patched}[i]
		list[1].Rounds = 0
		if err := r.check(); !errors.Is(err, ErrIncomplete) {
			t.Errorf("a figure of no round: %v", err)
		}
		list[1].Rounds = 1
	}
	if f := Find(r.Patched, record.ID{Contender: "same", Path: "xmit"}); f != &r.Patched[2] {
		t.Errorf("found %+v", f)
	}
	if f := Find(r.Patched, record.ID{Contender: "same", Path: "nosuch"}); f != nil {
		t.Errorf("found %+v", f)
	}
}

func TestTryTwiceOnlyMute(t *testing.T) {
	other := errors.New("other")
	for name, tt := range map[string]struct {
		errs  []error
		calls int
		want  error
	}{
		"works":         {[]error{nil}, 1, nil},
		"other":         {[]error{other}, 1, other},
		"exited":        {[]error{&vm.BootError{Exited: true}}, 1, nil},
		"mute":          {[]error{&vm.BootError{}, nil}, 2, nil},
		"mute and then": {[]error{&vm.BootError{}, other}, 2, other},
	} {
		calls := 0
		err := tryTwice(nil, "s", func() error { calls++; return tt.errs[calls-1] })
		if calls != tt.calls || tt.want != nil && !errors.Is(err, tt.want) || name != "exited" && tt.want == nil && err != nil {
			t.Errorf("%s: %d calls, %v", name, calls, err)
		}
	}
}

func TestRunNeedsWorkbench(t *testing.T) {
	if _, err := Run(t.Context(), Options{Source: prepare.Source{Root: t.TempDir()}}); !errors.Is(err, manifest.ErrNoProject) {
		t.Errorf("got %v", err)
	}
	for name, source := range map[string]prepare.Source{
		"selected": {Root: "/nosuch", Select: manifest.Selection{Only: []string{"a"}}}, "a tree": {Root: "/nosuch", KernelDir: "/k"},
	} {
		if keys, err := (&Options{Source: source}).alternatives(); keys != nil || err != nil {
			t.Errorf("%s: %q, %v", name, keys, err)
		}
	}
}
