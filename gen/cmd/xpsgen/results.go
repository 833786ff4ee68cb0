// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/term"
)

// results returns the stream for KTAP. If it shares the terminal with the progress bar,
// the bar is cleared before each write.
func (env *console) results() io.Writer {
	if f, ok := env.stdout.(*os.File); ok && env.ui.Terminal() && term.IsTerminal(int(f.Fd())) {
		return aboveBar{env}
	}
	return env.stdout
}

// colourResults reports whether stdout is coloured: only on a terminal, and only if
// stderr is coloured too.
func (env *console) colourResults() bool {
	f, ok := env.stdout.(*os.File)
	return ok && env.ui.Coloured() && term.IsTerminal(int(f.Fd()))
}

type aboveBar struct{ *console }

func (a aboveBar) Write(b []byte) (n int, err error) {
	a.ui.Above(func() { n, err = a.stdout.Write(b) })
	return n, err
}

// relative returns path relative to the current directory, if that is shorter.
func relative(path string) string {
	wd, err := os.Getwd()
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(wd, path); err == nil && len(rel) < len(path) {
		return rel
	}
	return path
}

// Exit codes for `git bisect run`. It skips a commit that cannot be tested. A failure
// of the workbench stops the bisection, so that it does not blame the commit.
const (
	bisectSkip  = 125
	bisectAbort = 128
)

func bisectStatus(ctx context.Context, env *console, err error) error {
	code := exitCode(ctx, err)
	switch code {
	case exitPassed:
		return nil
	case exitFailed:
		if _, reported := err.(*statusError); reported {
			return err
		}
		code = bisectSkip
	default:
		code = bisectAbort
	}
	env.ui.Error(err.Error())
	return &statusError{code: code}
}
