// SPDX-License-Identifier: GPL-2.0-only OR MIT

package matrix

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"xpsgen/vmtest/cell"
	"xpsgen/vmtest/runs"
)

// defaults are the costs in seconds of a cell that no record has, with a warm cache, on
// two cores without KVM. Those of builds, suite, unpatched, mutants, objects, stress,
// fuzz-headers and verify-uapi were measured. That of bisect is an hour over 34 patches.
// The others are estimates.
var defaults = map[string]float64{
	"lint": 60, "unit": 300, "check": 45, "series": 150, "check-uapi": 20, "builds": 137, "suite": 14, "unpatched": 5, "bisect": 106,
	"mutants": 5, "guest": 60, "peers": 300, "mutate": 1800, "reach": 180, "objects": 119, "foreign": 60, "faults": 300, "report-test": 30,
	"seeds": 600, "bench-policies": 120, "ten-days": 1800, "series-real": 300, "stress": 228, "full": 1200, "fuzz": 1800, "fuzz-ip": 600,
	"fuzz-headers": 720, "objects-mutants": 900, "ip-testsuite": 300, "edits": 2400, "ip-warnings": 300, "defects": 1800, "verify-uapi": 900, "ports": 120,
	"bare-debian": 600, "stock": 300, "prove-quick": 60, "prove": 120, "prove-mutants": 600,
}

// itemDefaults are the costs in seconds of one item, without the start of its cell.
var itemDefaults = map[string]float64{"suite": 0.07, "mutants": 17}

// slower is the factor by which a configuration slows down the suite.
var slower = map[string]float64{"debug": 8, "rt": 2, "kcsan": 10, "bhlock": 1, "syz": 8}

func slowness(config []string) float64 {
	most := 1.0
	for _, f := range config {
		most = max(most, slower[f])
	}
	return most
}

// buildSeconds is the time to build the kernel of a configuration from nothing, on two
// cores.
func buildSeconds(config []string) float64 {
	if slowness(config) >= slower["debug"] {
		return 600
	}
	return 360
}

// recent is how many of the newest runs an estimate takes.
const recent = 5

// costs estimates costs from records.
type costs struct{ records []*runs.Record }

func newCosts(records []*runs.Record) *costs { return &costs{records} }

// of returns the judged runs of the cell's kind, subject and configuration, the
// newest first. They may be partial.
func (k *costs) of(c *cell.Cell) (list []*runs.Record) {
	subject := c.Subject("")
	for _, r := range k.records {
		if r.Kind != c.RunKind() || !r.State.Judged() || r.Elapsed() == 0 || r.Series != subject.Series || r.Unpatched != subject.Unpatched ||
			!slices.Equal(r.Config, subject.Config) || subject.Base != "" && r.Base != subject.Base ||
			r.Arch != subject.Arch || len(r.Trees)+len(r.Only)+len(r.With)+len(r.Without) > 0 {
			continue
		}
		list = append(list, r)
	}
	return list
}

// whole estimates a cell that is not split.
func (k *costs) whole(c *cell.Cell) (seconds float64, from string) {
	var all []float64
	if c.Kind == "bisect" {
		// Its record is of all series.
		all = k.items(c)[fmt.Sprintf("%s-%d", c.Series, c.Patch)]
	} else {
		all = k.runs(c)
	}
	if len(all) > 0 {
		return typical(c, all), measured(len(all))
	}
	return defaults[c.Kind] * slowness(c.Config), FromDefault
}

// runs are the times in seconds of the newest runs that passed and did what the cell does.
func (k *costs) runs(c *cell.Cell) (all []float64) {
	part := ""
	if c.Kind == "check" {
		part += " --fast"
	}
	if c.Patch > 0 {
		part += fmt.Sprintf(" --patch %d", c.Patch)
	}
	for _, r := range k.of(c) {
		selected, _, _ := strings.Cut(r.Selection, " (")
		if r.State == runs.Passed && selected == strings.TrimPrefix(part, " ") {
			if all = append(all, r.Elapsed().Seconds()); len(all) == recent {
				break
			}
		}
	}
	return all
}

// FromDefault is the source of a cost from [defaults].
const FromDefault = "default"

func measured(n int) string {
	if n == 1 {
		return "1 run"
	}
	return fmt.Sprintf("%d runs", n)
}

