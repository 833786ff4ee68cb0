// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"xpsgen/gen/cmd/xpsgen/ui"
	"xpsgen/vmtest/run"
)

// errEscaped is returned if the escape key ended the guest.
var errEscaped = errors.New("ended by Ctrl-A x")

// shell runs the guest's shell on the user's terminal. Without a terminal the shell
// reads a script from stdin.
func (env *console) shell(ctx context.Context, opt run.GuestOptions, finish func(run.Ending, error) error) error {
	guest, err := run.PrepareGuest(ctx, opt)
	if err != nil {
		return finish(run.Ending{}, err)
	}
	return env.onTerminal(ctx, func(ctx context.Context, tty *run.ShellOptions) error {
		if tty == nil {
			return finish(guest.Script(ctx, env.stdin, env.stdout, env.stderr))
		}
		return finish(guest.Shell(ctx, *tty))
	})
}

// onTerminal calls use with the user's terminal in raw mode, and with nil without a
// terminal. It always restores the terminal's mode.
func (env *console) onTerminal(ctx context.Context, use func(context.Context, *run.ShellOptions) error) error {
	tty, err := ui.OpenTerminal(env.stdin, env.stdout)
	if err != nil {
		return fmt.Errorf("prepare the terminal: %w", err)
	}
	defer tty.Restore()
	if !tty.IsTerminal() {
		return use(ctx, nil)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// Keys reach the guest as bytes, so a signal to this process comes from
	// another process. It ends the guest. Then the terminal is restored.
	defer env.signals.take(func(sig unix.Signal) bool {
		cancel(&signalError{sig})
		return true
	})()
	err = use(ctx, &run.ShellOptions{
		In:     ui.NewEscape(env.stdin, func() { cancel(errEscaped) }),
		Out:    env.stdout,
		Size:   tty.Size,
		Resize: tty.Resize(ctx),
		Term:   os.Getenv("TERM"),
		Ready: func() error {
			env.ui.Printf("Ctrl-A x ends the guest")
			return tty.Raw()
		},
	})
	tty.Restore()
	var status *statusError
	if cause := context.Cause(ctx); cause != nil && !errors.As(err, &status) && err == nil {
		return cause
	}
	return err
}
