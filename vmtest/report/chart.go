// SPDX-License-Identifier: GPL-2.0-only OR MIT

package report

import (
	"fmt"

	"xpsgen/vmtest/bench"
	"xpsgen/vmtest/boots"
	"xpsgen/vmtest/guest/bench/record"
)

// chart is a row of horizontal bars, each with its value in figures.
type chart struct {
	Caption string
	Bars    []bar
}

// bar is one line of a chart. Left and Width are percentages of the space
// that all bars share.
type bar struct {
	Name, Value string
	Left, Width float64
	// Negative marks a bar that ends at zero instead of beginning there.
	Negative bool
}

// newChart scales values to the space that they share. Zero is always in it.
func newChart(caption string, names []string, values []float64, format string) chart {
	var low, high float64
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	span := high - low
	if span == 0 {
		span = 1
	}
	c := chart{Caption: caption}
	for i, v := range values {
		c.Bars = append(c.Bars, bar{
			Name:     names[i],
			Value:    fmt.Sprintf(format, v),
			Left:     100 * (min(v, 0) - low) / span,
			Width:    100 * max(v, -v) / span,
			Negative: v < 0,
		})
	}
	return c
}

// benchCharts shows what each contender adds, on each path where contenders
// differ.
func benchCharts(r *bench.Results) []chart {
	var all []chart
	for _, path := range paths(r.Patched, false) {
		var names []string
		var values []float64
		for _, c := range contenders(r.Patched) {
			f := bench.Find(r.Patched, record.ID{Contender: c, Path: path})
			reference := r.Reference(c, path)
			if f == nil || reference == nil {
				continue
			}
			names, values = append(names, c), append(values, f.Min-reference.Min)
		}
		if len(values) < 2 {
			continue
		}
		all = append(all, newChart("path "+path, names, values, "%+.0f"))
	}
	return all
}

// stepsChart shows how long each step of a run took.
func stepsChart(r Suite) chart {
	var names []string
	var values []float64
	for _, s := range r.Steps {
		if !s.Cached {
			names, values = append(names, s.Step), append(values, s.Elapsed.Seconds())
		}
	}
	names, values = append(names, "boot", "boot and suite"), append(values, r.Boot.Seconds(), r.Total.Seconds())
	return newChart("seconds per step; steps that found their result in the cache are left out", names, values, "%.1f s")
}

// bootsChart compares ways to boot.
func bootsChart(times []boots.Time) chart {
	var names []string
	var values []float64
	for _, t := range times {
		names, values = append(names, t.Name), append(values, float64(t.Median.Milliseconds()))
	}
	return newChart("median of all boots, in milliseconds", names, values, "%.0f ms")
}
