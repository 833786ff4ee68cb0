// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/wire"
)

// shell runs an interactive shell, or the given program, on a terminal that is connected
// to the port.
func (g *guest) shell() (int, error) {
	args, dir := wire.Strings(g.cfg.Args), string(g.cfg.Dir)
	if dir == "" {
		dir = wire.ObjectDir
	}
	term := g.cfg.Term
	if term == "" {
		term = "linux"
	}
	h := hello()
	prompt := fmt.Sprintf("[%s %s] \\w # ", hostname(&g.cfg), h.Release)
	setEnv(append([]string{"TERM=" + term, "PS1=" + prompt}, wire.Strings(g.cfg.Env)...))
	// PATH is set by now.
	if len(args) == 0 {
		args = interactive()
		if g.cfg.Host != nil && g.cfg.Host.Foreign {
			args = []string{wire.ToolDir + "/sh", "-i"}
		}
	}
	if err := enter(dir); err != nil {
		return 0, err
	}
	master, slave, err := pty.Open()
	if err != nil {
		return 0, fmt.Errorf("open the terminal: %w", err)
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
		// Copy ends with EIO when the last process has closed the terminal.
		_, _ = io.Copy(tty, master)
		close(copied)
	}()
	code = reap(pid)
	_ = unix.Kill(-1, unix.SIGKILL)
	<-copied
	return code, nil
}

// interactive returns bash if the guest has it, because it can edit lines. Many hosts'
// /bin/sh cannot. bash does not read the user's start files, which are for the host.
func interactive() []string {
	if bash, err := exec.LookPath("bash"); err == nil {
		return []string{bash, "--noprofile", "--norc", "-i"}
	}
	return []string{"/bin/sh", "-i"}
}

// counter counts the bytes written through it.
type counter struct {
	w io.Writer
	n atomic.Int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n.Add(int64(n))
	return n, err
}

// endOfInput is ^U and ^D. ^U empties the line, and ^D ends the input if the line is
// empty. NB: a ^D that arrives before the shell enables line editing becomes a character
// of its first line.
const endOfInput = "\x15\x04"

// endInput types the end of input after total bytes have been typed. It repeats this,
// because a shell that changes the terminal's mode, or a running program, may swallow it.
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
