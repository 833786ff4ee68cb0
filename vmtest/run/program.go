// SPDX-License-Identifier: GPL-2.0-only OR MIT

package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"time"

	"xpsgen/vmtest/boot"
	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/image"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/vm"
	"xpsgen/vmtest/workbench"
)

// GuestOptions describe a guest that sees the host's files.
type GuestOptions struct {
	Source  prepare.Source
	Machine boot.Machine
	// Writable are directories in which the guest writes to the host, in addition to
	// the current one. All else that it writes is lost at its end.
	Writable []string
	// Add puts files of the host at other paths: HOST:GUEST.
	Add []string
	// Env are NAME=VALUE for the guest, or NAME for the value here; EnvAll hands
	// on the whole environment.
	Env    []string
	EnvAll bool
	// Limits end a guest that does not get on; zero is the default. Not stretched.
	Limits vm.Timeouts
	// Signals carries signals to the program. May be nil.
	Signals <-chan int
	// Up is called when the guest is up. May be nil.
	Up func()
	// HostTools runs the host's own ip and bpftool, not those of the series.
	HostTools bool
	// Console receives the kernel's console. May be nil.
	Console io.Writer
	// Notice is called with a line that a person has to act on: the one that
	// starts a debugger. May be nil.
	Notice func(line string)
}

// Guest is a guest ready to boot.
type Guest struct {
	opt       GuestOptions
	artifacts *prepare.Artifacts
	spec      *image.Spec
}

// PrepareGuest builds the parts of a guest with the host's files.
func PrepareGuest(ctx context.Context, opt GuestOptions) (*Guest, error) {
	a, err := prepare.Guest(ctx, opt.Source)
	if err != nil {
		return nil, err
	}
	if err := workbench.Remember(opt.Source.Root, opt.Source.Cache); err != nil {
		return nil, err
	}
	return &Guest{opt: opt, artifacts: a, spec: boot.HostSpec(a)}, nil
}

// ProgramOptions describe a host program to run in the guest.
type ProgramOptions struct {
	GuestOptions
	// Args is the program, found as a shell on the host would, and its
	// arguments. ip and bpftool are the guest's own, unless HostTools is set.
	Args []string
	// Closed gives the guest the program and its libraries, and no other file of
	// the host.
	Closed bool
	// Files are further files of a closed guest.
	Files []image.File
	// TTY is the terminal of the program, nil for none.
	TTY *ShellOptions
	// Timeout ends the program; 0 means none.
	Timeout time.Duration
	// Stdin may be nil for none.
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// Program runs a host program in the patched guest, in the directory of the
// same name.
//
// It returns a [*KernelError] if the kernel panicked or warned, even if the
// program succeeded. It returns a [*TimeoutError] if the program did not end in
// time. Other errors are the workbench's.
func Program(ctx context.Context, opt ProgramOptions) (Ending, error) {
	program, err := opt.find(opt.Args[0])
	if err != nil {
		return Ending{}, err
	}
	dir, err := os.Getwd()
	if err != nil {
		return Ending{}, fmt.Errorf("run %s: %w", program, err)
	}
	if err := opt.checkWritable(); err != nil {
		return Ending{}, err
	}
	args := opt.Args[1:]
	files, shares, err := hostFiles(append(writable(program, args, dir, os.Getenv), opt.Writable...), opt.Add, opt.HostTools)
	if err != nil {
		return Ending{}, err
	}
	g, err := PrepareGuest(ctx, opt.GuestOptions)
	if err != nil {
		return Ending{}, err
	}
	modules(files, g.artifacts.Kernel)
	files.Foreign = g.artifacts.Arch.Cross()
	if opt.Closed {
		g.spec = boot.SuiteSpec(g.artifacts)
		g.spec.Programs = append(g.spec.Programs, image.Program{Host: program})
		g.spec.Files = append(g.spec.Files, opt.Files...)
		files, shares = nil, nil
	}
	if opt.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, opt.Timeout, &TimeoutError{Program: opt.Args[0], After: opt.Timeout})
		defer cancel()
	}
	// Without this file, go test does not cache the result, which it would
	// reuse for any kernel.
	for _, f := range testFlags(args) {
		if f.name == "testlogfile" {
			defer os.Remove(absolute(dir, f.value))
		}
	}
	if opt.TTY != nil {
		return g.shell(ctx, *opt.TTY, func(m *vm.Machine) {
			m.Config.Args, m.Config.Env, m.Config.Dir = wire.Raws(append([]string{program}, args...)), opt.environ(dir), wire.Raw(dir)
			m.Config.Host, m.Shares, m.Notice = files, shares, nil
		})
	}
	return g.run(ctx, func(m *vm.Machine) {
		m.Config = wire.Config{
			Mode:      wire.ModeRun,
			Args:      wire.Raws(append([]string{program}, args...)),
			Env:       opt.environ(dir),
			Dir:       wire.Raw(dir),
			OneStream: sameFile(opt.Stdout, opt.Stderr),
			Host:      files,
		}
		m.Shares = shares
		m.Stdin, m.Stdout, m.Stderr = opt.Stdin, opt.Stdout, opt.Stderr
	})
}

// sameFile reports whether two streams are one file. Then the order of writes to both
// must stay.
func sameFile(a, b io.Writer) bool {
	fa, ok := a.(*os.File)
	if !ok {
		return false
	}
	fb, ok := b.(*os.File)
	if !ok {
		return false
	}
	ia, err := fa.Stat()
	if err != nil {
		return false
	}
	ib, err := fb.Stat()
	return err == nil && os.SameFile(ia, ib)
}

// run boots the guest and tells how that ended.
func (g *Guest) run(ctx context.Context, configure func(*vm.Machine)) (Ending, error) {
	file, _, _, err := image.Cached(ctx, filepath.Join(g.opt.Source.Cache, "image"), g.spec)
	if err != nil {
		return Ending{}, fmt.Errorf("make the guest's image: %w", err)
	}
	m := g.opt.Machine.Describe(&g.opt.Source, g.artifacts, file)
	m.Console = g.opt.Console
	m.Timeouts, m.Signals = g.opt.Limits, g.opt.Signals
	m.Timeouts.Exact = true
	m.OnHello = func(wire.Hello) {
		if g.opt.Up != nil {
			g.opt.Up()
		}
	}
	configure(m)
	running, err := m.Start(ctx)
	if err != nil {
		return Ending{}, err
	}
	if line := running.DebuggerLine(); line != "" && g.opt.Notice != nil {
		g.opt.Notice("the guest waits for a debugger; type:\n  " + line)
	}
	result, err := running.Wait()
	cause := context.Cause(ctx)
	// Report the kernel's splats for every kind of ending.
	return ending(result, err, cause, decodeSplats(context.WithoutCancel(ctx), g.artifacts, result.Splats))
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// resolve finds the program that a user named the way a shell would.
func (opt *GuestOptions) resolve(program string) (string, error) {
	if !opt.HostTools && slices.Contains(wire.Tools(), program) {
		return path.Join(wire.ToolDir, program), nil
	}
	found, err := exec.LookPath(program)
	if err != nil {
		// exec.LookPath rejects a program in the current directory without
		// a slash. Errors other than those of a missing program are the
		// kernel's.
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, exec.ErrNotFound) {
			return "", fmt.Errorf("%s: no such program on the host: %w", program, fs.ErrNotExist)
		}
		return "", fmt.Errorf("%s: %w", program, err)
	}
	return filepath.Abs(found)
}
