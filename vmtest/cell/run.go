// SPDX-License-Identifier: GPL-2.0-only OR MIT

package cell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"xpsgen/vmtest/arch"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/proc"
	"xpsgen/vmtest/runs"
)

// RunOptions describe the run of one cell. All fields but Stdout and Stderr are
// required.
type RunOptions struct {
	Cell *Cell
	// Root is the workbench. Cache is its cache directory.
	Root, Cache string
	// Program is the path of xpsgen.
	Program string
	// Out is the directory that gets the archive.
	Out string
	// Stdout and Stderr receive the output of the command, which the archive has as
	// well.
	Stdout, Stderr io.Writer
}

// Exit codes that Run sets itself, instead of that of the command.
const (
	exitFailed   = 1
	exitBroken   = 69
	exitSignaled = 128
)

// Run runs a cell as a separate process and packs its records, its output and
// its exit code into one archive. It does so even if the command fails or is
// killed. It returns the result. An error means that there is no archive.
func Run(ctx context.Context, opt RunOptions) (*Result, error) {
	c := opt.Cell
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.Shard != "" && len(c.Items) == 0 {
		return nil, fmt.Errorf("%w %q: a shard needs --plan, which lists its items", ErrID, c.ID())
	}
	first, err := prepare.Bases(opt.Root, "")
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(opt.Out, 0o755); err != nil {
		return nil, fmt.Errorf("run cell %s: %w", c.ID(), err)
	}
	dir, err := os.MkdirTemp(opt.Out, ".tmp-cell-*")
	if err != nil {
		return nil, fmt.Errorf("run cell %s: %w", c.ID(), err)
	}
	defer os.RemoveAll(dir)
	r := &Result{Cell: *c, Started: time.Now().UTC(), CPUs: runtime.NumCPU()}
	r.Commit, r.Dirty = runs.Workbench(ctx, opt.Root)
	if err := r.run(ctx, opt, dir, first[0]); err != nil {
		r.ExitCode, r.Reasons = exitBroken, append(r.Reasons, strings.Split(err.Error(), "\n")...)
	}
	r.Ended = time.Now().UTC()
	r.Archive = filepath.Join(opt.Out, archiveName(c))
	if err := errors.Join(writeResult(dir, r), pack(dir, r.Archive)); err != nil {
		return nil, fmt.Errorf("archive cell %s: %w", c.ID(), err)
	}
	return r, nil
}

// run runs the command and fills in the exit code and the records.
func (r *Result) run(ctx context.Context, opt RunOptions, dir, first string) error {
	store := &runs.Store{Dir: filepath.Join(dir, RunsDir)}
	k := findKind(r.Cell.Kind)
	var own *runs.Run
	if k.record == "" {
		var err error
		if own, err = r.begin(ctx, opt, store, first); err != nil {
			return err
		}
	}
	err := r.command(ctx, opt, dir, store.Dir)
	if own != nil {
		own.Record.Reasons = r.Reasons
		err = errors.Join(err, own.End(state(r.ExitCode)))
	}
	if err != nil {
		return err
	}
	if r.Records, err = store.List(); err != nil {
		return err
	}
	for _, rec := range r.Records {
		r.Reasons = append(r.Reasons, rec.Reasons...)
	}
	slices.Sort(r.Reasons)
	r.Reasons = slices.Compact(r.Reasons)
	if r.ExitCode == 0 && !slices.ContainsFunc(r.Records, func(rec *runs.Record) bool { return rec.Kind == r.Cell.RunKind() && rec.State == runs.Passed }) {
		r.ExitCode, r.Reasons = exitFailed, append(r.Reasons, "the command exited with 0 and left no record of a run that passed")
	}
	return nil
}

// begin begins the record of a command that keeps none.
func (r *Result) begin(ctx context.Context, opt RunOptions, store *runs.Store, first string) (*runs.Run, error) {
	rec := runs.Record{
		Kind: r.Cell.RunKind(), Subject: r.Cell.Subject(first), Command: commandLine(&opt), Started: r.Started,
		Commit: r.Commit, Dirty: r.Dirty,
	}
	var err error
	if rec.Inputs, err = runs.Present(ctx, opt.Root, rec.Kind, rec.Subject, ""); err != nil {
		return nil, err
	}
	return store.Begin(ctx, rec)
}

// command runs the command of the cell. Its exit code is in r; an error means that it
// did not run.
func (r *Result) command(ctx context.Context, opt RunOptions, dir, records string) error {
	stdout, err := os.Create(filepath.Join(dir, StdoutFile))
	if err != nil {
		return err
	}
	defer stdout.Close()
	stderr, err := os.Create(filepath.Join(dir, StderrFile))
	if err != nil {
		return err
	}
	defer stderr.Close()
	cmd := proc.Cmd{
		Args: commandLine(&opt), Dir: opt.Root,
		Env:    append(os.Environ(), "XPSGEN_ROOT="+opt.Root, "XPSGEN_CACHE="+opt.Cache, "XPSGEN_RUNS="+records),
		Stdout: tee(stdout, opt.Stdout), Stderr: tee(stderr, opt.Stderr),
	}
	// Only the plan selects what runs, not the environment.
	cmd.Env = slices.DeleteFunc(cmd.Env, func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains(choosing, name)
	})
	err = cmd.Run(ctx)
	var perr *proc.Error
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		r.ExitCode = exitSignaled + 15
		r.Reasons = append(r.Reasons, "interrupted: "+context.Cause(ctx).Error())
		return nil
	case errors.As(err, &perr) && perr.Signal != 0:
		r.ExitCode = exitSignaled + int(perr.Signal)
		r.Reasons = append(r.Reasons, "killed: "+perr.Signal.String())
		return nil
	case errors.As(err, &perr) && perr.ExitCode > 0:
		r.ExitCode = perr.ExitCode
		if findKind(r.Cell.Kind).args == nil {
			r.ExitCode = exitFailed // make exits with 2, which is not a usage error here
		}
		if line := lastLine(perr.Stderr); line != "" && findKind(r.Cell.Kind).record == "" {
			r.Reasons = append(r.Reasons, line)
		}
		return nil
	}
	return err
}

// lastLine returns the last line of output that is not a message of make.
func lastLine(output string) (last string) {
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "make: ") && !strings.HasPrefix(line, "make[") {
			last = line
		}
	}
	return last
}

// choosing are the environment variables that would change what a cell runs.
var choosing = []string{"XPSGEN_BASE", "XPSGEN_KERNEL", "XPSGEN_IPROUTE2", "XPSGEN_SERIES", "XPSGEN_WITH", "XPSGEN_WITHOUT", "XPSGEN_CONFIG", "XPSGEN_RUN",
	"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "JOB_COMPLETION_INDEX"}

// commandLine is what the cell runs.
func commandLine(opt *RunOptions) []string {
	c := opt.Cell
	if k := findKind(c.Kind); k.args != nil {
		return append([]string{opt.Program}, k.args(c)...)
	}
	args := []string{"make", c.Kind}
	if c.Base != "" {
		args = append(args, "BASE="+c.Base)
	}
	if c.Arch != arch.Amd64 {
		args = append(args, "ARCH="+c.Arch)
	}
	return args
}

func tee(f *os.File, w io.Writer) io.Writer {
	if w == nil {
		return f
	}
	return io.MultiWriter(f, w)
}

// state is the state of a run that ended with an exit code.
func state(code int) runs.State {
	switch {
	case code == 0:
		return runs.Passed
	case code == exitFailed:
		return runs.Failed
	case code > exitSignaled:
		return runs.Interrupted
	}
	return runs.Broken
}
