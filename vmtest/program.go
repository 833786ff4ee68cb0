// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vmtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"xpsgen/vmtest/build/image"
	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/vm"
)

// GuestOptions describe a guest for people.
type GuestOptions struct {
	Source  Source
	Machine Machine
	// Add are host files to have in the guest: FILE, or HOST:GUEST.
	Add []string
	// Notice is called with what a person has to read, such as the line that
	// starts a debugger. May be nil.
	Notice func(line string)
}

// Guest is a guest ready to boot.
type Guest struct {
	opt       GuestOptions
	artifacts *Artifacts
	spec      *image.Spec
}

// PrepareGuest has everything built for a guest with busybox.
func PrepareGuest(ctx context.Context, opt GuestOptions) (*Guest, error) {
	a, err := Prepare(ctx, opt.Source)
	if err != nil {
		return nil, err
	}
	if err := RememberRoot(opt.Source.Root, opt.Source.Cache); err != nil {
		return nil, err
	}
	g := &Guest{opt: opt, artifacts: a}
	if g.spec, err = a.shellSpec(ctx); err != nil {
		return nil, err
	}
	if err := addFiles(g.spec, opt.Add); err != nil {
		return nil, err
	}
	return g, nil
}

// ProgramOptions describe a host program to run in the guest.
type ProgramOptions struct {
	GuestOptions
	// Args is the program, found as a shell on the host would, and its
	// arguments.
	Args []string
	// Env are NAME=VALUE for the guest, or NAME for the value here. The
	// host's environment stays out otherwise.
	Env []string
	// Timeout ends the program; 0 means none.
	Timeout time.Duration
	// Stdin may be nil for none.
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// RunProgram runs a host program in the patched guest, in the directory of the
// same name, and returns its exit code, 128+n if signal n ended it. A
// testdata directory beside a Go test comes along by itself, since go test
// runs tests in their package's directory.
//
// A kernel that panics or complains while the program runs is an error even if
// the program did well.
func RunProgram(ctx context.Context, opt ProgramOptions) (code int, err error) {
	program, err := resolve(opt.Args[0])
	if err != nil {
		return 0, err
	}
	dir, err := os.Getwd()
	if err != nil {
		return 0, fmt.Errorf("run %s: %w", program, err)
	}
	if strings.HasSuffix(program, ".test") {
		if testdata := filepath.Join(dir, "testdata"); isDir(testdata) {
			opt.Add = append(opt.Add, testdata)
		}
	}
	g, err := PrepareGuest(ctx, opt.GuestOptions)
	if err != nil {
		return 0, err
	}
	g.spec.Programs = append(g.spec.Programs, image.Program{Host: program})
	if opt.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, opt.Timeout,
			fmt.Errorf("%s did not end within %s", opt.Args[0], opt.Timeout))
		defer cancel()
	}
	return g.run(ctx, func(m *vm.Machine) {
		m.Config = wire.Config{
			Mode: wire.ModeRun,
			Args: append([]string{program}, opt.Args[1:]...),
			Env:  environ(opt.Env),
			Dir:  dir,
		}
		m.Stdin, m.Stdout, m.Stderr = opt.Stdin, opt.Stdout, opt.Stderr
	})
}

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

// run boots the guest. What the kernel had to complain about, if anything, is
// in the error, with the end of the console.
func (g *Guest) run(ctx context.Context, configure func(*vm.Machine)) (code int, err error) {
	file, _, _, err := image.Cached(ctx, filepath.Join(g.opt.Source.Cache, "image"), g.spec)
	if err != nil {
		return 0, fmt.Errorf("make the guest's image: %w", err)
	}
	m := g.opt.Machine.describe(&g.opt.Source, g.artifacts, file)
	var console bytes.Buffer
	m.Console = &console
	m.Notice = g.opt.Notice
	configure(m)
	running, err := m.Start(ctx)
	if err != nil {
		return 0, err
	}
	if line := running.DebuggerLine(); line != "" && g.opt.Notice != nil {
		g.opt.Notice("the guest waits for a debugger; type:\n  " + line)
	}
	result, err := running.Wait()
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return 0, fmt.Errorf("%w", cause)
	}
	if len(result.Splats) > 0 {
		s := decodeSplats(ctx, g.artifacts, result.Splats)
		return 0, fmt.Errorf("%s\n%s", s[0].reason(), strings.Join(s[0].Text, "\n"))
	}
	if err != nil {
		return 0, err
	}
	return result.Exit.Code, nil
}

func environ(names []string) []string {
	var env []string
	for _, e := range names {
		if !strings.Contains(e, "=") {
			value, ok := os.LookupEnv(e)
			if !ok {
				continue
			}
			e += "=" + value
		}
		env = append(env, e)
	}
	return env
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
