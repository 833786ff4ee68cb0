// SPDX-License-Identifier: GPL-2.0-only OR MIT

package report

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"xpsgen/vmtest/bench"
	"xpsgen/vmtest/guest/bench/record"
	"xpsgen/vmtest/runs"
)

// Trend is the cost that contenders add on one path, run by run.
type Trend struct {
	Path string
	// Runs are the columns, the oldest first.
	Runs []*runs.Record
	Rows []trendRow
}

type trendRow struct {
	Name  string
	Cells []trendCell
}

// trendCell is a count in one run. Moved means that it drifted from the run
// before.
type trendCell struct {
	Text  string
	Moved bool
}

// maxTrend is how many runs a trend goes back.
const maxTrend = 8

// trends follow the counts over the runs of c. There are none if only one run
// was kept.
func trends(c *runs.Cell) ([]Trend, error) {
	var records []*runs.Record
	var results []*bench.Results
	for _, r := range c.Runs {
		if len(records) == maxTrend {
			break
		}
		found, err := bench.Load(filepath.Join(r.Dir, runs.BenchFile))
		if errors.Is(err, bench.ErrNoBaseline) {
			continue
		}
		if err != nil {
			return nil, err
		}
		records, results = append(records, r), append(results, found)
	}
	if len(records) < 2 {
		return nil, nil
	}
	newest := results[0]
	slices.Reverse(records)
	slices.Reverse(results)
	var all []Trend
	for _, path := range paths(newest.Patched, false) {
		t := Trend{Path: path, Runs: records}
		for _, contender := range contenders(newest.Patched) {
			line, any := trendRow{Name: contender}, false
			var before *bench.Figure
			for _, r := range results {
				f := bench.Find(r.Patched, record.ID{Contender: contender, Path: path})
				reference := r.Reference(contender, path)
				var cell trendCell
				if f != nil && reference != nil {
					cell = trendCell{fmt.Sprintf("%+.0f", f.Min-reference.Min), before != nil && bench.Drifted(before.Min, f.Min)}
					before, any = f, true
				}
				line.Cells = append(line.Cells, cell)
			}
			if any {
				t.Rows = append(t.Rows, line)
			}
		}
		if len(t.Rows) > 0 {
			all = append(all, t)
		}
	}
	return all, nil
}
