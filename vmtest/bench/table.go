// SPDX-License-Identifier: GPL-2.0-only OR MIT

package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Table writes the figures for people: a row per contender, a column per
// path, instructions added to those of the base kernel with nothing
// configured.
func (r *Results) Table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	var paths []string
	for _, f := range slices.Concat(r.Unpatched, r.Patched) {
		if f.Size == 0 && !slices.Contains(paths, f.Path) {
			paths = append(paths, f.Path)
		}
	}
	fmt.Fprintf(t, "\t%s\tqueue\t\n", strings.Join(paths, "\t"))
	rows := func(kernel string, figures []Figure) {
		var contenders []string
		for _, f := range figures {
			if f.Size == 0 && !slices.Contains(contenders, f.Contender) {
				contenders = append(contenders, f.Contender)
			}
		}
		for _, c := range contenders {
			fmt.Fprintf(t, "%s %s\t", kernel, c)
			queue := "-"
			for _, p := range paths {
				id := (&Figure{}).ID
				id.Contender, id.Path = c, p
				f := Find(figures, id)
				if f == nil {
					fmt.Fprint(t, "\t")
					continue
				}
				fmt.Fprintf(t, "%.1f (%.1f %d)\t", f.Min, f.Median-f.Min, f.Interrupted)
				if bound, ok := f.Bound(); ok {
					queue = map[bool]string{true: "as asked", false: fmt.Sprint("not as asked: ", f.Queues)}[bound]
				}
			}
			fmt.Fprintf(t, "%s\t\n", queue)
		}
	}
	rows("base", r.Unpatched)
	rows("series", r.Patched)
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print the table: %w", err)
	}
	return nil
}
