// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"xpsgen/vmtest/testenv"
)

// crash is the shell's way to LKDTM.
const crash = " > /sys/kernel/debug/provoke-crash/DIRECT; "

// endings are the ways for a guest to end badly. The suite's are in
// vmtest/run.TestGuestFaults, and below for signals.
var endings = []struct {
	name  string
	flags []string
	// script runs in the guest. It prints "up" and then waits for a signal.
	script string
	// signals go to xpsgen once the guest is up, to QEMU if kill is set.
	signals []unix.Signal
	kill    bool
	code    int
	// stderr must match; stdout, too, unless it is empty.
	stderr, stdout string
}{
	{name: "panic", script: "echo c > /proc/sysrq-trigger; sleep 100", code: exitKernel, stderr: "kernel panic: sysrq triggered crash"},
	{name: "oops", script: "echo EXCEPTION" + crash, code: exitKernel, stderr: `NULL pointer dereference.*lkdtm_EXCEPTION`},
	{name: "oops, then it hangs", flags: []string{"--oops", "1s"}, script: "(echo EXCEPTION" + crash + ") ; sleep 1000", code: exitKernel,
		stderr: `NULL pointer dereference.*guest oopsed and is not done 1s later: cpu 0 at `},
	{name: "warning", script: "echo WARNING" + crash, code: exitKernel, stderr: "the kernel reported: WARNING: "},
	{name: "warning, then a failure", script: "echo WARNING" + crash + "exit 3", code: exitKernel, stderr: "the kernel reported: WARNING: "},
	// Within its first second the kernel changes its clock source by stopping all CPUs. If
	// one of them does not stop, the detector is not up yet and says nothing.
	{name: "soft lockup", flags: []string{"--oops", "1s"}, script: "sleep 2; echo 2 > /proc/sys/kernel/watchdog_thresh; echo SOFTLOCKUP" + crash,
		code: exitKernel, stderr: `soft lockup - CPU#.*guest is stuck .*cpu 0 at `},
	{name: "hard lockup", flags: []string{"--cpus", "1", "--idle", "10s"}, script: "echo HARDLOCKUP" + crash,
		code: exitKernel, stderr: `guest hangs: silent for 10s: cpu 0 at lkdtm_HARDLOCKUP`},
	{name: "power-off", script: "echo o > /proc/sysrq-trigger; sleep 1000", code: exitKernel, stderr: "guest stopped early: the machine powered off"},
	{name: "reboot", script: "echo b > /proc/sysrq-trigger; sleep 1000", code: exitKernel, stderr: "guest stopped early: the machine (restarted|went off)"},
	{name: "halt", script: "$HALT", code: exitKernel, stderr: "guest stopped early: the machine halted"},
	{name: "out of memory", flags: []string{"--memory", "256"}, script: "tail /dev/zero", code: exitKernel,
		stderr: "the kernel reported: Out of memory: Killed process [0-9]+ .tail"},
	{name: "init dies", script: "kill -ABRT 1; sleep 1000", code: exitKernel, stderr: "kernel panic: Attempted to kill init"},
	{name: "flood", script: "yes flood > /dev/console", code: exitKernel, stderr: "guest floods its console: more than 2097152 bytes"},
	{name: "timeout", flags: []string{"--timeout", "8s"}, script: "sleep 1000", code: exitTimeout, stderr: "did not end within 8s"},
	{name: "timeout of a kernel that warned", flags: []string{"--timeout", "15s"}, script: "echo WARNING" + crash + "sleep 1000", code: exitKernel,
		stderr: "the kernel reported: WARNING: .*did not end within 15s"},
	{name: "SIGINT", script: "echo up; exec sleep 1000", signals: []unix.Signal{unix.SIGINT}, code: exitInterrupted},
	{name: "SIGTERM", script: "echo up; exec sleep 1000", signals: []unix.Signal{unix.SIGTERM}, code: exitTerminated},
	{name: "SIGQUIT", script: "echo up; exec sleep 1000", signals: []unix.Signal{unix.SIGQUIT}, code: exitSignaled + int(unix.SIGQUIT)},
	{name: "SIGINT, handled", script: `trap "echo handled; exit 5" INT; echo up; while :; do sleep 0.1; done`,
		signals: []unix.Signal{unix.SIGINT}, code: 5, stdout: "handled"},
	{name: "SIGTERM, ignored once", script: `trap "" TERM; echo up; sleep 1000`,
		signals: []unix.Signal{unix.SIGTERM, unix.SIGTERM}, code: exitTerminated, stderr: `terminated \(SIGTERM\)`},
	{name: "QEMU is killed", script: "echo up; sleep 1000", signals: []unix.Signal{unix.SIGKILL}, kill: true, code: exitBreakdown,
		stderr: "qemu-system-x86_64: signal: killed"},
}

