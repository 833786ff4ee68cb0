// SPDX-License-Identifier: GPL-2.0-only OR MIT

package run

import (
	"context"
	"fmt"
	"io"
	"os"

	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/vm"
)

// ShellOptions describe the terminal of an interactive guest.
type ShellOptions struct {
	In  io.Reader
	Out io.Writer
	// Size returns the terminal's columns and rows. Resize delivers a value
	// when they change.
	Size   func() (cols, rows int)
	Resize <-chan struct{}
	// Term is the value of TERM.
	Term string
	// Ready is called before the guest starts, to make the terminal raw.
	Ready func() error
}

// Shell runs the guest's shell. Errors are as for [Program].
func (g *Guest) Shell(ctx context.Context, opt ShellOptions) (Ending, error) {
	return g.shell(ctx, opt, func(*vm.Machine) {})
}

func (g *Guest) shell(ctx context.Context, opt ShellOptions, configure func(*vm.Machine)) (Ending, error) {
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
		return Ending{}, fmt.Errorf("prepare the terminal: %w", err)
	}
	cols, rows := opt.Size()
	files, shares, err := g.files()
	if err != nil {
		return Ending{}, err
	}
	return g.run(ctx, func(m *vm.Machine) {
		m.Config = wire.Config{
			Mode:   wire.ModeShell,
			Env:    g.opt.environ(wire.ObjectDir),
			Host:   files,
			Term:   opt.Term,
			Window: &wire.Window{Cols: uint16(cols), Rows: uint16(rows)},
		}
		m.Shares = shares
		m.TTYIn, m.TTYOut, m.Windows = opt.In, opt.Out, windows
		m.Notice = g.opt.Source.Progress.Notice("vm")
		configure(m)
	})
}

// Script has the guest's shell read a script from in. The shell echoes nothing
// and shows no prompt, so out gets only the output of the script. Errors are as
// for [Program].
func (g *Guest) Script(ctx context.Context, in io.Reader, out, errs io.Writer) (Ending, error) {
	files, shares, err := g.files()
	if err != nil {
		return Ending{}, err
	}
	return g.run(ctx, func(m *vm.Machine) {
		m.Config = wire.Config{Mode: wire.ModeRun, Args: []wire.Raw{wire.Raw(g.opt.shell()), "-s"}, Dir: wire.ObjectDir,
			Env: g.opt.environ(wire.ObjectDir), Host: files, OneStream: sameFile(out, errs)}
		m.Shares = shares
		m.Stdin, m.Stdout, m.Stderr = in, out, errs
	})
}

// files returns the host's files for a guest that writes to the current
// directory and to those of Writable.
func (g *Guest) files() (*wire.HostFiles, []vm.Share, error) {
	if err := g.opt.checkWritable(); err != nil {
		return nil, nil, err
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil, nil, fmt.Errorf("find the current directory: %w", err)
	}
	h, shares, err := hostFiles(append([]string{dir}, g.opt.Writable...), g.opt.Add, g.opt.HostTools)
	if err == nil {
		modules(h, g.artifacts.Kernel)
		h.Foreign = g.artifacts.Arch.Cross()
	}
	return h, shares, err
}
