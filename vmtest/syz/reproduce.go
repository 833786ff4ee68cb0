// SPDX-License-Identifier: GPL-2.0-only OR MIT

package syz

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"time"

	"xpsgen/vmtest/image"
	"xpsgen/vmtest/run"
)

// Repeats is how often a reproducer runs: freed memory is noticed at its next use.
const Repeats = 20

// repeatTime ends a guest whose kernel neither panics nor warns.
const repeatTime = 10 * time.Minute

// ExecprogArgs are the arguments of syz-execprog for a reproducer. dir has the executor and
// the file.
func ExecprogArgs(dir string) []string {
	return []string{"-executor=" + path.Join(dir, "syz-executor"), "-procs=1", "-repeat=" + strconv.Itoa(Repeats),
		"-sandbox=none", path.Join(dir, ReproducerFile)}
}

// reproduce searches for the program that makes the kernel panic or warn again. try runs
// programs in a new guest, see [Options.try].
func (opt *Options) reproduce(ctx context.Context, res *Result, try tryFunc) (err error) {
	log, err := os.ReadFile(filepath.Join(opt.Dir, LogFile))
	if err != nil {
		return fmt.Errorf("reproduce: %w", err)
	}
	all := programs(log)
	if len(all) == 0 {
		return nil
	}
	defer opt.Progress.Step("reproduce", fmt.Sprintf("%d programs", len(all)))(&err)
	res.Reproducer, err = reproduce(ctx, all, try)
	if err != nil || res.Reproducer == nil {
		return err
	}
	// Copy the tools, so that vm run finds all programs in the directory.
	for _, tool := range []string{opt.Tools.Executor, opt.Tools.Execprog} {
		data, err := os.ReadFile(tool)
		if err != nil {
			return fmt.Errorf("reproduce: %w", err)
		}
		if err := os.WriteFile(filepath.Join(opt.Dir, filepath.Base(tool)), data, 0o755); err != nil {
			return fmt.Errorf("reproduce: %w", err)
		}
	}
	return os.WriteFile(filepath.Join(opt.Dir, ReproducerFile), text(res.Reproducer.Programs), 0o644)
}

// try runs programs in a new guest.
func (opt *Options) try(ctx context.Context, list []string) (complaint string, began []string, err error) {
	args := append([]string{opt.Tools.Execprog, "-output"}, ExecprogArgs(guestDir)...)
	var out bytes.Buffer
	_, err = run.Program(ctx, run.ProgramOptions{
		GuestOptions: run.GuestOptions{Source: opt.quiet(), Machine: opt.Machine},
		Args:         args,
		Closed:       true,
		Files: []image.File{
			{Guest: path.Join(guestDir, "syz-executor"), Host: opt.Tools.Executor, Mode: 0o755},
			{Guest: path.Join(guestDir, ReproducerFile), Data: text(list)},
		},
		Timeout: repeatTime, Stdout: &out, Stderr: &out,
	})
	began = programs(out.Bytes())
	var kernel *run.KernelError
	var late *run.TimeoutError
	switch {
	case errors.As(err, &kernel):
		return kernel.Error(), began, nil
	case errors.As(err, &late):
		return "", began, nil
	}
	return "", began, err
}
