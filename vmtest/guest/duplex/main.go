// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Command duplex runs a program whose standard input is a socket. It connects the socket
// with its own standard input and output. The program's standard output and standard error
// go to the standard error of duplex.
//
// So a program that talks to a server needs no network in the guest.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: duplex PROGRAM [ARGUMENT]...")
		os.Exit(2)
	}
	code, err := run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "duplex:", err)
		os.Exit(1)
	}
	os.Exit(code)
}

// run runs a program and returns its exit code, 128+n if signal n ended it.
func run(args []string, in io.Reader, out io.Writer, log *os.File) (int, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("make a socket: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "socket"), os.NewFile(uintptr(fds[1]), "socket")
	defer ours.Close()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, log, log
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		return 0, fmt.Errorf("start: %w", err)
	}
	go func() {
		_, _ = io.Copy(ours, in)
		// The program reads the end of its input, and can still write.
		_ = unix.Shutdown(fds[0], unix.SHUT_WR)
	}()
	// Ends when the program and all its children have closed the socket.
	_, copied := io.Copy(out, ours)
	var exit *exec.ExitError
	switch err := cmd.Wait(); {
	case errors.As(err, &exit):
		if s, ok := exit.Sys().(interface{ Signal() unix.Signal }); ok && exit.ExitCode() < 0 {
			return 128 + int(s.Signal()), nil
		}
		return exit.ExitCode(), nil
	case err != nil:
		return 0, fmt.Errorf("wait: %w", err)
	}
	return 0, copied
}
