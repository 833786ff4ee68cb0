// SPDX-License-Identifier: GPL-2.0-only OR MIT

package report

import (
	"bytes"
	"fmt"
	"html"
	"html/template"
	"image/color"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"xpsgen/vmtest/bench"
	"xpsgen/vmtest/boots"
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
	var names []string
	var values plotter.Values
	for _, s := range r.Steps {
		names, values = append(names, s.Step), append(values, s.Elapsed.Seconds())
	}
	return bars(append(names, "boot", "boot and suite"), append(values, r.Boot.Seconds(), r.Total.Seconds()), "seconds")
}

// bootsPlot draws what ways to boot take.
func bootsPlot(boots []boots.Time) (template.HTML, error) {
	var names []string
	var values plotter.Values
	for _, b := range boots {
		names, values = append(names, b.Name), append(values, b.Median.Seconds())
	}
	return bars(names, values, "seconds, median")
}

// barColour stands in what is drawn for the page's own, which is another in the
// dark.
var barColour = color.RGBA{R: 0x12, G: 0x34, B: 0x56, A: 0xff}

// labelFont is measured here and, by the page's style, asked of the browser.
var labelFont = font.Font{Typeface: "Liberation", Variant: "Sans"}

// bars draws horizontal bars, the first one on top.
func bars(names []string, values plotter.Values, unit string) (template.HTML, error) {
	names, values = slices.Clone(names), slices.Clone(values)
	slices.Reverse(names)
	slices.Reverse(values)
	p := plot.New()
	for _, style := range []*text.Style{&p.X.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label} {
		style.Font.Typeface, style.Font.Variant = labelFont.Typeface, labelFont.Variant
	}
	p.X.Label.Text = unit
	p.BackgroundColor = nil
	const thick = 11
	b, err := plotter.NewBarChart(values, vg.Points(thick))
	if err != nil {
		return "", fmt.Errorf("plot: %w", err)
	}
	b.Horizontal = true
	b.LineStyle.Width = 0
	b.Color = barColour
	p.Add(plotter.NewGrid(), b)
	p.NominalY(names...)
	height := vg.Points(float64(60 + 18*len(values)))
	canvas := vgsvg.NewWith(vgsvg.UseWH(vg.Points(480), height))
	p.Draw(draw.New(canvas))
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return "", fmt.Errorf("plot: %w", err)
	}
	return inline(out.String()), nil
}

// label is a text in an SVG file as vgsvg writes it: what comes before its
// style, its size in pixels, and what it says.
var label = regexp.MustCompile(`<text ([^>]*)style="[^">]*font-size:([0-9.]+)px">([^<]*)</text>`)

// inline makes an SVG file a part of a page: without the file's prologue, in
// the page's own colours, light or dark, and in its fonts.
func inline(svg string) template.HTML {
	if i := strings.Index(svg, "<svg"); i >= 0 {
		svg = svg[i:]
	}
	// In a page, a length has no unit; the one of the file is left to viewBox.
	if head, rest, ok := strings.Cut(svg, ">"); ok {
		svg = strings.ReplaceAll(head, `pt"`, `"`) + ">" + rest
	}
	svg = label.ReplaceAllStringFunc(svg, func(found string) string {
		m := label.FindStringSubmatch(found)
		size, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			return found
		}
		// Whatever font the browser has, the text takes the room that was
		// left for it.
		face := font.DefaultCache.Lookup(labelFont, vg.Length(size))
		width := face.Width(html.UnescapeString(m[3]))
		return fmt.Sprintf(`<text %stextLength="%.1f" lengthAdjust="spacingAndGlyphs" style="font-size:%spx">%s</text>`,
			m[1], width.Points(), m[2], m[3])
	})
	svg = strings.NewReplacer("#000000", "currentColor", "#808080", "currentColor", "#123456", "var(--bar)").Replace(svg)
	return template.HTML(strings.Replace(svg, "<svg", `<svg role="img"`, 1))
}
