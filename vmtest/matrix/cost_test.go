// SPDX-License-Identifier: GPL-2.0-only OR MIT

package matrix

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"xpsgen/vmtest/cell"
	"xpsgen/vmtest/runs"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// record is a run that took some seconds.
func record(kind runs.Kind, base string, seconds float64, more func(*runs.Record)) *runs.Record {
	r := &runs.Record{Kind: kind, Subject: runs.Subject{Base: base}, State: runs.Passed, Started: noon,
		Ended: noon.Add(time.Duration(seconds * float64(time.Second)))}
	if more != nil {
		more(r)
	}
	return r
}

func TestWhole(t *testing.T) {
	partial := func(selection string) func(*runs.Record) { return func(r *runs.Record) { r.Selection = selection } }
	records := []*runs.Record{
		record(runs.Suite, "6.12", 900, func(r *runs.Record) { r.State = runs.Broken }),
		record(runs.Suite, "6.12", 901, partial("--run a24 (1 of 9 tests)")),
		record(runs.Suite, "6.12", 902, func(r *runs.Record) { r.Config = []string{"debug"} }),
		record(runs.Suite, "6.12", 4, func(r *runs.Record) { r.Unpatched = true }),
		record(runs.Suite, "6.12", 903, func(r *runs.Record) { r.Trees = []string{"kernel /x"} }),
		record(runs.Suite, "6.12", 904, func(r *runs.Record) { r.Without = []string{"tun"} }),
		record(runs.Suite, "net-next", 905, nil),
		record(runs.Suite, "6.12", 1, func(r *runs.Record) { r.State = runs.Failed }),
		record(runs.Suite, "6.12", 10, nil),
		record(runs.Suite, "6.12", 12, nil),
		record(runs.Suite, "6.12", 300, nil),
		record(runs.Suite, "6.12", 14, nil),
		record(runs.Suite, "6.12", 11, nil),
		record(runs.Suite, "6.12", 906, nil), // the sixth
		record(runs.Check, "6.12", 30, func(r *runs.Record) { r.Series, r.Selection = "hook", "--fast (28 of 34 checks)" }),
		record(runs.Check, "6.12", 900, func(r *runs.Record) { r.Series = "hook" }),
		record(runs.Check, "6.12", 901, func(r *runs.Record) { r.Series, r.Selection = "hook", "--only apply" }),
		record(runs.Check, "6.12", 77, func(r *runs.Record) { r.Series, r.Selection = "hook", "--patch 2 (34 of 34 checks)" }),
		record(runs.Check, "6.12", 0.1, func(r *runs.Record) { r.Series, r.Selection = "hook", "--fast (28 of 34 checks)" }),
		record("lint", "net-next", 20, nil),
	}
	for id, want := range map[string]string{
		"suite@6.12":                   "11 5 runs",
		"suite@6.12,config=debug":      "902 1 run",
		"unpatched@6.12":               "4 1 run",
		"suite@5.4":                    "14 default",
		"suite@5.4,config=debug":       "112 default",
		"check@6.12,series=hook":       "30 2 runs",
		"check@6.12,series=tun":        "45 default",
		"series@6.12,series=hook":      "900 1 run",
		"lint":                         "20 1 run",
		"bisect@6.12,series=a,patch=1": "106 default",
	} {
		c, err := cell.Parse(id)
		if err != nil {
			t.Fatal(err)
		}
		seconds, from := newCosts(records).whole(c)
		if got := fmt.Sprintf("%g %s", seconds, from); got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
}

// results leaves KTAP with a time for each test in the directory of a run.
func results(t *testing.T, r *runs.Record, times map[string]string) {
	t.Helper()
	r.Dir = t.TempDir()
	text := fmt.Sprintf("KTAP version 1\n1..%d\n", len(times))
	n := 0
	for name, elapsed := range times {
		n++
		text += fmt.Sprintf("# elapsed %s\nok %d %s\n", elapsed, n, name)
	}
	if err := os.WriteFile(filepath.Join(r.Dir, runs.KTAPFile), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The cost of a step of bisect does not depend on the key of its patch.
func TestBisectCost(t *testing.T) {
	r := record(runs.Bisect, "6.12", 1000, func(r *runs.Record) { r.Selection = "--series hook" })
	results(t, r, map[string]string{"hook-1-core": "200s", "hook-2-rtnetlink": "55s", "ip-xps-1-uapi": "7s"})
	for id, want := range map[string]float64{"bisect@6.12,series=hook,patch=2": 55, "bisect@6.12,series=ip-xps,patch=1": 7, "bisect@6.12,series=hook,patch=3": 106} {
		c, err := cell.Parse(id)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := newCosts([]*runs.Record{r}).whole(c); got != want {
			t.Errorf("%s costs %g, want %g", id, got, want)
		}
	}
}

// Shards have the same cost, also if one item costs as much as many others.
func TestShards(t *testing.T) {
	r := record(runs.Mutants, "6.12", 500, func(r *runs.Record) { r.Selection = "a b c d e" })
	results(t, r, map[string]string{"a": "100s", "b": "25s", "c": "25s", "d": "25s", "e": "25s"})
	c := cell.Cell{Kind: "mutants", Base: "6.12", Arch: "amd64", Attempt: 1}
	items := []string{"a", "b", "c", "d", "e"}
	list, total, from := newCosts([]*runs.Record{r}).shards(c, items, 110*time.Second, false)
	if total != 205 || from != "5 of 5 items measured" || len(list) != 2 {
		t.Fatalf("%d shards, %g s, %s", len(list), total, from)
	}
	for i, want := range [][]string{{"a"}, {"b", "c", "d", "e"}} {
		if !slices.Equal(list[i].Items, want) || list[i].CostSeconds != 105 || list[i].Shard != fmt.Sprintf("%d-of-2", i+1) {
			t.Errorf("shard %d: %+v", i+1, list[i])
		}
	}
	// No limit, and a chosen sample.
	list, _, _ = newCosts(nil).shards(c, items, 0, false)
	if len(list) != 1 || list[0].Shard != "" || list[0].Items != nil {
		t.Errorf("without a limit: %+v", list)
	}
	list, total, from = newCosts(nil).shards(c, items[:2], time.Hour, true)
	if len(list) != 1 || list[0].Shard != "1-of-1" || !slices.Equal(list[0].Items, items[:2]) || total != 39 || from != FromDefault {
		t.Errorf("a sample: %+v, %g s, %s", list, total, from)
	}
	// A limit that one item exceeds: one item each.
	if list, _, _ = newCosts(nil).shards(c, items, time.Second, false); len(list) != 5 {
		t.Errorf("a limit of 1 s: %+v", list)
	}
}

func TestBalance(t *testing.T) {
	for _, c := range []struct {
		costs []float64
		n     int
		want  string
	}{
		{[]float64{1, 1, 1, 1}, 2, "[[0 2] [1 3]]"},
		{[]float64{5, 1, 1, 1, 1, 1}, 2, "[[0] [1 2 3 4 5]]"},
		{[]float64{0, 0, 0}, 3, "[[0] [1] [2]]"},
		{[]float64{3, 2, 1}, 1, "[[0 1 2]]"},
	} {
		if got := fmt.Sprint(balance(c.costs, c.n)); got != c.want {
			t.Errorf("balance(%v, %d) = %s, want %s", c.costs, c.n, got, c.want)
		}
	}
}

func TestSimulate(t *testing.T) {
	p := &cell.Plan{Cells: []*cell.Cell{
		{CostSeconds: 40, Cache: "k", BuildSeconds: 100}, {CostSeconds: 30, Cache: "k", BuildSeconds: 100},
		{CostSeconds: 20}, {CostSeconds: 10},
	}}
	for n, want := range map[int]Simulation{
		1: {1, 100, 200, 40},
		2: {2, 50, 150, 40}, // both build the kernel
		3: {3, 40, 140, 40},
		9: {9, 40, 140, 40},
	} {
		if got := Simulate(p, n); got != want {
			t.Errorf("%d workers: %+v, want %+v", n, got, want)
		}
	}
}
