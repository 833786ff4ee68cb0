// SPDX-License-Identifier: GPL-2.0-only OR MIT

package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"xpsgen/vmtest/boot"
	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/image"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/vm"
	"xpsgen/vmtest/workbench"
)

// GuestOptions describe a guest for people.
type GuestOptions struct {
	Source  prepare.Source
	Machine boot.Machine
	// Add are host files to have in the guest: FILE, or HOST:GUEST.
	Add []string
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

// PrepareGuest has everything built for a guest with busybox.
func PrepareGuest(ctx context.Context, opt GuestOptions) (*Guest, error) {
	a, err := prepare.All(ctx, opt.Source)
	if err != nil {
		return nil, err
	}
	if err := workbench.Remember(opt.Source.Root, opt.Source.Cache); err != nil {
		return nil, err
	}
	g := &Guest{opt: opt, artifacts: a}
	if g.spec, err = boot.ShellSpec(ctx, a); err != nil {
		return nil, err
	}
	if err := boot.AddFiles(g.spec, opt.Add); err != nil {
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

// Program runs a host program in the patched guest, in the directory of the
// same name, and returns its exit code, 128+n if signal n ended it. A
// testdata directory beside a Go test comes along by itself, since go test
// runs tests in their package's directory.
//
// A kernel that panics or complains while the program runs is an error even if
// the program did well.
func Program(ctx context.Context, opt ProgramOptions) (code int, err error) {
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

// run boots the guest. What the kernel had to complain about, if anything, is
// in the error, with the end of the console.
func (g *Guest) run(ctx context.Context, configure func(*vm.Machine)) (code int, err error) {
	file, _, _, err := image.Cached(ctx, filepath.Join(g.opt.Source.Cache, "image"), g.spec)
	if err != nil {
		return 0, fmt.Errorf("make the guest's image: %w", err)
	}
	m := g.opt.Machine.Describe(&g.opt.Source, g.artifacts, file)
	var console bytes.Buffer
	m.Console = &console
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
		return 0, fmt.Errorf("%s\n%s", s[0].Reason(), strings.Join(s[0].Text, "\n"))
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

// resolve finds the program that a user named the way a shell would.
func resolve(program string) (string, error) {
	found, err := exec.LookPath(program)
	if err != nil {
		// exec.LookPath refuses what stands in the current directory without
		// a slash; the kernel's own words serve for the rest.
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, exec.ErrNotFound) {
			return "", fmt.Errorf("%s: no such program on the host: %w", program, fs.ErrNotExist)
		}
		return "", fmt.Errorf("%s: %w", program, err)
	}
	return filepath.Abs(found)
}
