// SPDX-License-Identifier: GPL-2.0-only OR MIT

package report

import (
	"bytes"
	"fmt"
	"html/template"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"xpsgen/vmtest/bench"
	"xpsgen/vmtest/guest/bench/record"
)

// figure is a plot with what stands below it.
type figure struct {
	SVG     template.HTML
	Caption string
}

// plots draws a benchmark: what each contender adds, on each path where
// contenders differ.
func plots(r *bench.Results) ([]figure, error) {
	var all []figure
	for _, path := range paths(r.Patched, false) {
		var names []string
		var values plotter.Values
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
		svg, err := bars(names, values, "instructions added per packet")
		if err != nil {
			return nil, err
		}
		all = append(all, figure{SVG: svg, Caption: fmt.Sprintf("Path %q: instructions that each contender adds to the base kernel.", path)})
	}
	return all, nil
}

// stepsPlot draws how long each step of a run took.
func stepsPlot(r Run) (template.HTML, error) {
	names, values := []string{"boot", "boot and suite"}, plotter.Values{r.Boot.Seconds(), r.Total.Seconds()}
	for i := len(r.Steps) - 1; i >= 0; i-- {
		names, values = append(names, r.Steps[i].Step), append(values, r.Steps[i].Elapsed.Seconds())
	}
	return bars(names, values, "seconds")
}

// bars draws horizontal bars, the last one on top.
func bars(names []string, values plotter.Values, unit string) (template.HTML, error) {
	p := plot.New()
	p.X.Label.Text = unit
	p.BackgroundColor = nil
	const thick = 11
	b, err := plotter.NewBarChart(values, vg.Points(thick))
	if err != nil {
		return "", fmt.Errorf("plot: %w", err)
	}
	b.Horizontal = true
	b.LineStyle.Width = 0
	p.Add(plotter.NewGrid(), b)
	p.NominalY(names...)
	height := vg.Points(float64(60 + 18*len(values)))
	canvas := vgsvg.NewWith(vgsvg.UseWH(vg.Points(520), height))
	p.Draw(draw.New(canvas))
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return "", fmt.Errorf("plot: %w", err)
	}
	return inline(out.String()), nil
}

// inline makes an SVG file a part of a page: without the file's prologue, and
// in the page's own ink, light or dark.
func inline(svg string) template.HTML {
	if i := strings.Index(svg, "<svg"); i >= 0 {
		svg = svg[i:]
	}
	// In a page, a length has no unit; the one of the file is left to viewBox.
	if head, rest, ok := strings.Cut(svg, ">"); ok {
		svg = strings.ReplaceAll(head, `pt"`, `"`) + ">" + rest
	}
	svg = strings.NewReplacer("#000000", "currentColor", "#808080", "currentColor").Replace(svg)
	return template.HTML(strings.Replace(svg, "<svg", `<svg role="img"`, 1))
}
