// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ui

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// lookEvery is the interval at which a background job checks whether it is in the
// foreground.
const lookEvery = 200 * time.Millisecond

// Foreground returns a reader of in that reads only while this process is in the
// foreground of its terminal. SIGTTIN would stop a background job that reads. If in is
// not a terminal it is returned unchanged.
func Foreground(in *os.File) io.Reader {
	if in == nil || !term.IsTerminal(int(in.Fd())) {
		return in
	}
	// The job may go into the background between the check and the read.
	signal.Ignore(unix.SIGTTIN)
	return &foreground{in}
}

type foreground struct{ in *os.File }

func (f *foreground) Read(p []byte) (int, error) {
	for {
		group, err := unix.IoctlGetInt(int(f.in.Fd()), unix.TIOCGPGRP)
		if err == nil && group != unix.Getpgrp() {
			time.Sleep(lookEvery)
			continue
		}
		n, err := f.in.Read(p)
		if n == 0 && errors.Is(err, unix.EIO) && group == unix.Getpgrp() {
			continue // it has just gone into the background
		}
		return n, err
	}
}

// escapeKey is Ctrl-A, as in QEMU's own terminal.
const escapeKey = 1

// Escape passes on all typed bytes except the escape key. The escape key followed by x
// calls end. Followed by itself it is passed on once.
type Escape struct {
	r   io.Reader
	end func()
	esc bool
}

// NewEscape returns an Escape that reads from r.
func NewEscape(r io.Reader, end func()) *Escape { return &Escape{r: r, end: end} }

// Read returns at least one byte, or an error.
func (e *Escape) Read(p []byte) (int, error) {
	// A byte of input becomes at most two bytes of output: a held back escape key, and the
	// byte.
	buf := make([]byte, max(1, len(p)/2))
	for {
		n, err := e.r.Read(buf)
		out := p[:0]
		for _, c := range buf[:n] {
			switch {
			case !e.esc && c == escapeKey:
				e.esc = true
				continue
			case e.esc && c == 'x':
				e.esc = false
				e.end()
				continue
			case e.esc && c != escapeKey && len(out)+1 < len(p):
				out = append(out, escapeKey)
			}
			e.esc = false
			out = append(out, c)
		}
		if len(out) > 0 || err != nil || len(p) == 0 {
			return len(out), err
		}
	}
}
