// SPDX-License-Identifier: GPL-2.0-only OR MIT

package proc

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestOutput(t *testing.T) {
	c := &Cmd{Args: []string{"sh", "-c", `read x; echo "$x $Y"; pwd`}, Stdin: strings.NewReader("hello\n"), Env: []string{"Y=you"}, Dir: "/"}
	out, err := c.Output(t.Context())
	if err != nil || string(out) != "hello you\n/\n" {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestErrors(t *testing.T) {
	for name, tc := range map[string]struct {
		args   []string
		code   int
		signal syscall.Signal
		text   string
	}{
		"status":  {[]string{"sh", "-c", "echo one >&2; echo two >&2; exit 3"}, 3, 0, "sh: exit status 3: two"},
		"signal":  {[]string{"sh", "-c", "kill -9 $$"}, -1, syscall.SIGKILL, "sh: signal: killed"},
		"verb":    {[]string{"env", "false"}, 1, 0, "env false: exit status 1"},
		"missing": {[]string{"/nowhere/tool", "x"}, -1, 0, "/nowhere/tool x: fork/exec /nowhere/tool: no such file or directory"},
	} {
		t.Run(name, func(t *testing.T) {
			err := (&Cmd{Args: tc.args}).Run(t.Context())
			var perr *Error
			if !errors.As(err, &perr) {
				t.Fatalf("got %T %v", err, err)
			}
			if perr.ExitCode != tc.code || perr.Signal != tc.signal || err.Error() != tc.text {
				t.Errorf("got %d %v %q", perr.ExitCode, perr.Signal, err)
			}
		})
	}
	if err := (&Cmd{Args: []string{"no-such-tool-at-all"}}).Run(t.Context()); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestErrorKeepsEndOfStderr(t *testing.T) {
	err := (&Cmd{Args: []string{"sh", "-c", "yes | head -c 100000 >&2; echo end >&2; exit 1"}}).Run(t.Context())
	var perr *Error
	if !errors.As(err, &perr) || len(perr.Stderr) > tailSize || !strings.HasSuffix(perr.Stderr, "y\nend\n") {
		t.Errorf("got %d bytes", len(perr.Stderr))
	}
}

// The child ignores SIGINT and has a child. Both would run for an hour.
func TestCancelKillsTheGroup(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	ctx, cancel := context.WithCancel(t.Context())
	c := &Cmd{
		Args:  []string{"sh", "-c", `trap "" INT; sleep 3600 & echo $! > "$0.tmp"; mv "$0.tmp" "$0"; wait; wait`, pidFile},
		Grace: 200 * time.Millisecond, Stdout: io.Discard,
	}
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	var pid int
	for pid == 0 {
		data, _ := os.ReadFile(pidFile)
		pid, _ = strconv.Atoi(strings.TrimSpace(string(data)))
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	for range 2400 {
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || zombie(pid) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("the grandchild is still alive")
}

// zombie reports whether pid is dead but not reaped. Orphans stay zombies in a container
// without an init.
func zombie(pid int) bool {
	data, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, rest, _ := strings.Cut(string(data), ") ")
	return strings.HasPrefix(rest, "Z")
}

func TestCanceledBefore(t *testing.T) {
	errSignal := errors.New("signal received")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errSignal)
	err := (&Cmd{Args: []string{"false"}}).Run(ctx)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, errSignal) || err.Error() != "false: signal received" {
		t.Errorf("got %v", err)
	}
}

// The reader is slower than the child.
func TestSlowReader(t *testing.T) {
	pr, pw := io.Pipe()
	go func() {
		_ = (&Cmd{Args: []string{"head", "-c", "100000", "/dev/zero"}, Stdout: pw}).Run(t.Context())
		_ = pw.Close()
	}()
	time.Sleep(300 * time.Millisecond)
	if n, err := io.Copy(io.Discard, pr); n != 100000 || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
}