// typical is an estimate from times in seconds. For checks it is the upper
// quartile, because a repeated check takes its results from the cache. For
// other cells it is the lower quartile, because some of the runs also built a
// kernel.
func typical(c *cell.Cell, all []float64) float64 {
	s := slices.Sorted(slices.Values(all))
	at := 0.25
	if c.RunKind() == runs.Check {
		at = 0.75
	}
	return round(s[max(0, int(math.Ceil(at*float64(len(s))))-1)])
}

func round(seconds float64) float64 { return math.Round(seconds*10) / 10 }

// items returns the measured times of each test in seconds, the newest first. It uses the
// runs that [costs.of] returns.
func (k *costs) items(c *cell.Cell) map[string][]float64 {
	times := map[string][]float64{}
	for _, r := range k.of(c) {
		report, err := r.Report()
		if err != nil {
			continue // a run without readable results is no source
		}
		for _, t := range report.Flat() {
			name := t.Name
			if c.Kind == "bisect" {
				name = stepName(name)
			}
			if t.Duration > 0 && len(times[name]) < recent {
				times[name] = append(times[name], t.Duration.Seconds())
			}
		}
	}
	return times
}

// stepName cuts the key of the patch off the name of a step of bisect: "hook-2" of
// "hook-2-rtnetlink".
func stepName(name string) string {
	words := strings.Split(name, "-")
	for i, w := range words {
		if i > 0 && w != "" && strings.Trim(w, "0123456789") == "" {
			return strings.Join(words[:i+1], "-")
		}
	}
	return name
}

// shards splits a cell into shards of about the same cost, none of which is to take
// longer than limit. A cell that does not take longer stays whole; then it has items
// only if chosen says that they are not all.
func (k *costs) shards(c cell.Cell, items []string, limit time.Duration, chosen bool) (list []cell.Cell, seconds float64, from string) {
	times := k.items(&c)
	one := itemDefaults[c.Kind] * slowness(c.Config)
	start := defaults[c.Kind] * slowness(c.Config)
	if c.Kind == "suite" {
		start -= one * float64(len(items)) // the default is that of all tests
	}
	costs, known, total := make([]float64, len(items)), 0, 0.0
	for i, name := range items {
		costs[i] = one
		if t := times[name]; len(t) > 0 {
			costs[i], known = typical(&c, t), known+1
		}
		total += costs[i]
	}
	seconds, from = round(start+total), fmt.Sprintf("%d of %d items measured", known, len(items))
	if known == 0 {
		from = FromDefault
	}
	if whole, runs := k.whole(&c); !chosen && runs != FromDefault {
		seconds, from = whole, runs
		start = max(0, whole-total)
	}
	n := 1
	// Each shard pays for its own start.
	if room := limit.Seconds() - start; limit > 0 && seconds > limit.Seconds() {
		n = len(items)
		if room > 0 {
			n = min(n, int(math.Ceil(total/room)))
		}
	}
	if n <= 1 {
		if chosen {
			c.Shard, c.Items = "1-of-1", items
		}
		return []cell.Cell{c}, seconds, from
	}
	for i, part := range balance(costs, n) {
		s := c
		s.Shard = fmt.Sprintf("%d-of-%d", i+1, n)
		s.CostSeconds, s.CostFrom = start, from
		for _, j := range part {
			s.Items = append(s.Items, items[j])
			s.CostSeconds += costs[j]
		}
		s.CostSeconds = round(s.CostSeconds)
		list = append(list, s)
	}
	return list, seconds, from
}

// balance distributes costs over n parts, the most expensive first, each to the part that
// has the least. It returns the indices of each part in order. No part is empty if there
// are at least n costs.
func balance(costs []float64, n int) [][]int {
	index := make([]int, len(costs))
	for i := range index {
		index[i] = i
	}
	slices.SortStableFunc(index, func(a, b int) int { return cmp.Compare(costs[b], costs[a]) })
	parts, sums := make([][]int, n), make([]float64, n)
	for _, i := range index {
		least := 0
		for p := range parts {
			if cmp.Or(cmp.Compare(sums[p], sums[least]), cmp.Compare(len(parts[p]), len(parts[least]))) < 0 {
				least = p
			}
		}
		parts[least] = append(parts[least], i)
		sums[least] += costs[i]
	}
	for _, p := range parts {
		slices.Sort(p)
	}
	return parts
}
