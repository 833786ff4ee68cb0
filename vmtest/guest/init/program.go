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

// environment is what programs find, before what the host adds.
var environment = [...]string{
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"HOME=/root", "USER=root", "LOGNAME=root", "SHELL=/bin/sh",
	"LANG=C.UTF-8", "TMPDIR=/tmp", "XPSGEN_GUEST=1",
}

// setEnv makes the environment of this process that of the programs.
func setEnv(more []string) {
	os.Clearenv()
	for _, kv := range append(environment[:], more...) {
		k, v, _ := strings.Cut(kv, "=")
		if k != "" {
			// The only error is a name that cannot be one.
			_ = os.Setenv(k, v)
		}
	}
}

// program runs one program, its streams on ports of their own. Pipes lie
// between: a port can be opened only once, a program may well do so again.
func (g *guest) program() (int, error) {
	setEnv(g.cfg.Env)
	if err := enter(g.cfg.Dir); err != nil {
		return 0, err
	}
	var theirs, ours [3]*os.File
	for i := range theirs {
		r, w, err := os.Pipe()
		if err != nil {
			return 0, err
		}
		theirs[i], ours[i] = r, w
		if i > 0 {
			theirs[i], ours[i] = w, r
		}
	}
	pid, code, err := start(g.cfg.Args, theirs[:], &syscall.SysProcAttr{Setpgid: true})
	if err != nil {
		return 0, err
	}
	if pid == 0 {
		why := fmt.Sprintf("xpsgen vm: %s: not found or not executable in the guest (take it along with --add)\n", g.cfg.Args[0])
		_, err := io.WriteString(g.ports[wire.PortStderr], why)
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
		if i > 0 {
			copies.Go(func() { _, errs[i] = io.Copy(g.ports[name], ours[i]) })
		}
	}
	for _, f := range theirs {
		f.Close()
	}
	code = reap(pid)
	// What it left behind may hold its streams open, and ends with it.
	_ = unix.Kill(-1, unix.SIGKILL)
	copies.Wait()
	return code, errors.Join(errs[:]...)
}

// enter makes dir and the current directory it.
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

// start starts a program. If it cannot be, pid is 0 and code what a shell
// would say: 127 if it is not there, 126 if it is and will not do.
func start(args []string, files []*os.File, attr *syscall.SysProcAttr) (pid, code int, err error) {
	path, err := exec.LookPath(args[0])
	if err == nil {
		var p *os.Process
		p, err = os.StartProcess(path, args, &os.ProcAttr{Files: files, Sys: attr})
		if err == nil {
			pid = p.Pid
			// NB: reap waits for it by number, with all others.
			return pid, 0, p.Release()
		}
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, exec.ErrNotFound) {
		return 0, 127, nil
	}
	return 0, 126, nil
}

// reap waits for every child until pid is among them, and returns its status
// as a shell does: 128+n for signal n.
func reap(pid int) int {
	for {
		var ws unix.WaitStatus
		got, err := unix.Wait4(-1, &ws, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR) || got != pid && err == nil:
			continue
		case err != nil:
			// No children: it was never there.
			return 127
		case ws.Signaled():
			return 128 + int(ws.Signal())
		}
		return ws.ExitStatus()
	}
}
