// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ui

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/cheggaaa/pb/v3"
	"golang.org/x/term"

	"xpsgen/vmtest/progress"
)

// bar is the line that is redrawn: a bar if the total is known, otherwise a spinner.
type bar struct {
	step  string
	total int64
	w     io.Writer
	pb    *pb.ProgressBar
	drawn time.Time
}

// redraw is the minimum time between two drawings of a bar.
const redraw = 100 * time.Millisecond

func newBar(w io.Writer, e progress.Event) *bar {
	b := &bar{step: e.Step, w: w}
	b.open(e)
	b.draw()
	return b
}

// open makes the bar. The library only renders it: its own goroutine would continue to
// draw after clear, over later output.
func (b *bar) open(e progress.Event) {
	b.total = e.Total
	template := `{{string . "what"}} {{cycle . "⠋" "⠙" "⠹" "⠸" "⠼" "⠴" "⠦" "⠧" "⠇" "⠏"}} {{string . "count"}} {{etime .}}`
	if e.Total > 0 {
		template = `{{string . "what"}} {{bar . "[" "=" ">" " " "]"}} {{string . "count"}}, {{etime .}}{{rtime . ", %s left" "" ""}}`
	}
	columns := defaultColumns
	if f, ok := b.w.(*os.File); ok {
		if c, _, err := term.GetSize(int(f.Fd())); err == nil && c > 0 {
			columns = c
		}
	}
	b.pb = pb.New64(e.Total).SetTemplateString(template).SetWidth(columns - 1)
	b.fill(e)
}

// defaultColumns is the width of a terminal whose width is unknown.
const defaultColumns = 80

func (b *bar) set(e progress.Event) {
	if e.Total != b.total {
		b.open(e)
		b.draw()
		return
	}
	b.fill(e)
	if time.Since(b.drawn) >= redraw {
		b.draw()
	}
}

// fill updates the texts and the count from e.
func (b *bar) fill(e progress.Event) {
	b.pb.Set("what", describe(e))
	// Ignore a count beyond the total. The total is only an estimate from another
	// configuration.
	if e.Total == 0 || e.Done < e.Total {
		b.pb.SetCurrent(e.Done).Set("count", count(e))
	}
}

func (b *bar) draw() {
	b.drawn = time.Now()
	_, _ = io.WriteString(b.w, eraseLine+b.pb.String())
}

// eraseLine moves the cursor to the beginning of the line and deletes it.
const eraseLine = "\r\x1b[K"

func (b *bar) clear() { _, _ = io.WriteString(b.w, eraseLine) }

func describe(e progress.Event) string {
	if e.Text == "" {
		return e.Step
	}
	return fmt.Sprintf("%s: %.40s", e.Step, e.Text)
}

// count formats the progress of a step: "312/812 objects".
func count(e progress.Event) string {
	switch {
	case e.Unit == "bytes" && e.Total > 0:
		return fmt.Sprintf("%d/%d MiB", e.Done>>20, e.Total>>20)
	case e.Unit == "bytes":
		return fmt.Sprintf("%d MiB", e.Done>>20)
	case e.Total > 0:
		return fmt.Sprintf("%d/%d %s", e.Done, e.Total, e.Unit)
	case e.Done > 0:
		return fmt.Sprintf("%d %s", e.Done, e.Unit)
	}
	return ""
}
