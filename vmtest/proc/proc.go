// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package proc runs other programs so that none of them outlives the run. A
// child gets a process group of its own, which is interrupted and then killed
// as a whole when the context ends, and a signal from the kernel when this
// process dies in a way that leaves no time to clean up.
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

// DefaultGrace is how long an interrupted child may take to end by itself.
const DefaultGrace = 5 * time.Second

// outputDelay is how long to wait for the output of a killed group to end.
const outputDelay = 2 * time.Second

// tailSize is how much of a child's stderr an [Error] carries.
const tailSize = 8 << 10

// Cmd is a program to run. Only Args is required.
type Cmd struct {
	// Args is the program, looked up in PATH, and its arguments.
	Args []string
	// Dir is the working directory; empty means this process's own.
	Dir string
	// Env is the whole environment; nil means this process's own.
	Env []string
	// Stdin, Stdout and Stderr are as in [exec.Cmd]. Stderr is kept for the
	// error as well.
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	// Files stay open in the child from descriptor 3 on.
	Files []*os.File
	// Foreground leaves the child in this process's group, so that it may use
	// the terminal, to ask for a password say. It is then killed alone.
	Foreground bool
	// Grace is the time between SIGINT and SIGKILL; 0 means DefaultGrace.
	Grace time.Duration
}

// Error is a program that could not be run, or that did not end with 0.
type Error struct {
	// Args is the command line.
	Args []string
	// ExitCode is the exit status, or -1 if there is none.
	ExitCode int
	// Signal is what ended the program, 0 if no signal did.
	Signal syscall.Signal
	// Stderr is the end of what the program wrote there.
	Stderr string
	// Err is the cause: the context's error if that ended the program.
	Err error
}

func (e *Error) Error() string {
	// The last line says most, the whole is in Stderr.
	if msg := lastLine(e.Stderr); msg != "" && !errors.As(e.Err, new(*canceled)) {
		return fmt.Sprintf("%s: %v: %s", e.name(), e.Err, msg)
	}
	return fmt.Sprintf("%s: %v", e.name(), e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// name is the command without its arguments, but with its verb if it has one.
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

// canceled is the end of a context. It reads as its cause, "interrupt signal
// received" say, and answers to both.
type canceled struct{ err, cause error }

func (c *canceled) Error() string   { return c.cause.Error() }
func (c *canceled) Unwrap() []error { return []error{c.err, c.cause} }

// Output runs c and returns what it wrote to standard output.
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
			// One writer for both, so that lines keep their order and
			// the writer is not called from two goroutines.
			both := &teeWriter{w: c.Stdout, tail: tail}
			cmd.Stdout, cmd.Stderr = both, both
		}
	}
	// SIGTERM rather than SIGKILL: make passes it on to its own children and
	// deletes what they had half written.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: !c.Foreground, Pdeathsig: syscall.SIGTERM}

	started := make(chan error, 1)
	done := make(chan struct{})
	var waitErr error
	go func() {
		defer close(done)
		// Pdeathsig follows the thread that started the child, so this
		// one must live as long.
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
	// Whatever of the group is left, its leader included; an empty group is
	// no error. What escaped the group may still hold a pipe open, so the wait
	// for the output's end is bounded.
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
