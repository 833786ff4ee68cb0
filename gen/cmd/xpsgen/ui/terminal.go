// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ui

import (
	"context"
	"io"
	"os"
	"os/signal"
	"sync"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// Terminal is the user's terminal during an interactive guest. If stdin is not
// a terminal, Raw and Restore do nothing, so that a pipe can feed a shell.
type Terminal struct {
	in, out int
	isTTY   bool

	mu    sync.Mutex
	saved *term.State
}

// OpenTerminal inspects in and out. It changes nothing before [Terminal.Raw].
func OpenTerminal(in *os.File, out io.Writer) (*Terminal, error) {
	t := &Terminal{in: int(in.Fd()), out: -1}
	t.isTTY = term.IsTerminal(t.in)
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		t.out = int(f.Fd())
	}
	return t, nil
}

// IsTerminal reports whether stdin is a terminal.
func (t *Terminal) IsTerminal() bool { return t.isTTY }

// Raw passes every key to the guest, including Ctrl-C.
func (t *Terminal) Raw() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.isTTY || t.saved != nil {
		return nil
	}
	saved, err := term.MakeRaw(t.in)
	if err != nil {
		return err
	}
	t.saved = saved
	return nil
}

// Restore undoes Raw. A second call does nothing.
func (t *Terminal) Restore() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.saved == nil {
		return
	}
	// SIGTTOU stops a background process that sets the terminal. Restore must work
	// there too.
	signal.Ignore(unix.SIGTTOU)
	_ = term.Restore(t.in, t.saved)
	signal.Reset(unix.SIGTTOU)
	t.saved = nil
}

// Size returns columns and rows of stdout or stdin; 80x24 if neither is a
// terminal.
func (t *Terminal) Size() (cols, rows int) {
	for _, fd := range []int{t.out, t.in} {
		if fd < 0 {
			continue
		}
		if cols, rows, err := term.GetSize(fd); err == nil && cols > 0 && rows > 0 {
			return cols, rows
		}
	}
	return 80, 24
}

// Resize sends a value whenever the window size changes, until ctx ends. It
// sends none if stdin is not a terminal.
func (t *Terminal) Resize(ctx context.Context) <-chan struct{} {
	out := make(chan struct{}, 1)
	if !t.isTTY {
		return out
	}
	winch := make(chan os.Signal, 1)
	signal.Notify(winch, unix.SIGWINCH)
	go func() {
		defer signal.Stop(winch)
		for {
			select {
			case <-ctx.Done():
				return
			case <-winch:
				select {
				case out <- struct{}{}:
				default:
				}
			}
		}
	}()
	return out
}
