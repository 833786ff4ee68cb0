// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ktap

import (
	"bytes"
	"strings"
)

// Nest returns a stream for the whole report of somebody else, which becomes
// the subtests of the test named name. It writes whole lines only; Close
// writes what is left of one that was never ended. Then call Result on w with
// the same name.
func (w *Writer) Nest(name string) *Nested { return &Nested{w: w, name: oneLine(name)} }

// Nested is a report within a report. See [Writer.Nest].
type Nested struct {
	w     *Writer
	name  string
	named bool
	rest  []byte
}

// Write takes the next bytes of the report. The error is that of the Writer
// it is nested in.
func (n *Nested) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		line, after, whole := bytes.Cut(rest, []byte{'\n'})
		rest = after
		n.rest = append(n.rest, line...)
		if whole {
			n.line()
		}
	}
	return len(b), n.w.Err()
}

// Close ends the report.
func (n *Nested) Close() error {
	if len(n.rest) > 0 {
		n.line()
	}
	return n.w.Err()
}

func (n *Nested) line() {
	n.w.line(strings.TrimRight(indent+string(n.rest), " \r"))
	n.rest = n.rest[:0]
	if !n.named {
		// The version line comes first, then whose subtests they are.
		n.named = true
		n.w.line(indent + "# Subtest: " + n.name)
	}
}
