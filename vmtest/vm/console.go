// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
)

// Limits of the part of a console that is kept in memory.
const (
	maxConsoleLine = 4 << 10
	tailLines      = 40
)

// errFlood stops a guest that fills its console.
var errFlood = errors.New("console limit reached")

// console receives the kernel's console. It forwards it, searches it for splats, and
// keeps the last part.
type console struct {
	out   io.Writer // may be nil
	limit int64

	mu      sync.Mutex
	n       int64
	buf     []byte
	cut     bool // the rest of a line that was too long
	tail    []string
	scanner splatScanner
	// wrong says what blocks the kernel: an oops, or a stuck CPU or task. Empty if
	// nothing does.
	wrong string
	// off is the line that announces the kernel's stop. Empty if there is none yet.
	off    string
	outErr error
}

// Write takes the next bytes. The only error is errFlood.
func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(p)
	flood := c.n+int64(n) > c.limit
	if flood {
		n = int(max(0, c.limit-c.n))
		p = p[:n]
	}
	c.n += int64(n)
	if c.out != nil && c.outErr == nil {
		_, c.outErr = c.out.Write(p)
	}
	for len(p) > 0 {
		part, rest, whole := bytes.Cut(p, []byte{'\n'})
		p = rest
		if !c.cut {
			c.buf = append(c.buf, part[:min(len(part), maxConsoleLine-len(c.buf))]...)
		}
		switch {
		case whole:
			c.line()
		case len(c.buf) >= maxConsoleLine:
			c.line()
			c.cut = true
			continue
		}
		if whole {
			c.cut = false
		}
	}
	if flood {
		return n, errFlood
	}
	return n, nil
}

func (c *console) line() {
	if c.cut && len(c.buf) == 0 {
		return
	}
	l := strings.ToValidUTF8(strings.TrimRight(string(c.buf), "\r"), "?")
	c.buf = c.buf[:0]
	c.scanner.line(l)
	switch {
	case c.wrong != "":
	case oopsLine.MatchString(l):
		c.wrong = "oopsed"
	case stuckLine.MatchString(l):
		c.wrong = "is stuck (" + stuckLine.FindString(l) + ")"
	}
	if m := offLine.FindStringSubmatch(l); m != nil {
		c.off = m[1]
	}
	if c.tail = append(c.tail, l); len(c.tail) > 2*tailLines {
		c.tail = append(c.tail[:0], c.tail[len(c.tail)-tailLines:]...)
	}
}

// gone returns what the console says of the kernel's end: wrong is how the
// kernel failed, such as "oopsed", and off how the machine stopped. Each is
// empty if the console says nothing of it.
func (c *console) gone() (wrong, off string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wrong, c.off
}

// last returns the last part of the console so far.
func (c *console) last() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	tail := append([]string(nil), c.tail...)
	if len(c.buf) > 0 {
		tail = append(tail, string(c.buf))
	}
	return tail[max(0, len(tail)-tailLines):]
}

// done finishes the console.
func (c *console) done() (n int64, splats []Splat, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.buf) > 0 {
		c.line()
	}
	return c.n, c.scanner.done(), c.outErr
}
