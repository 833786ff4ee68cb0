// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/wire"
)

// shell runs an interactive shell, or the program given, on a terminal of its
// own that the port is connected to.
func (g *guest) shell() (int, error) {
	args, dir := g.cfg.Args, g.cfg.Dir
	if len(args) == 0 {
		args = interactive()
	}
	if dir == "" {
		dir = wire.ObjectDir
	}
	term := g.cfg.Term
	if term == "" {
		term = "linux"
	}
	h := hello()
	prompt := fmt.Sprintf("[%s %s] \\w # ", hostname(&g.cfg), h.Release)
	setEnv(append([]string{"TERM=" + term, "PS1=" + prompt, "ENV=" + wire.ShellRC}, g.cfg.Env...))
	if err := enter(dir); err != nil {
		return 0, err
	}
	master, slave, err := pty.Open()
	if err != nil {
		return 0, fmt.Errorf("terminal: %w", err)
	}
	resize := func(w wire.Window) {
		_ = pty.Setsize(master, &pty.Winsize{Rows: w.Rows, Cols: w.Cols})
	}
	if g.cfg.Window != nil {
		resize(*g.cfg.Window)
	}
	pid, code, err := start(args, []*os.File{slave, slave, slave}, &syscall.SysProcAttr{Setsid: true, Setctty: true})
	if err != nil {
		return 0, err
	}
	slave.Close()
	tty := g.ports[wire.PortTTY]
	if pid == 0 {
		_, err := fmt.Fprintf(tty, "xpsgen vm: %s: not found or not executable in the guest\r\n", args[0])
		return code, err
	}
	typed := &counter{w: master}
	g.inbox.handle(func(m wire.Message) {
		switch {
		case m.Window != nil:
			resize(*m.Window)
		case m.Signal != 0:
			_ = unix.Kill(-pid, unix.Signal(m.Signal))
		case m.InputEnd != nil:
			go endInput(typed, *m.InputEnd)
		}
	})
	go func() { _, _ = io.Copy(typed, tty) }()
	copied := make(chan struct{})
	go func() {
		// Ends with EIO when the last one who has the terminal is gone.
		_, _ = io.Copy(tty, master)
		close(copied)
	}()
	code = reap(pid)
	_ = unix.Kill(-1, unix.SIGKILL)
	<-copied
	return code, nil
}

// interactive returns the shell for people: busybox's if it is there, since it
// can edit lines, which the /bin/sh of many a host cannot.
func interactive() []string {
	const busybox = "/usr/bin/busybox"
	if _, err := os.Stat(busybox); err == nil {
		return []string{busybox, "sh", "-i"}
	}
	return []string{"/bin/sh", "-i"}
}

// counter counts what goes through it.
type counter struct {
	w io.Writer
	n atomic.Int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n.Add(int64(n))
	return n, err
}

// endOfInput is ^U, which empties the line, and ^D, which on an empty line
// means the end. NB: a ^D that comes before a shell has turned line editing on
// turns into a character of its first line.
const endOfInput = "\x15\x04"

// endInput types the end of input once total bytes have been typed. It does so
// again and again: a shell that is changing the terminal's mode, or a program
// it is running, may swallow one.
func endInput(typed *counter, total int64) {
	for ; ; time.Sleep(200 * time.Millisecond) {
		if typed.n.Load() < total {
			continue
		}
		if _, err := io.WriteString(typed.w, endOfInput); err != nil {
			return
		}
	}
}
