// SPDX-License-Identifier: GPL-2.0-only OR MIT

package bench

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"xpsgen/vmtest/guest/bench/record"
)

// Table writes the figures as text. The first lines have the instructions per packet of
// the base kernel without any configuration. The next lines have the instructions that each
// contender adds, and the queue that it selects. The last lines show how a count grows with
// a size.
func (r *Results) Table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	paths := r.paths()
	fmt.Fprintf(t, "instructions\t%s\tqueue\t\n", strings.Join(paths, "\t"))
	for _, k := range r.kernels() {
		for _, c := range contenders(k.figures) {
			fmt.Fprintf(t, "%s %s\t", k.name, c)
			for _, p := range paths {
				f := Find(k.figures, record.ID{Contender: c, Path: p})
				reference := r.Reference(c, p)
				switch {
				case f == nil:
				case reference == nil || k.unpatched && f.Contender == reference.Contender:
					fmt.Fprintf(t, "%.1f", f.Min)
				default:
					fmt.Fprintf(t, "%+.1f", f.Min-reference.Min)
				}
				fmt.Fprint(t, "\t")
			}
			fmt.Fprintf(t, "%s\t\n", Binding(k.figures, c))
		}
	}
	fmt.Fprintln(t)
	for _, k := range r.kernels() {
		for _, line := range growths(k.figures) {
			fmt.Fprintf(t, "%s %s\t\n", k.name, strings.Join(line, "\t"))
		}
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print the table: %w", err)
	}
	return nil
}

// kernel is one of the two measured kernels.
type kernel struct {
	name      string
	unpatched bool
	figures   []Figure
}

func (r *Results) kernels() []kernel {
	return []kernel{{"base", true, r.Unpatched}, {"series", false, r.Patched}}
}

// paths returns the paths on which packets were sent, in order.
func (r *Results) paths() []string {
	var all []string
	for _, f := range slices.Concat(r.Unpatched, r.Patched) {
		if f.Size == 0 && !slices.Contains(all, f.Path) {
			all = append(all, f.Path)
		}
	}
	return all
}

func contenders(figures []Figure) []string {
	var all []string
	for _, f := range figures {
		if f.Size == 0 && !slices.Contains(all, f.Contender) {
			all = append(all, f.Contender)
		}
	}
	return all
}

// growths returns one line per contender and path. The first cell names both; each further
// cell is "size: count".
func growths(figures []Figure) [][]string {
	var lines [][]string
	index := make(map[record.ID]int)
	for _, f := range figures {
		if f.Size == 0 {
			continue
		}
		id := record.ID{Contender: f.Contender, Path: f.Path}
		i, ok := index[id]
		if !ok {
			i = len(lines)
			index[id] = i
			lines = append(lines, []string{f.Contender + " " + f.Path})
		}
		lines[i] = append(lines[i], strconv.Itoa(f.Size)+": "+strconv.FormatFloat(f.Min, 'f', 1, 64))
	}
	return lines
}
