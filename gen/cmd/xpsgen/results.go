// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/term"
)

// results returns the stream for KTAP. Where it shares the terminal with the
// progress bar, the bar makes room first.
func (env *console) results() io.Writer {
	if f, ok := env.stdout.(*os.File); ok && env.ui.Terminal() && term.IsTerminal(int(f.Fd())) {
		return aboveBar{env}
	}
	return env.stdout
}

// colourResults tells whether what goes to stdout may be coloured: only on a
// terminal, and where stderr is coloured, too.
func (env *console) colourResults() bool {
	f, ok := env.stdout.(*os.File)
	return ok && env.ui.Coloured() && term.IsTerminal(int(f.Fd()))
}

type aboveBar struct{ *console }

func (a aboveBar) Write(b []byte) (n int, err error) {
	a.ui.Above(func() { n, err = a.stdout.Write(b) })
	return n, err
}

// relative shortens path for people who stand near it.
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

// Exit codes that `git bisect run` understands: a commit that cannot be
// tested is skipped, and a broken workbench stops the bisection instead of
// blaming the commit.
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
