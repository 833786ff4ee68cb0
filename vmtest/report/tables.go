// SPDX-License-Identifier: GPL-2.0-only OR MIT

package report

import (
	"fmt"
	"slices"

	"xpsgen/vmtest/bench"
	"xpsgen/vmtest/guest/bench/record"
)

// table is one of the page's tables, ready to be shown.
type table struct {
	Title, Note string
	Columns     []string
	Rows        []row
}

type row struct {
	Name  string
	Cells []string
}

// tables shows the figures of one benchmark.
func tables(r *bench.Results) []table {
	all := []table{costs(r)}
	if g := growth(r); len(g.Rows) > 0 {
		all = append(all, g)
	}
	return all
}

// costs has a row per contender and a column per path. A cell is the difference in
// instructions to the base kernel without any configuration.
func costs(r *bench.Results) table {
	columns := paths(r.Patched, false)
	t := table{
		Title: "All counts",
		Note: "Difference in instructions to the base kernel without the series and without any configuration. A count is negative " +
			"if the kernel need not compute the flow hash. The column queue shows the queue that the packets used.",
		Columns: append([]string{"queue"}, columns...),
	}
	for _, k := range []struct {
		name    string
		figures []bench.Figure
	}{{"base: ", r.Unpatched}, {"series: ", r.Patched}} {
		for _, c := range contenders(k.figures) {
			line := row{Name: k.name + c, Cells: []string{bench.Binding(k.figures, c)}}
			for _, p := range columns {
				f := bench.Find(k.figures, record.ID{Contender: c, Path: p})
				reference := r.Reference(c, p)
				if f == nil || reference == nil {
					line.Cells = append(line.Cells, "")
					continue
				}
				line.Cells = append(line.Cells, fmt.Sprintf("%+.0f", f.Min-reference.Min))
			}
			t.Rows = append(t.Rows, line)
		}
	}
	return t
}

// growth shows how counts grow with the number of queues or devices.
func growth(r *bench.Results) table {
	t := table{Title: "Counts that may grow with queues or devices", Note: "Instructions per operation, for that many queues or devices."}
	for _, path := range paths(r.Patched, true) {
		for _, k := range []struct {
			name    string
			figures []bench.Figure
		}{{"base: ", r.Unpatched}, {"series: ", r.Patched}} {
			rows := map[string]*row{}
			var order []string
			for _, f := range k.figures {
				if f.Path != path || f.Size == 0 {
					continue
				}
				if rows[f.Contender] == nil {
					rows[f.Contender] = &row{Name: path + ", " + k.name + f.Contender}
					order = append(order, f.Contender)
				}
				rows[f.Contender].Cells = append(rows[f.Contender].Cells, fmt.Sprintf("%.0f", f.Min))
				if column := fmt.Sprint(f.Size); !slices.Contains(t.Columns, column) {
					t.Columns = append(t.Columns, column)
				}
			}
			for _, c := range order {
				t.Rows = append(t.Rows, *rows[c])
			}
		}
	}
	return t
}

// paths lists the paths of figures with a size, or of figures without.
func paths(figures []bench.Figure, sized bool) []string {
	var all []string
	for _, f := range figures {
		if (f.Size != 0) == sized && !slices.Contains(all, f.Path) {
			all = append(all, f.Path)
		}
	}
	return all
}

func contenders(figures []bench.Figure) []string {
	var all []string
	for _, f := range figures {
		if f.Size == 0 && !slices.Contains(all, f.Contender) {
			all = append(all, f.Contender)
		}
	}
	return all
}
