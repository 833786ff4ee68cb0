// SPDX-License-Identifier: GPL-2.0-only OR MIT

package run

import (
	"context"
	"fmt"
	"io"

	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/vm"
)

// ShellOptions describe the terminal of an interactive guest.
type ShellOptions struct {
	In  io.Reader
	Out io.Writer
	// Size returns the terminal's columns and rows; Resize delivers a value
	// when to ask again.
	Size   func() (cols, rows int)
	Resize <-chan struct{}
	// Term is the value of TERM.
	Term string
	// Ready is called before the guest starts, to make the terminal raw.
	Ready func() error
}

// Shell runs the guest's shell and returns its exit code.
func (g *Guest) Shell(ctx context.Context, opt ShellOptions) (code int, err error) {
	windows := make(chan wire.Window, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-opt.Resize:
			}
			cols, rows := opt.Size()
			select {
			case windows <- wire.Window{Cols: uint16(cols), Rows: uint16(rows)}:
			case <-ctx.Done():
				return
			}
		}
	}()
	if err := opt.Ready(); err != nil {
		return 0, fmt.Errorf("prepare the terminal: %w", err)
	}
	cols, rows := opt.Size()
	return g.run(ctx, func(m *vm.Machine) {
		m.Config = wire.Config{
			Mode:   wire.ModeShell,
			Term:   opt.Term,
			Window: &wire.Window{Cols: uint16(cols), Rows: uint16(rows)},
		}
		m.TTYIn, m.TTYOut, m.Windows = opt.In, opt.Out, windows
		m.Notice = g.opt.Source.Progress.Notice("vm")
	})
}

// Script has the guest's shell read a script from in, and returns its exit
// code. Nothing is echoed and no prompt is shown: what comes out is what the
// script prints.
func (g *Guest) Script(ctx context.Context, in io.Reader, out, errs io.Writer) (code int, err error) {
	return g.run(ctx, func(m *vm.Machine) {
		m.Config = wire.Config{Mode: wire.ModeRun, Args: []string{g.spec.Shell, "-s"}, Dir: wire.ObjectDir}
		m.Stdin, m.Stdout, m.Stderr = in, out, errs
	})
}
