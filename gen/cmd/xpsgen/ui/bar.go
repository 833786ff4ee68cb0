// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ui

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"xpsgen/vmtest/progress"
)

// bar is the line that is redrawn: a bar if the total is known, otherwise a spinner.
type bar struct {
	step  string
	total int64
	w     io.Writer
	pb    *progressbar.ProgressBar
}

func newBar(w io.Writer, e progress.Event) *bar {
	b := &bar{step: e.Step, w: w}
	b.open(e)
	return b
}

func (b *bar) open(e progress.Event) {
	b.total = e.Total
	max := e.Total
	if max == 0 {
		max = -1
	}
	options := []progressbar.Option{
		progressbar.OptionSetWriter(b.w),
		progressbar.OptionSetDescription(describe(e)),
		progressbar.OptionSetWidth(24),
		progressbar.OptionThrottle(100 * time.Millisecond),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetElapsedTime(true),
		progressbar.OptionSetPredictTime(e.Total > 0),
		progressbar.OptionSetRenderBlankState(e.Done == 0),
		progressbar.OptionSpinnerType(14),
		// Disable the library's goroutine: it would continue to draw after Clear,
		// over later output.
		progressbar.OptionSetSpinnerChangeInterval(0),
	}
	switch {
	case e.Unit == "bytes":
		options = append(options, progressbar.OptionShowBytes(true))
	case e.Total > 0:
		options = append(options, progressbar.OptionShowCount())
	}
	b.pb = progressbar.NewOptions64(max, options...)
}

func (b *bar) set(e progress.Event) {
	if e.Total != b.total {
		b.clear()
		b.open(e)
	}
	// Ignore a count beyond the total. The total is only an estimate from another
	// configuration.
	if e.Total == 0 || e.Done < e.Total {
		_ = b.pb.Set64(e.Done)
	}
	b.pb.Describe(describe(e))
}

func (b *bar) clear() { _ = b.pb.Clear() }

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
