// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Command xps shows, attaches, detaches and watches the BPF programs that select
// the tx queues of network devices, on the machine it runs on. It needs neither
// the patched ip nor anything else of the workbench.
//
//	xps show
//	xps attach eth0 --policy flow-hash --queues 1-7
//	xps show eth0 --stats
//	xps detach eth0
//
// xps help COMMAND lists the options. Exit codes: 0 success, 1 failure, 2 usage error,
// 69 the kernel does not have the hook.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"xpsgen/bpf/policy"
	"xpsgen/bpf/xps"
)

// Exit codes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitUnavailable = 69
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// command is a subcommand. do may move the calling thread to another network
// namespace.
type command struct {
	name, args, what string
	help             string
	do               func(ctx context.Context, c *call, args []string) error
}

// call is a command that runs, and its outputs.
type call struct {
	command        *command
	stdout, stderr io.Writer
}

func commands() []*command {
	return []*command{showCommand(), attachCommand(), detachCommand(), watchCommand()}
}

func run(args []string, stdout, stderr io.Writer) int {
	// Only this thread moves to another network namespace.
	runtime.LockOSThread()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	if len(args) == 0 {
		usage(stderr)
		return exitUsage
	}
	name, args := args[0], args[1:]
	if name == "help" || name == "-h" || name == "--help" {
		if len(args) == 0 {
			usage(stdout)
			return exitDone
		}
		name, args = args[0], []string{"--help"}
	}
	for _, cmd := range commands() {
		if cmd.name != name {
			continue
		}
		c := &call{command: cmd, stdout: stdout, stderr: stderr}
		return c.exit(cmd.do(ctx, c, args))
	}
	fmt.Fprintf(stderr, "xps: unknown command %q (xps help lists the commands)\n", name)
	return exitUsage
}

func usage(w io.Writer) {
	fmt.Fprint(w, "Attach, detach, show and watch the BPF programs that select tx queues of network devices.\n\n")
	for _, cmd := range commands() {
		fmt.Fprintf(w, "  xps %-34s %s\n", cmd.name+" "+cmd.args, cmd.what)
	}
	fmt.Fprint(w, "\nxps help COMMAND lists the options. Exit codes: 0 success, 1 failure, 2 usage\n"+
		"error, 69 the kernel does not have the hook.\n")
}

// usageError is a mistake in the arguments.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// errHelp: the help was requested and printed.
var errHelp = errors.New("help")

// exit prints the error and returns the exit code.
func (c *call) exit(err error) int {
	var wrong *usageError
	switch {
	case err == nil, errors.Is(err, errHelp):
		return exitDone
	case errors.As(err, &wrong), errors.Is(err, policy.ErrOptions):
		fmt.Fprintf(c.stderr, "xps %s: %v (xps help %s)\n", c.command.name, err, c.command.name)
		return exitUsage
	case errors.Is(err, xps.ErrNotSupported):
		fmt.Fprintf(c.stderr, "xps %s: this kernel does not have the XPS hook (%s): boot one with the patches of kernel-patches\n",
			c.command.name, strings.TrimSpace(release()))
		return exitUnavailable
	case errors.Is(err, xps.ErrLinked):
		fmt.Fprintf(c.stderr, "xps %s: %v: xps detach DEVICE --link\n", c.command.name, err)
		return exitFailed
	default:
		fmt.Fprintf(c.stderr, "xps %s: %v\n", c.command.name, err)
		return exitFailed
	}
}

// release returns the release of the kernel.
func release() string {
	b, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "release unknown"
	}
	return "Linux " + string(b)
}
