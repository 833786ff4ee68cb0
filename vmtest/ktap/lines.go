// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ktap

import (
	"bytes"
	"strings"
)

// lines cuts what a program prints into lines, however the writes divide it. A line longer
// than maxLine is cut off.
type lines struct {
	buf []byte
}

// feed calls each with every line that b completes, without trailing white space.
func (l *lines) feed(b []byte, each func(string)) {
	for len(b) > 0 {
		line, rest, whole := bytes.Cut(b, []byte{'\n'})
		b = rest
		if len(l.buf) < maxLine {
			l.buf = append(l.buf, line...)
		}
		if whole {
			each(strings.TrimRight(string(l.buf), " \r"))
			l.buf = l.buf[:0]
		}
	}
}

// end calls each with a last line that has no newline.
func (l *lines) end(each func(string)) {
	if len(l.buf) > 0 {
		each(string(l.buf))
		l.buf = nil
	}
}
