// SPDX-License-Identifier: GPL-2.0-only OR MIT

package matrix

import (
	"cmp"
	"slices"

	"xpsgen/vmtest/cell"
)

// Simulation is how long a plan takes on a given number of workers.
type Simulation struct {
	Workers int `json:"workers"`
	// Warm is the makespan in seconds with the kernels in the cache of each worker.
	// Cold is the makespan with workers that share no cache: each builds a kernel
	// before its first cell that needs it.
	Warm float64 `json:"warm_seconds"`
	Cold float64 `json:"cold_seconds"`
	// Longest is the longest cell of the warm plan: no number of workers is faster.
	Longest float64 `json:"longest_cell_seconds"`
}

// Simulate computes the makespans by list scheduling: the longest cell first, each on the
// worker that ends it first.
func Simulate(p *cell.Plan, workers int) Simulation {
	s := Simulation{Workers: workers, Warm: makespan(p.Cells, workers, false), Cold: makespan(p.Cells, workers, true)}
	for _, c := range p.Cells {
		s.Longest = max(s.Longest, c.CostSeconds)
	}
	return s
}

// worker is a machine of a simulation.
type worker struct {
	busy float64
	has  map[string]bool
}

// takes is how long the worker needs for a cell.
func (w *worker) takes(c *cell.Cell, cold bool) float64 {
	if cold && c.Cache != "" && !w.has[c.Cache] {
		return c.CostSeconds + c.BuildSeconds
	}
	return c.CostSeconds
}

func makespan(cells []*cell.Cell, n int, cold bool) (end float64) {
	list := slices.Clone(cells)
	slices.SortStableFunc(list, func(a, b *cell.Cell) int {
		cost := func(c *cell.Cell) float64 {
			if cold {
				return c.CostSeconds + c.BuildSeconds
			}
			return c.CostSeconds
		}
		return cmp.Compare(cost(b), cost(a))
	})
	workers := make([]worker, n)
	for _, c := range list {
		best := &workers[0]
		for i := range workers {
			if w := &workers[i]; w.busy+w.takes(c, cold) < best.busy+best.takes(c, cold) {
				best = w
			}
		}
		best.busy += best.takes(c, cold)
		if c.Cache != "" {
			if best.has == nil {
				best.has = map[string]bool{}
			}
			best.has[c.Cache] = true
		}
		end = max(end, best.busy)
	}
	return round(end)
}
