// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/gen/series"
	"xpsgen/gen/series/export"
	"xpsgen/gen/series/worktree"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/run"
)

// Exit codes, see docs/commands.md. 69 is EX_UNAVAILABLE of sysexits.h: the workbench
// failed, not the kernel under test. 124 is the exit code of timeout(1).
const (
	exitPassed      = 0
	exitFailed      = 1
	exitUsage       = 2
	exitBreakdown   = 69
	exitKernel      = 70
	exitTimeout     = 124
	exitSignaled    = 128 // and the number of the signal
	exitInterrupted = exitSignaled + int(unix.SIGINT)
	exitTerminated  = exitSignaled + int(unix.SIGTERM)
)

// statusError carries an exit code that needs no message: that of the program of `vm
// run`, or that of failed tests which are already reported.
type statusError struct{ code int }

func (e *statusError) Error() string { return fmt.Sprintf("exit status %d", e.code) }

// exitCode maps the error of a command to the exit code of the process. A
// reported status and a usage error come first. Then come a signal that ended
// the command, a kernel that panicked or warned, and a timeout. A fault of the
// series or its tree is 1. A failure of the workbench is 69.
func exitCode(ctx context.Context, err error) int {
	var (
		status  *statusError
		sig     *signalError
		kernel  *run.KernelError
		timeout *run.TimeoutError
	)
	switch {
	case err == nil:
		return exitPassed
	case errors.As(err, &status):
		return status.code
	case isUsage(err), errors.Is(err, prepare.ErrSource), errors.Is(err, run.ErrForeign), uapiUsage(err):
		return exitUsage
	case errors.As(context.Cause(ctx), &sig), errors.As(err, &sig):
		return exitSignaled + int(sig.signal)
	case errors.As(err, &kernel):
		return exitKernel
	case errors.As(err, &timeout):
		return exitTimeout
	case ctx.Err() != nil, errors.Is(err, errEscaped):
		return exitInterrupted
	case prepare.IsVerdict(err), isSeriesVerdict(err), uapiVerdict(err):
		return exitFailed
	}
	return exitBreakdown
}

// isUsage reports whether err is about the command line.
func isUsage(err error) bool {
	return errors.As(err, new(*command.UsageError))
}

// isSeriesVerdict reports whether err is about the series or its tree, and not a
// failure of the workbench.
func isSeriesVerdict(err error) bool {
	var (
		conflict *worktree.ConflictError
		lost     *worktree.LostError
		merge    *worktree.MergeError
		gone     *worktree.GoneError
		file     *series.FileError
	)
	if errors.As(err, &conflict) || errors.As(err, &lost) || errors.As(err, &file) ||
		errors.As(err, &merge) || errors.As(err, &gone) {
		return true
	}
	for _, verdict := range []error{
		worktree.ErrExists, worktree.ErrNotOurs, worktree.ErrBusy, worktree.ErrDirty, worktree.ErrStale,
		worktree.ErrHistory, worktree.ErrCommit, worktree.ErrKey, worktree.ErrOnto, worktree.ErrNoRebase,
		worktree.ErrMarkers, worktree.ErrNoForm, series.ErrSent, series.ErrNotSent,
		export.ErrNoPublicBase,
	} {
		if errors.Is(err, verdict) {
			return true
		}
	}
	return false
}
