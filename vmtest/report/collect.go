// SPDX-License-Identifier: GPL-2.0-only OR MIT

package report

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"xpsgen/vmtest/bench"
	"xpsgen/vmtest/boots"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/runs"
	"xpsgen/vmtest/verdict"
)

// Collect reads the results of records, which are the newest first, and the
// series of the workbench at root. Results that cannot be read are an error, so
// that the page does not hide them.
func Collect(ctx context.Context, root string, records []*runs.Record, now time.Time) (*Data, error) {
	d := &Data{Now: now.UTC(), Records: records, Stale: map[string]bool{}}
	d.Commit, d.Dirty = runs.Workbench(ctx, root)
	var err error
	if d.Picture, err = runs.NewPicture(ctx, root, records); err != nil {
		return nil, err
	}
	look := runs.NewLooker(root)
	for _, r := range records {
		stale, err := look.Stale(ctx, r)
		if err != nil && !errors.Is(err, runs.ErrGone) {
			return nil, err
		}
		d.Stale[r.ID] = err != nil || len(stale) > 0
	}
	notes := map[string][]runs.Note{}
	var past []*history
	for _, c := range d.Picture.Cells {
		if err := d.collect(c, &past); err != nil {
			return nil, fmt.Errorf("run %s: %w", c.Run.ID, err)
		}
		if len(c.Stale) > 0 {
			continue // its notes are on lines of other patches
		}
		found, err := c.Run.Notes()
		if err != nil {
			return nil, err
		}
		for _, n := range found {
			notes[n.Patch] = append(notes[n.Patch], n)
		}
	}
	d.Tests = groups(d.Columns, past)
	if d.Series, err = readSeries(ctx, root, notes); err != nil {
		return nil, err
	}
	return d, nil
}

// collect reads the files of the run that c shows.
func (d *Data) collect(c *runs.Cell, past *[]*history) error {
	var (
		results *verdict.Results
		h       *history
		err     error
	)
	switch c.Kind {
	case runs.Suite:
		if results, err = verdict.Read(c.Run.Dir); err != nil && !errors.Is(err, verdict.ErrNoResults) {
			return err
		}
		if results != nil {
			d.Suites = append(d.Suites, Suite{c, results})
		}
	case runs.Bench:
		b := Bench{Cell: c}
		if b.Results, err = bench.Load(filepath.Join(c.Run.Dir, runs.BenchFile)); err == nil {
			if b.Over, err = trends(c); err != nil {
				return err
			}
			d.Bench = append(d.Bench, b)
		} else if !errors.Is(err, bench.ErrNoBaseline) {
			return err
		}
	case runs.Boots:
		if d.Boots, err = boots.Read(filepath.Join(c.Run.Dir, runs.BootsFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	case runs.BuildTimes:
		if d.Builds, err = prepare.ReadBuilds(filepath.Join(c.Run.Dir, runs.BuildsFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if h, err = readHistory(c); err != nil {
		return err
	}
	// On a kernel without the series most tests must fail.
	if c.Kind == runs.Suite && !c.Unpatched && len(h.order) > 0 {
		d.Columns, *past = append(d.Columns, c), append(*past, h)
	}
	if c.Verdict != runs.VerdictFailed {
		return nil
	}
	report, err := c.Run.Report()
	if err != nil {
		return err
	}
	d.Failures = append(d.Failures, failure(c, report, results, h))
	return nil
}
