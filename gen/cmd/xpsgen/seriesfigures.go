// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"

	"xpsgen/vmtest/bench"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/tree/manifest"
)

// figures returns the figures that the cover letter of a thread may quote: the counts
// of the last run, or those in the repository. It ignores counts of another version of
// the series, with a notice.
func (e *exporter) figures(ctx context.Context, t manifest.Thread) (map[string]string, error) {
	if e.results != nil {
		return e.results, nil
	}
	if t.Project.Guest != manifest.GuestKernel {
		return nil, nil
	}
	for _, file := range []string{benchFile(e.root, t.Base.Name), baselineFile(e.root, t.Base.Name)} {
		r, err := bench.Load(file)
		if errors.Is(err, bench.ErrNoBaseline) {
			continue
		}
		if err != nil {
			return nil, err
		}
		src := prepare.Source{Root: e.root, Cache: e.cache, Base: t.Base.Name, Progress: e.env.ui.Progress()}
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
		e.env.ui.Important(fmt.Sprintf("ignored the counts in %s: they are of another version of the series on base %s (run make bench)", file, t.Base.Name))
	}
	return nil, nil
}
