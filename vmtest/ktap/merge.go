// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ktap

import (
	"bytes"
	"fmt"
	"io"
	"sync"
)

// Merger merges reports that are written at the same time into one. The unit of merging
// is a top-level result with its subtests and diagnostics. The Merger never splits such a
// unit. It numbers the results in the order of their arrival.
type Merger struct {
	mu  sync.Mutex
	w   io.Writer
	err error
	// active is the source in the middle of a unit. Lines of other sources wait.
	active  *MergerSource
	sources []*MergerSource
	last    int
}

// MergerSource takes one of the reports to merge.
type MergerSource struct {
	m *Merger
	// lines are complete and wait; buf is the line being written.
	lines [][]byte
	buf   []byte
	// begun and planned say that the version line and the plan were dropped.
	begun, planned bool
}

// NewMerger writes one report with `results` results to w. It collects them from
// `reports` sources. Like [Writer], it writes a line at a time.
func NewMerger(w io.Writer, results, reports int) (*Merger, []*MergerSource) {
	m := &Merger{w: w}
	m.emit([]byte("KTAP version 1\n"))
	m.emit(fmt.Appendf(nil, "1..%d\n", results))
	for range reports {
		m.sources = append(m.sources, &MergerSource{m: m})
	}
	return m, m.sources
}

// Err returns the first error of writing, or nil. Nothing is written after it.
func (m *Merger) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

func (m *Merger) emit(line []byte) {
	if m.err == nil {
		_, m.err = m.w.Write(line)
	}
}

// Write takes the next bytes of a report. It never fails.
func (s *MergerSource) Write(b []byte) (int, error) {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	n := len(b)
	for len(b) > 0 {
		part, rest, whole := bytes.Cut(b, []byte{'\n'})
		b = rest
		s.buf = append(s.buf, part...)
		// Forward a line that is too long in pieces.
		if whole || len(s.buf) > maxLine {
			s.enqueue(append(bytes.Clone(s.buf), '\n'))
			s.buf = s.buf[:0]
		}
	}
	s.m.forward()
	return n, nil
}

// Close ends a report, even in the middle of a result.
func (s *MergerSource) Close() error {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if len(s.buf) > 0 {
		s.enqueue(append(bytes.Clone(s.buf), '\n'))
		s.buf = nil
	}
	s.m.forward()
	if s.m.active == s {
		s.m.active = nil
		s.m.forward()
	}
	return nil
}

// enqueue queues a line. It drops the first version line and the first plan: the merged
// report has its own. Repeated ones go through, so that the reader reports them as
// problems.
func (s *MergerSource) enqueue(line []byte) {
	switch {
	case !s.begun && isVersion(string(line)):
		s.begun = true
	case !s.planned && bytes.HasPrefix(line, []byte("1..")):
		s.planned = true
	default:
		s.lines = append(s.lines, line)
	}
}

// forward writes the lines that may be written now.
func (m *Merger) forward() {
	for {
		if m.active == nil {
			for _, s := range m.sources {
				if len(s.lines) > 0 {
					m.active = s
					break
				}
			}
		}
		if m.active == nil || !m.active.writeResult() {
			return
		}
	}
}

// writeResult writes the lines of s up to the end of a result, and then ends its turn. It
// reports whether it reached that end.
func (s *MergerSource) writeResult() bool {
	for len(s.lines) > 0 {
		line := s.lines[0]
		s.lines = s.lines[1:]
		head, rest, isResult := cutResult(line)
		if !isResult {
			s.m.emit(line)
			continue
		}
		s.m.last++
		s.m.emit(append(fmt.Appendf(nil, "%s %d", head, s.m.last), rest...))
		s.m.active = nil
		return true
	}
	return false
}

// cutResult cuts the number out of a top-level result line.
func cutResult(line []byte) (head string, rest []byte, ok bool) {
	for _, head := range []string{"ok", "not ok"} {
		after, found := bytes.CutPrefix(line, []byte(head+" "))
		if !found {
			continue
		}
		digits := len(after) - len(bytes.TrimLeft(after, "0123456789"))
		if digits > 0 {
			return head, after[digits:], true
		}
	}
	return "", nil, false
}
