// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package proc runs programs and makes sure that none outlives the run. Each child has
// its own process group. When the context ends, the package interrupts the whole group
// and then kills it. If this process dies without cleaning up, the kernel signals the
// child.
package proc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// DefaultGrace is how long an interrupted child may take to end.
const DefaultGrace = 5 * time.Second

// outputDelay is how long to wait for the output of a killed group.
const outputDelay = 2 * time.Second

// tailSize is how much of a child's stderr an [Error] carries.
const tailSize = 8 << 10

// Cmd is a program to run. Only Args is required.
type Cmd struct {
	// Args is the program, looked up in PATH, and its arguments.
	Args []string
	// Dir is the working directory; empty means the current one.
	Dir string
	// Env is the whole environment; nil means the environment of this process.
	Env []string
	// Stdin, Stdout and Stderr are as in [exec.Cmd]. The error carries the end of
	// stderr as well.
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	// Files are the child's file descriptors from 3 on.
	Files []*os.File
	// Foreground leaves the child in this process's group, so that it can use the
	// terminal, for example to ask for a password. Only the child itself is killed
	// then.
	Foreground bool
	// Grace is the time between SIGINT and SIGKILL; 0 means DefaultGrace.
	Grace time.Duration
}

// Error is a program that did not start, or did not exit with status 0.
type Error struct {
	// Args is the command line.
	Args []string
	// ExitCode is the exit status, or -1 if there is none.
	ExitCode int
	// Signal is the signal that ended the program; 0 if none did.
	Signal syscall.Signal
	// Stderr is the end of the program's stderr.
	Stderr string
	// Err is the cause. It is the context's error if the context ended the program.
	Err error
}

func (e *Error) Error() string {
	// The last line usually has the cause; Stderr has more.
	if msg := lastLine(e.Stderr); msg != "" && !errors.As(e.Err, new(*canceled)) {
		return fmt.Sprintf("%s: %v: %s", e.name(), e.Err, msg)
	}
	return fmt.Sprintf("%s: %v", e.name(), e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// name returns the command, with its subcommand if it has one.
func (e *Error) name() string {
	if len(e.Args) == 0 {
		return "run"
	}
	name := e.Args[0]
	if len(e.Args) > 1 && !strings.HasPrefix(e.Args[1], "-") && !strings.ContainsAny(e.Args[1], "/=") {
		name += " " + e.Args[1]
	}
	return name
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return strings.TrimSpace(s[strings.LastIndexByte(s, '\n')+1:])
}

// Run runs c to its end. Any error is an [*Error].
func (c *Cmd) Run(ctx context.Context) error {
	tail := &tailWriter{max: tailSize}
	err := c.run(ctx, tail)
	if err == nil {
		return nil
	}
	e := &Error{Args: c.Args, ExitCode: -1, Stderr: tail.String(), Err: err}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		e.ExitCode = exit.ExitCode()
		if ws, ok := exit.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			e.Signal = ws.Signal()
		}
	}
	if ctx.Err() != nil {
		e.Err = &canceled{err: ctx.Err(), cause: context.Cause(ctx)}
	}
	return e
}

// canceled is the end of a context. Its text is the cause, for example
// "interrupted (SIGINT)". It unwraps to the context's error and to the cause.
type canceled struct{ err, cause error }

func (c *canceled) Error() string   { return c.cause.Error() }
func (c *canceled) Unwrap() []error { return []error{c.err, c.cause} }

// Output runs c and returns its standard output.
func (c *Cmd) Output(ctx context.Context) ([]byte, error) {
	var out bytes.Buffer
	cc := *c
	cc.Stdout = &out
	err := cc.Run(ctx)
	return out.Bytes(), err
}

func (c *Cmd) run(ctx context.Context, tail io.Writer) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	cmd := exec.Command(c.Args[0], c.Args[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout = c.Dir, c.Env, c.Stdin, c.Stdout
	cmd.ExtraFiles = c.Files
	cmd.Stderr = tail
	if c.Stderr != nil {
		cmd.Stderr = io.MultiWriter(c.Stderr, tail)
		if c.Stderr == c.Stdout {
			// Use one writer for both. Lines keep their order, and only one
			// goroutine calls the writer.
			both := &teeWriter{w: c.Stdout, tail: tail}
			cmd.Stdout, cmd.Stderr = both, both
		}
	}
	// Send SIGTERM, not SIGKILL: make passes it on to its children and deletes
	// half-written targets.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: !c.Foreground, Pdeathsig: syscall.SIGTERM}

	started := make(chan error, 1)
	done := make(chan struct{})
	var waitErr error
	go func() {
		defer close(done)
		// Pdeathsig fires when the thread that started the child ends, so the
		// thread must live as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			waitErr = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	select {
	case <-done:
		return waitErr
	case <-ctx.Done():
	}
	grace := c.Grace
	if grace == 0 {
		grace = DefaultGrace
	}
	group := -cmd.Process.Pid
	if c.Foreground {
		group = cmd.Process.Pid
	}
	_ = syscall.Kill(group, syscall.SIGINT)
	select {
	case <-done:
	case <-time.After(grace):
	}
	// Kill the rest of the group. The group may be empty, which is not an error. A
	// process that left the group may still hold the pipe open, so bound the wait for
	// the output.
	_ = syscall.Kill(group, syscall.SIGKILL)
	select {
	case <-done:
	case <-time.After(outputDelay):
	}
	return context.Cause(ctx)
}

// teeWriter writes to w and to tail.
type teeWriter struct{ w, tail io.Writer }

func (t *teeWriter) Write(p []byte) (int, error) {
	_, _ = t.tail.Write(p)
	return t.w.Write(p)
}

// tailWriter keeps the last max bytes written to it.
type tailWriter struct {
	max int
	buf []byte
}

func (t *tailWriter) Write(p []byte) (int, error) {
	t.buf = append(t.buf, p...)
	if len(t.buf) > 2*t.max {
		t.buf = append(t.buf[:0], t.buf[len(t.buf)-t.max:]...)
	}
	return len(p), nil
}

func (t *tailWriter) String() string {
	if len(t.buf) > t.max {
		return string(t.buf[len(t.buf)-t.max:])
	}
	return string(t.buf)
}
