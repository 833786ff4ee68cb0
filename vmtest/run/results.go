// SPDX-License-Identifier: GPL-2.0-only OR MIT

package run

import (
	"bytes"
	"fmt"
	"io"

	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/progress"
)

// results copies the guest's KTAP to the file, the parser and the caller's writer.
type results struct {
	file     io.Writer
	live     io.Writer
	parser   ktap.Parser
	total    int
	step     string
	progress progress.Func
	done     int
	err      error
}

// Write never fails: the results must be kept even if the reader of the output
// is gone.
func (r *results) Write(b []byte) (int, error) {
	if _, err := r.file.Write(b); err != nil && r.err == nil {
		r.err = fmt.Errorf("keep the results: %w", err)
	}
	if r.live != nil {
		if _, err := r.live.Write(b); err != nil {
			r.live = nil
			if r.err == nil {
				r.err = fmt.Errorf("print the results: %w", err)
			}
		}
	}
	if n := countResults(b); n > 0 {
		r.done += n
		r.progress.Emit(progress.Event{Step: r.step, State: progress.Advanced,
			Done: int64(r.done), Total: int64(r.total), Unit: "tests"})
	}
	return r.parser.Write(b)
}

func (r *results) close() *ktap.Report { return r.parser.Close() }

// countResults counts the result lines of subtests in a piece of KTAP, for
// progress only. A line cut in two by the transport may be missed.
func countResults(b []byte) int {
	n := 0
	for line := range bytes.Lines(b) {
		if len(line) == 0 || line[0] != ' ' {
			continue
		}
		line = bytes.TrimLeft(line, " ")
		if bytes.HasPrefix(line, []byte("ok ")) || bytes.HasPrefix(line, []byte("not ok ")) {
			n++
		}
	}
	return n
}
