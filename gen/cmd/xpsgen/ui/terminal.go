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

// Terminal is the user's terminal while an interactive guest has it. When
// stdin is no terminal every method does nothing, so that a shell can be fed
// by a pipe.
type Terminal struct {
	in, out int
	isTTY   bool

	mu    sync.Mutex
	saved *term.State
}

// OpenTerminal looks at in and out; it changes nothing until [Terminal.Raw].
func OpenTerminal(in *os.File, out io.Writer) (*Terminal, error) {
	t := &Terminal{in: int(in.Fd()), out: -1}
	t.isTTY = term.IsTerminal(t.in)
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		t.out = int(f.Fd())
	}
	return t, nil
}

// IsTerminal reports whether stdin is one.
func (t *Terminal) IsTerminal() bool { return t.isTTY }

// Raw hands every key to the guest, Ctrl-C included.
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

// Restore undoes Raw. It may be called more than once.
func (t *Terminal) Restore() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.saved == nil {
		return
	}
	// A background process that sets the terminal is stopped by SIGTTOU;
	// restoring must work from there too.
	signal.Ignore(unix.SIGTTOU)
	_ = term.Restore(t.in, t.saved)
	signal.Reset(unix.SIGTTOU)
	t.saved = nil
}

// Size returns columns and rows, 80x24 when there is no terminal to ask.
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

// Resize delivers a value whenever the window changes, until ctx ends.
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
