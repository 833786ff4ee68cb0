// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Command xpsgen is the workbench of the XPS BPF hook. It boots and tests the patched
// kernel, generates Go bindings of its UAPI, and prepares the series for the mailing
// lists.
//
// Results go to stdout: KTAP, a guest program's output, JSON. Progress and notices go
// to stderr.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"

	"xpsgen/gen/cmd/xpsgen/command"
)

func main() {
	os.Exit(xpsgen(os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// xpsgen runs the command and returns the exit code.
func xpsgen(args []string, stdin *os.File, stdout, stderr io.Writer) int {
	env := newEnvironment(stdin, stdout, stderr)
	defer env.close()
	env.args = append([]string{"xpsgen"}, args[1:]...)
	root := rootCommand(env)
	if len(args) > 2 && args[1] == completeWord {
		return env.complete(root, args[2], args[3:])
	}

	ctx, signals, stop := handleSignals(context.Background())
	defer stop()
	env.signals = signals

	// A reader that closes the pipe (`xpsgen vmtest | head`) must not kill the run.
	// Writes then fail with EPIPE, and the results in out/ are complete.
	signal.Ignore(unix.SIGPIPE)

	err := command.Run(ctx, root, args, command.Options{Stdout: stdout, Ready: env.ready})
	return env.report(ctx, err)
}
