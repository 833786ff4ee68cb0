// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"fmt"
	"os"

	"xpsgen/gen/cmd/xpsgen/ui"
	"xpsgen/vmtest/run"
)

// shell runs the guest's shell on our terminal, which is raw meanwhile and as
// it was on every way out. Without a terminal the shell reads a script from
// stdin.
func (env *environment) shell(ctx context.Context, opt run.GuestOptions) error {
	guest, err := run.PrepareGuest(ctx, opt)
	if err != nil {
		return err
	}
	tty, err := ui.OpenTerminal(env.stdin, env.stdout)
	if err != nil {
		return fmt.Errorf("prepare the terminal: %w", err)
	}
	defer tty.Restore()
	if !tty.IsTerminal() {
		code, err := guest.Script(ctx, env.stdin, env.stdout, env.stderr)
		if err == nil && code != 0 {
			err = &statusError{code: code}
		}
		return err
	}
	code, err := guest.Shell(ctx, run.ShellOptions{
		In:     env.stdin,
		Out:    env.stdout,
		Size:   tty.Size,
		Resize: tty.Resize(ctx),
		Term:   os.Getenv("TERM"),
		Ready:  tty.Raw,
	})
	tty.Restore()
	if err != nil {
		return err
	}
	if code != 0 {
		return &statusError{code: code}
	}
	return nil
}