// runningCommand is a running xpsgen, with its output.
type runningCommand struct {
	cmd            *exec.Cmd
	mu             sync.Mutex
	stdout, stderr bytes.Buffer
	up             chan struct{}
	temp           string
}

// start starts xpsgen with its own temporary directory.
func (h *endingHost) start(t *testing.T, stdin io.Reader, args ...string) *runningCommand {
	t.Helper()
	c := &runningCommand{up: make(chan struct{}), temp: t.TempDir()}
	c.cmd = exec.Command(h.xpsgen, append([]string{"-q", "--root", h.root}, args...)...)
	c.cmd.Env = append(os.Environ(), "TMPDIR="+c.temp)
	c.cmd.Stdin = stdin
	c.cmd.Stdout = writer(func(b []byte) (int, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		before := strings.Contains(c.stdout.String(), "up\n")
		c.stdout.Write(b)
		if !before && strings.Contains(c.stdout.String(), "up\n") {
			close(c.up)
		}
		return len(b), nil
	})
	c.cmd.Stderr = writer(func(b []byte) (int, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.stderr.Write(b)
	})
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// end waits for c, and checks that it ended with code and left nothing.
func (c *runningCommand) end(t *testing.T, children []int, code int) {
	t.Helper()
	err := c.cmd.Wait()
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if got != code {
		t.Errorf("ended with %d, want %d; stderr:\n%s", got, code, c.stderr.String())
	}
	for _, pid := range children {
		if !gone(pid) {
			t.Errorf("child %d outlives xpsgen", pid)
		}
	}
	left, err := os.ReadDir(c.temp)
	if err != nil || len(left) > 0 {
		t.Errorf("left in TMPDIR: %v, %v", left, err)
	}
}

// gone waits for a process to end. A zombie has ended.
func gone(pid int) bool {
	for range 2400 {
		if line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err != nil || len(line) == 0 {
			return true
		}
		time.Sleep(50 * time.Millisecond)
	}
	return false
}

// signal waits until the guest is up, and sends the signals. It returns the
// child processes of xpsgen, which include QEMU.
func (c *runningCommand) signal(t *testing.T, signals []unix.Signal, kill bool) []int {
	t.Helper()
	<-c.up
	children := childrenOf(t, c.cmd.Process.Pid)
	if len(children) == 0 {
		t.Fatal("no QEMU among the children")
	}
	for i, sig := range signals {
		if i > 0 {
			time.Sleep(500 * time.Millisecond) // or they might become one
		}
		pid := c.cmd.Process.Pid
		if kill {
			pid = children[0]
		}
		if err := unix.Kill(pid, sig); err != nil {
			t.Fatal(err)
		}
	}
	return children
}

type endingHost struct{ root, xpsgen, halt string }

func newEndingHost(t *testing.T) *endingHost {
	t.Helper()
	testenv.Require(t, "vm", "boots the patched kernel")
	dir := t.TempDir()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	h := &endingHost{root: root, xpsgen: filepath.Join(dir, "xpsgen"), halt: filepath.Join(dir, "halt")}
	for out, pkg := range map[string]string{h.xpsgen: ".", h.halt: "./testdata/halt"} {
		cmd := exec.Command("go", "build", "-o", out, pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
	}
	return h
}

// TestGuestEndings has guests end badly under vm run, and under a shell that reads a
// script. Each ends with its own code and cause, and leaves nothing.
func TestGuestEndings(t *testing.T) {
	h := newEndingHost(t)
	for _, c := range endings {
		script := strings.ReplaceAll(c.script, "$HALT", h.halt)
		for _, how := range []string{"run", "shell"} {
			t.Run(how+" "+c.name, func(t *testing.T) {
				t.Parallel()
				codeFile := filepath.Join(t.TempDir(), "code")
				args := append([]string{"vm", how, "--exit-code-file", codeFile}, c.flags...)
				var stdin io.Reader
				switch {
				case how == "run":
					args = append(args, "--", "sh", "-c", script)
				case slices.Contains(c.flags, "--timeout"):
					return // a shell has none
				default:
					stdin = strings.NewReader(script + "\n")
				}
				r := h.start(t, stdin, args...)
				var children []int
				if len(c.signals) > 0 {
					children = r.signal(t, c.signals, c.kill)
				}
				r.end(t, children, c.code)
				if !regexp.MustCompile("(?s)" + c.stderr).MatchString(r.stderr.String()) {
					t.Errorf("stderr is %q, want %q", r.stderr.String(), c.stderr)
				}
				if !strings.Contains(r.stdout.String(), c.stdout) {
					t.Errorf("stdout is %q, want %q", r.stdout.String(), c.stdout)
				}
				own, err := os.ReadFile(codeFile)
				if err != nil {
					t.Error(err)
				}
				if c.code < exitKernel && c.code != exitBreakdown && strings.TrimSpace(string(own)) != strconv.Itoa(c.code) {
					t.Errorf("own code %q", own)
				}
			})
		}
	}
}

// TestGuestSuiteEndings ends a suite from outside.
func TestGuestSuiteEndings(t *testing.T) {
	h := newEndingHost(t)
	for _, c := range []struct {
		signal unix.Signal
		kill   bool
		code   int
		stderr string
	}{
		{signal: unix.SIGINT, code: exitInterrupted, stderr: `interrupted \(SIGINT\)`},
		{signal: unix.SIGTERM, code: exitTerminated, stderr: `terminated \(SIGTERM\)`},
		{signal: unix.SIGQUIT, code: 2, stderr: "SIGQUIT: quit"},
		{signal: unix.SIGKILL, kill: true, code: exitBreakdown, stderr: "qemu-system-x86_64: signal: killed"},
	} {
		t.Run(c.signal.String(), func(t *testing.T) {
			t.Parallel()
			r := h.start(t, nil, "vmtest", "--guests", "1", "--out", t.TempDir())
			// It has begun when there are results.
			for !strings.Contains(func() string { r.mu.Lock(); defer r.mu.Unlock(); return r.stdout.String() }(), "ok 1 ") {
				time.Sleep(50 * time.Millisecond)
			}
			children := childrenOf(t, r.cmd.Process.Pid)
			pid := r.cmd.Process.Pid
			if c.kill {
				pid = children[0]
			}
			if err := unix.Kill(pid, c.signal); err != nil {
				t.Fatal(err)
			}
			r.end(t, children, c.code)
			if !regexp.MustCompile(c.stderr).MatchString(r.stderr.String()) {
				t.Errorf("stderr is %q, want %q", r.stderr.String(), c.stderr)
			}
		})
	}
}

// TestGuestTerminal has a shell on a terminal, and ends it in each way there is. The
// terminal has its old settings after any ending of the guest.
func TestGuestTerminal(t *testing.T) {
	h := newEndingHost(t)
	for _, c := range []struct {
		name   string
		typed  string
		signal unix.Signal
		code   int
	}{
		{name: "exit", typed: "exit 3\r", code: 3},
		{name: "escape key", typed: "sleep 1000\r\x01x", code: exitInterrupted},
		{name: "SIGTERM", signal: unix.SIGTERM, code: exitTerminated},
		{name: "SIGQUIT", signal: unix.SIGQUIT, code: exitSignaled + int(unix.SIGQUIT)},
		{name: "panic", typed: "echo c > /proc/sysrq-trigger\r", code: exitKernel},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ptmx, tty, err := pty.Open()
			if err != nil {
				t.Fatal(err)
			}
			defer ptmx.Close()
			defer tty.Close()
			before, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(h.xpsgen, "--root", h.root, "vm", "shell")
			cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var seen strings.Builder
			prompt := make(chan struct{})
			go func() {
				buf, found := make([]byte, 4096), false
				for {
					n, err := ptmx.Read(buf)
					seen.Write(buf[:n])
					if !found && strings.Contains(seen.String(), "] /bpf # ") {
						found = true
						close(prompt)
					}
					if err != nil {
						return
					}
				}
			}()
			<-prompt
			if _, err := io.WriteString(ptmx, c.typed); err != nil {
				t.Fatal(err)
			}
			if c.signal != 0 {
				if err := cmd.Process.Signal(c.signal); err != nil {
					t.Fatal(err)
				}
			}
			err = cmd.Wait()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != c.code {
				t.Errorf("ended with %v, want %d", err, c.code)
			}
			after, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
			if err != nil || *after != *before {
				t.Errorf("the terminal is %+v, %v; was %+v", after, err, before)
			}
			if !strings.Contains(seen.String(), "Ctrl-A x ends the guest") {
				t.Errorf("the escape key is not named: %q", seen.String())
			}
		})
	}
}

// TestGuestBackground runs a program as a job in the background of a terminal: it must
// not be stopped for wanting to read.
func TestGuestBackground(t *testing.T) {
	h := newEndingHost(t)
	ptmx, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer ptmx.Close()
	defer tty.Close()
	go func() { _, _ = io.Copy(io.Discard, ptmx) }()
	cmd := exec.Command("sh", "-mc", h.xpsgen+" -q --root "+h.root+" vm run -- sh -c 'exit 4' & wait $!")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	err = cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 4 {
		t.Errorf("ended with %v, want 4", err)
	}
}
