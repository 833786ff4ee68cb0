// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"xpsgen/vmtest/guest/wire"
)

// pump starts the goroutines that copy bytes from and to the guest.
func (r *Running) pump() {
	r.pumps.Go(r.pumpConsole)
	r.pumps.Go(r.pumpControl)
	for name, to := range map[string]io.Writer{
		wire.PortResult: r.m.Result,
		wire.PortCounts: r.m.Counts,
		wire.PortStdout: r.m.Stdout,
		wire.PortStderr: r.m.Stderr,
		wire.PortTTY:    r.m.TTYOut,
	} {
		if c := r.proc.ports[name]; c != nil {
			r.pumps.Go(func() { r.pumpOut(name, c, to) })
		}
	}
	for name, from := range map[string]io.Reader{
		wire.PortStdin: r.m.Stdin,
		wire.PortTTY:   r.m.TTYIn,
	} {
		if c := r.proc.ports[name]; c != nil {
			// Do not wait for it: the Read may never return.
			go r.pumpIn(c, from, name == wire.PortTTY)
		}
	}
	go r.pumpEvents()
}

func (r *Running) pumpConsole() {
	buf := make([]byte, 32<<10)
	for {
		n, err := r.proc.console.Read(buf)
		if n > 0 {
			if _, err := r.console.Write(buf[:n]); err != nil {
				r.fail(&ConsoleFloodError{Limit: r.m.ConsoleLimit, Tail: r.console.last()})
				// NB: keep reading, so that QEMU can end.
			}
			r.touch()
		}
		if err != nil {
			return
		}
	}
}

func (r *Running) pumpControl() {
	in := wire.NewReceiver(r.proc.ports[wire.PortControl])
	for {
		m, err := in.Next()
		if err != nil {
			if !ended(err) {
				r.fail(fmt.Errorf("vm: %w", err))
			}
			break
		}
		if m.Alive {
			r.live()
			continue
		}
		r.touch()
		switch {
		case m.Hello != nil:
			r.greet(m.Hello)
		case m.Exit != nil:
			r.mu.Lock()
			r.exit = m.Exit
			r.mu.Unlock()
			r.touch() // supervise has to look again
		case m.Notice != "" && r.m.Notice != nil:
			r.m.Notice(m.Notice)
		}
	}
	// Read the rest even after an error.
	_, _ = io.Copy(io.Discard, r.proc.ports[wire.PortControl])
}

func (r *Running) greet(h *wire.Hello) {
	r.mu.Lock()
	first := r.hello == nil
	if first {
		r.hello, r.boot = h, time.Since(r.start)
	}
	r.mu.Unlock()
	if !first {
		return
	}
	close(r.helloed)
	if r.m.OnHello != nil {
		r.m.OnHello(*h)
	}
}

// pumpOut copies a port to its writer. If the writer fails, the run ends, but the port
// is still read.
func (r *Running) pumpOut(name string, c net.Conn, to io.Writer) {
	if to == nil {
		to = io.Discard
	}
	buf := make([]byte, 32<<10)
	for {
		n, err := c.Read(buf)
		if n > 0 {
			if _, werr := to.Write(buf[:n]); werr != nil {
				r.fail(fmt.Errorf("vm: write %s: %w", name, werr))
				to = io.Discard
			}
			r.counts[name].Add(int64(n))
			r.touch()
		}
		if err != nil {
			return
		}
	}
}

// pumpIn copies a reader to a port after the guest's hello, and then signals its end.
// The end of a terminal is a message: its port must stay connected, because the guest
// writes to the same port.
func (r *Running) pumpIn(c *net.UnixConn, from io.Reader, tty bool) {
	select {
	case <-r.helloed:
	case <-r.ended:
		return
	}
	to := &lastByte{w: c, last: '\n'}
	if from != nil {
		// An error on either side ends the stream, and the guest sees the end.
		_, _ = io.Copy(to, from)
	}
	if !tty {
		_ = c.CloseWrite()
		return
	}
	if to.last != '\n' && to.last != '\r' {
		// The end counts only at the beginning of a line.
		_, _ = io.WriteString(to, "\n")
	}
	r.send(wire.Message{InputEnd: &to.n})
}

// lastByte remembers the last byte and the number of bytes written.
type lastByte struct {
	w    io.Writer
	n    int64
	last byte
}

func (l *lastByte) Write(p []byte) (int, error) {
	n, err := l.w.Write(p)
	if l.n += int64(n); n > 0 {
		l.last = p[n-1]
	}
	return n, err
}

// pumpEvents sends window sizes and signals to the guest.
func (r *Running) pumpEvents() {
	select {
	case <-r.helloed:
	case <-r.ended:
		return
	}
	for {
		select {
		case w := <-r.m.Windows:
			r.send(wire.Message{Window: &w})
		case s := <-r.m.Signals:
			r.send(wire.Message{Signal: s})
		case <-r.ended:
			return
		}
	}
}

// ended reports whether a read failed because the other side closed.
func ended(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed)
}
