// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"xpsgen/gen/series"
	"xpsgen/vmtest/bench"
	"xpsgen/vmtest/prepare"
)

// figures are what the cover letter of a thread may quote: the counts of the
// last run, or those in the repository. Counts of a series that has changed
// since are none, which is said.
func (e *exporter) figures(ctx context.Context, t thread) (map[string]string, error) {
	if e.results != nil {
		return e.results, nil
	}
	if filepath.Base(t.series.Dir) != series.KernelDir {
		return nil, nil
	}
	for _, file := range []string{benchFile(e.root, t.base.Name), baselineFile(e.root, t.base.Name)} {
		r, err := bench.Load(file)
		if errors.Is(err, bench.ErrNoBaseline) {
			continue
		}
		if err != nil {
			return nil, err
		}
		src := prepare.Source{Root: e.root, Cache: e.cache, Base: t.base.Name, Progress: e.env.ui.Progress()}
		kernel, err := src.OpenKernel(ctx)
		if err != nil {
			return nil, err
		}
		tree, err := kernel.TreeID(ctx)
		if err != nil {
			return nil, err
		}
		if r.Tree == tree {
			return r.Texts(), nil
		}
		e.env.ui.Important(fmt.Sprintf("%s is of another series than %s has now: make bench counts anew", file, t.name()))
	}
	return nil, nil
}
