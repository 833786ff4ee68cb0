// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Command xpsgen is the workbench of the XPS BPF hook: it boots the patched
// kernel and tests it, generates Go bindings of its UAPI, and says what the
// machine lacks for either.
//
// stdout carries results only (KTAP, a guest program's output, JSON); progress
// and notices go to stderr. Exit codes: 0 passed, 1 tests or checks failed, 2
// usage, 69 the workbench could not do its work. `xpsgen vm run` alone passes
// on the code of the program it ran.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

func main() {
	os.Exit(xpsgen(os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// xpsgen is the whole command without the process around it. The first SIGINT,
// SIGTERM or SIGHUP cancels the context, so that every child is ended and
// every lock released; a second one ends the process at once.
func xpsgen(args []string, stdin *os.File, stdout, stderr io.Writer) int {
	if completeValue(args, stdout) {
		return exitPassed
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, unix.SIGTERM, unix.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop)

	// A reader that goes away (`xpsgen vmtest | head`) must not kill the run
	// half way: writes fail with EPIPE instead, and the results in out/ stay
	// whole.
	signal.Ignore(unix.SIGPIPE)

	env := newEnvironment(stdin, stdout, stderr)
	defer env.close()
	app := newApp(env, args)
	err := app.RunContext(ctx, permute(app, args))
	return env.report(ctx, err)
}
