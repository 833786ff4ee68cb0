// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/wire"
)

// environment is the environment of programs before the host's additions.
var environment = [...]string{
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"HOME=/root", "USER=root", "LOGNAME=root", "SHELL=/bin/sh",
	"LANG=C.UTF-8", "TMPDIR=/tmp", "XPSGEN_GUEST=1",
}

// setEnv sets this process's environment, which programs inherit.
func setEnv(more []string) {
	os.Clearenv()
	for _, kv := range append(environment[:], more...) {
		k, v, _ := strings.Cut(kv, "=")
		if k != "" {
			// Setenv fails only for an invalid name.
			_ = os.Setenv(k, v)
		}
	}
}

// program runs one program with its streams on ports. It connects them by pipes, because a
// port can be opened only once and a program may reopen its streams.
func (g *guest) program() (int, error) {
	setEnv(wire.Strings(g.cfg.Env))
	if err := enter(string(g.cfg.Dir)); err != nil {
		return 0, err
	}
	args := wire.Strings(g.cfg.Args)
	var theirs, ours [3]*os.File
	for i := range theirs {
		if i == 2 && g.cfg.OneStream {
			theirs[i] = theirs[1]
			break
		}
		r, w, err := os.Pipe()
		if err != nil {
			return 0, err
		}
		theirs[i], ours[i] = r, w
		if i > 0 {
			theirs[i], ours[i] = w, r
		}
	}
	pid, code, err := start(args, theirs[:], &syscall.SysProcAttr{Setpgid: true})
	if err != nil {
		return 0, err
	}
	if pid == 0 {
		to := g.ports[wire.PortStderr]
		if to == nil {
			to = g.ports[wire.PortStdout]
		}
		_, err := fmt.Fprintf(to, "xpsgen vm: %s: not found or not executable in the guest\n", args[0])
		return code, err
	}
	g.inbox.handle(func(m wire.Message) {
		if m.Signal != 0 {
			_ = unix.Kill(-pid, unix.Signal(m.Signal))
		}
	})
	go func() {
		_, _ = io.Copy(ours[0], g.ports[wire.PortStdin])
		ours[0].Close()
	}()
	var copies sync.WaitGroup
	var errs [3]error
	for i, name := range []string{1: wire.PortStdout, 2: wire.PortStderr} {
		if i > 0 && ours[i] != nil {
			copies.Go(func() { _, errs[i] = io.Copy(g.ports[name], ours[i]) })
		}
	}
	for _, f := range theirs {
		f.Close() // twice if there is one stream, which does no harm
	}
	code = reap(pid)
	// Processes that the program left behind may hold its streams open: kill them.
	_ = unix.Kill(-1, unix.SIGKILL)
	copies.Wait()
	return code, errors.Join(errs[:]...)
}

// enter creates dir and makes it the current directory.
func enter(dir string) error {
	if dir == "" {
		dir = "/root"
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("working directory: %w", err)
	}
	if err := os.Chdir(dir); err != nil {
		return fmt.Errorf("working directory: %w", err)
	}
	return nil
}

// start starts a program. If that fails, pid is 0 and code is the status of a shell: 127 if
// the program is missing, 126 if it is not executable.
func start(args []string, files []*os.File, attr *syscall.SysProcAttr) (pid, code int, err error) {
	path, err := exec.LookPath(args[0])
	if err == nil {
		var p *os.Process
		p, err = os.StartProcess(path, args, &os.ProcAttr{Files: files, Sys: attr})
		if err == nil {
			pid = p.Pid
			// NB: reap waits for every child by pid, including this one.
			return pid, 0, p.Release()
		}
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, exec.ErrNotFound) {
		return 0, 127, nil
	}
	return 0, 126, nil
}

// reap waits for children until pid ends. It returns the status of pid as a shell does:
// 128+n for signal n.
func reap(pid int) int {
	for {
		var ws unix.WaitStatus
		got, err := unix.Wait4(-1, &ws, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR) || got != pid && err == nil:
			continue
		case err != nil:
			// No children are left, so pid never existed.
			return 127
		case ws.Signaled():
			return 128 + int(ws.Signal())
		}
		return ws.ExitStatus()
	}
}
