// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Command xpsgen is the workbench of the XPS BPF hook: it boots the patched
// kernel and tests it, generates Go bindings of its UAPI, and says what the
// machine lacks for either.
//
// stdout carries results only (KTAP, a guest program's output, JSON). Progress
// and notices go to stderr.
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

// xpsgen is the whole command without the process around it.
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

	// A reader that goes away (`xpsgen vmtest | head`) must not kill the run
	// half way: writes fail with EPIPE instead, and the results in out/ stay
	// whole.
	signal.Ignore(unix.SIGPIPE)

	err := command.Run(ctx, root, args, command.Options{Stdout: stdout, Ready: env.ready})
	return env.report(ctx, err)
}
