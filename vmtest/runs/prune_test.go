// SPDX-License-Identifier: GPL-2.0-only OR MIT

package runs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPrune(t *testing.T) {
	const kilo = 10_000
	cases := map[string]struct {
		opt  PruneOptions
		want []string // hours of the runs that go
	}{
		"no limit":  {PruneOptions{}, nil},
		"age":       {PruneOptions{OlderThan: 7 * time.Hour}, []string{"10", "8"}},
		"count":     {PruneOptions{Keep: 5}, []string{"10"}},
		"size":      {PruneOptions{Bytes: 6*kilo + kilo/2}, []string{"10", "8"}},
		"all of it": {PruneOptions{Keep: 1}, []string{"10", "8", "6"}},
		"dry run":   {PruneOptions{Keep: 1, DryRun: true}, []string{"10", "8", "6"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			root := workbench(t)
			out := filepath.Join(root, "out")
			s := &Store{Dir: Dir(root)}
			subject := Subject{Base: "6.12"}
			now := time.Now().UTC()
			begin := func(hours int, state State) *Run {
				t.Helper()
				r := Record{Kind: Suite, Subject: subject, Started: now.Add(-time.Duration(hours) * time.Hour),
					Selection: "part", Inputs: present(t, root, Suite, subject)}
				if hours <= 2 {
					r.Selection = ""
				}
				run, err := s.Begin(t.Context(), r)
				if err != nil {
					t.Fatal(err)
				}
				write(t, filepath.Join(run.Dir(), "console.log"), strings.Repeat("x", kilo))
				if state != Running {
					if err := run.End(state); err != nil {
						t.Fatal(err)
					}
				}
				return run
			}
			running := begin(12, Running)
			defer running.End(Interrupted)
			byHour := map[string]string{}
			for _, h := range []int{10, 9, 8, 6} {
				run := begin(h, Passed)
				byHour[time.Duration(h*int(time.Hour)).String()] = run.Record.ID
				if h == 9 { // a link keeps it
					if err := run.Point(filepath.Join(out, "bench", "6.12.json"), "console.log"); err != nil {
						t.Fatal(err)
					}
				}
			}
			begin(2, Passed) // what the picture shows
			begin(1, Broken) // later than that
			all, err := s.List()
			if err != nil {
				t.Fatal(err)
			}
			p, err := NewPicture(t.Context(), root, all)
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(s.Dir, awayPrefix+"killed", "console.log"), "half removed")
			gone, err := s.Prune(p, out, c.opt)
			if err != nil {
				t.Fatal(err)
			}
			var got, want []string
			for _, g := range gone {
				got = append(got, g.ID)
				if g.Bytes < kilo {
					t.Errorf("%s had %d bytes", g.ID, g.Bytes)
				}
			}
			for _, h := range c.want {
				want = append(want, byHour[h+"h0m0s"])
			}
			if !slices.Equal(got, want) {
				t.Errorf("removed %q, want %q", got, want)
			}
			left, err := s.List()
			if err != nil {
				t.Fatal(err)
			}
			wantLeft := len(all) - len(want)
			if c.opt.DryRun {
				wantLeft = len(all)
			}
			if len(left) != wantLeft {
				t.Errorf("%d runs are left, want %d", len(left), wantLeft)
			}
			_, err = os.Stat(filepath.Join(s.Dir, awayPrefix+"killed"))
			if os.IsNotExist(err) == c.opt.DryRun {
				t.Errorf("what an interrupted prune left: %v", err)
			}
		})
	}
}

func TestDiff(t *testing.T) {
	s := &Store{Dir: t.TempDir()}
	begin := func(ktap string, state State, change func(*Record)) *Record {
		t.Helper()
		r := netNext()
		r.Versions = map[string]string{"qemu": "7.2"}
		change(&r)
		run, err := s.Begin(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(run.Dir(), KTAPFile), ktap)
		if err := run.End(state); err != nil {
			t.Fatal(err)
		}
		return &run.Record
	}
	one := begin("KTAP version 1\n1..2\nok 1 a01\nok 2 a02\n", Passed, func(*Record) {})
	two := begin("KTAP version 1\n1..2\nok 1 a01\nnot ok 2 a02 # queue 1\n", Failed, func(r *Record) {
		r.Inputs, r.Versions, r.Selection = Inputs{"suite": "2"}, map[string]string{"qemu": "10"}, "--run a"
	})
	got, err := Diff(one, two)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"partial: none -> --run a", "input: suite changed", "qemu: 7.2 -> 10", "state: passed -> failed", "a02: pass -> fail (queue 1)"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, err := Diff(one, one); err != nil || len(got) != 0 {
		t.Errorf("a run and itself: %q, %v", got, err)
	}
}
