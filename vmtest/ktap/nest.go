// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ktap

import (
	"bytes"
	"strings"
)

// Nest returns a stream for a complete report of another program. Its results become the
// subtests of the test with the given name. The stream writes complete lines only; Close
// writes an unfinished last line. After Close, call Result on w with the same name.
func (w *Writer) Nest(name string) *Nested { return &Nested{w: w, name: oneLine(name)} }

// Nested is a report within a report. See [Writer.Nest].
type Nested struct {
	w     *Writer
	name  string
	named bool
	rest  []byte
}

// Write takes the next bytes of the report. It returns the error of the Writer that it is
// nested in.
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
		// The version line comes first, then the name of the parent.
		n.named = true
		n.w.line(indent + "# Subtest: " + n.name)
	}
}
