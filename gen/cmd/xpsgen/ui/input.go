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

// lookEvery is how often a job in the background looks whether it is in the
// foreground.
const lookEvery = 200 * time.Millisecond

// Foreground returns in, read only while this process is in the foreground of its
// terminal. A job in the background that reads is stopped by SIGTTIN: it would
// neither run nor end. What is no terminal is read as it is.
func Foreground(in *os.File) io.Reader {
	if in == nil || !term.IsTerminal(int(in.Fd())) {
		return in
	}
	// Between a look and the read the job may go into the background.
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

// Escape passes what is typed on, but for the escape key: behind it, x calls end,
// and the key again stands for itself.
type Escape struct {
	r   io.Reader
	end func()
	esc bool
}

// NewEscape returns an Escape that reads from r.
func NewEscape(r io.Reader, end func()) *Escape { return &Escape{r: r, end: end} }

// Read returns at least one byte, or an error.
func (e *Escape) Read(p []byte) (int, error) {
	// Each byte of input becomes two at most: the key that meant nothing, and it.
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
