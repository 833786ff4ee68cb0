// SPDX-License-Identifier: GPL-2.0-only OR MIT

package report

import (
	"slices"
	"strings"

	"xpsgen/vmtest/runs"
)

// grid is the picture with a row for each subject and a column for each kind
// that was run.
type grid struct {
	Kinds []runs.Kind
	Rows  []gridRow
}

type gridRow struct {
	Series, Base, Config string
	// Cells has an entry for each of the grid's kinds, nil where nothing ran.
	Cells []*runs.Cell
}

// matrix arranges the cells of a picture.
func matrix(p *runs.Picture) grid {
	var g grid
	for _, k := range runs.Kinds() {
		if slices.ContainsFunc(p.Cells, func(c *runs.Cell) bool { return c.Kind == k }) {
			g.Kinds = append(g.Kinds, k)
		}
	}
	for _, c := range p.Cells {
		if !slices.Contains(g.Kinds, c.Kind) {
			g.Kinds = append(g.Kinds, c.Kind)
		}
	}
	index := map[string]int{}
	for _, c := range p.Cells {
		name := c.Subject.Name() + strings.Join(c.Trees, "\n")
		i, ok := index[name]
		if !ok {
			i = len(g.Rows)
			index[name] = i
			row := gridRow{Series: c.SeriesName(), Base: c.Base, Config: c.ConfigName(), Cells: make([]*runs.Cell, len(g.Kinds))}
			if len(c.Trees) > 0 {
				row.Config += ", " + strings.Join(c.Trees, ", ")
			}
			g.Rows = append(g.Rows, row)
		}
		g.Rows[i].Cells[slices.Index(g.Kinds, c.Kind)] = c
	}
	return g
}

// cellAnchor is the anchor of a cell on the page.
func cellAnchor(c *runs.Cell) string {
	return anchor("run", string(c.Kind), c.Subject.Name())
}

// anchor joins parts to a name that a URL can end with.
func anchor(parts ...string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return r
		}
		return '-'
	}, strings.Join(parts, "-"))
}
