// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ktap

import (
	"bytes"
	"fmt"
	"io"
	"sync"
)

// Merger makes one report of several that are written at the same time. Its
// parts are the results of the outermost level, with all that belongs to them:
// each stays whole, and they are numbered as they come.
type Merger struct {
	mu  sync.Mutex
	w   io.Writer
	err error
	// floor is who is in the middle of a part; what others say meanwhile waits.
	floor   *MergerSource
	sources []*MergerSource
	last    int
}

// MergerSource takes one of the reports.
type MergerSource struct {
	m *Merger
	// lines are whole and wait, buf is the line being written.
	lines [][]byte
	buf   []byte
	// begun and planned say that its own version line and plan were left out.
	begun, planned bool
}

// NewMerger starts a report of so many results on w, to be made of so many
// reports. Like [Writer], it writes a line at a time.
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
		// A line without an end goes on in pieces.
		if whole || len(s.buf) > maxLine {
			s.take(append(bytes.Clone(s.buf), '\n'))
			s.buf = s.buf[:0]
		}
	}
	s.m.move()
	return n, nil
}

// Close ends a report, in the middle of a part or not.
func (s *MergerSource) Close() error {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if len(s.buf) > 0 {
		s.take(append(bytes.Clone(s.buf), '\n'))
		s.buf = nil
	}
	s.m.move()
	if s.m.floor == s {
		s.m.floor = nil
		s.m.move()
	}
	return nil
}

// take queues a line, unless the merged report has one in its place: the first
// version line and the first plan. Others are for the reader to stumble over.
func (s *MergerSource) take(line []byte) {
	switch {
	case !s.begun && isVersion(string(line)):
		s.begun = true
	case !s.planned && bytes.HasPrefix(line, []byte("1..")):
		s.planned = true
	default:
		s.lines = append(s.lines, line)
	}
}

// move writes what may be written.
func (m *Merger) move() {
	for {
		if m.floor == nil {
			for _, s := range m.sources {
				if len(s.lines) > 0 {
					m.floor = s
					break
				}
			}
		}
		if m.floor == nil || !m.floor.say() {
			return
		}
	}
}

// say writes what s has to say, up to the end of a part, with which it gives
// up the floor. It reports whether it did.
func (s *MergerSource) say() bool {
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
		s.m.floor = nil
		return true
	}
	return false
}

// cutResult cuts the number out of a result of the outermost level.
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
