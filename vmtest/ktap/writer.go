// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ktap

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// indent is the indentation of one nesting level, as in the kernel's examples.
const indent = "  "

// Writer writes one level of a report. Each line is one Write of the underlying
// writer, so lines never interleave.
//
// The first error sticks: later calls write nothing, and Err returns it.
// Several goroutines may use a Writer and the Writers that Sub returns. Results
// of one level must still come one at a time, because they are numbered.
type Writer struct {
	out    *output
	prefix string
	mu     sync.Mutex
	last   int
}

// output is shared by all levels of a report.
type output struct {
	mu  sync.Mutex
	w   io.Writer
	err error
}

func (o *output) line(s string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return
	}
	if _, err := io.WriteString(o.w, s); err != nil {
		o.err = fmt.Errorf("write KTAP: %w", err)
	}
}

// NewWriter starts a report on w by writing the version line.
func NewWriter(w io.Writer) *Writer {
	kw := &Writer{out: &output{w: w}}
	kw.line("KTAP version 1")
	return kw
}

func (w *Writer) line(s string) { w.out.line(w.prefix + s + "\n") }

// Plan announces the number of results on this level. Call it once, before the first result.
func (w *Writer) Plan(n int) { w.line(fmt.Sprintf("1..%d", n)) }

// Diag writes a diagnostic and puts '#' before each of its lines. It belongs to the next
// result on this level.
func (w *Writer) Diag(format string, a ...any) {
	text := strings.TrimRight(fmt.Sprintf(format, a...), "\n")
	for _, l := range strings.Split(text, "\n") {
		w.line(strings.TrimRight("# "+strings.ReplaceAll(l, "\r", ""), " "))
	}
}

// Elapsed reports the duration of the test whose result is written next.
func (w *Writer) Elapsed(d time.Duration) { w.line("# elapsed " + d.String()) }

// Result writes and numbers the next result of this level. The reason may be empty.
func (w *Writer) Result(name string, s Status, reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last++
	var b strings.Builder
	if s == Fail {
		b.WriteString("not ")
	}
	fmt.Fprintf(&b, "ok %d %s", w.last, escape(name))
	switch reason = oneLine(reason); {
	case s == Skip:
		b.WriteString(strings.TrimRight(" # SKIP "+reason, " "))
	case reason != "":
		if got, _ := direct(s, reason); got != s {
			// NB: the reason begins with a directive of another outcome.
			reason = s.String() + ": " + reason
		}
		b.WriteString(" # " + reason)
	}
	w.line(b.String())
}

// Sub starts the subtests of the named test. After the last subtest, call Result on w
// with the same name.
func (w *Writer) Sub(name string) *Writer {
	sub := &Writer{out: w.out, prefix: w.prefix + indent}
	sub.line("KTAP version 1")
	sub.line("# Subtest: " + oneLine(name))
	return sub
}

// Err returns the first error of writing, or nil.
func (w *Writer) Err() error {
	w.out.mu.Lock()
	defer w.out.mu.Unlock()
	return w.out.err
}

// oneLine collapses white space, so that s fits on one line.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// escape makes s a KTAP description. An unescaped '#' would begin a directive.
func escape(s string) string {
	s = oneLine(s)
	s = strings.ReplaceAll(s, `\`, `\\`)
	if strings.HasPrefix(s, "-") {
		s = `\` + s // readers drop a dash before the description
	}
	return strings.ReplaceAll(s, "#", `\#`)
}

// splitDescription splits "name # directive" at the first unescaped '#' and undoes escape
// on the name.
func splitDescription(s string) (name, directive string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && strings.IndexByte(`#\-`, s[i+1]) >= 0:
			i++
			b.WriteByte(s[i])
		case s[i] == '#':
			return oneLine(b.String()), oneLine(s[i+1:])
		default:
			b.WriteByte(s[i])
		}
	}
	return oneLine(b.String()), ""
}
