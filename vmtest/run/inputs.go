// SPDX-License-Identifier: GPL-2.0-only OR MIT

package run

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/proc"
	"xpsgen/vmtest/verdict"
)

// inputsLater completes the kernel and reads the inputs of the run, in parallel
// with the caller. The returned function waits for the result. It must be
// called.
func inputsLater(ctx context.Context, a *prepare.Artifacts, s *prepare.Source) func() (verdict.Inputs, error) {
	var in verdict.Inputs
	done := make(chan error, 1)
	go func() {
		err := a.Kernel.Finish(ctx)
		if err == nil {
			in, err = inputs(ctx, a, s)
		}
		done <- err
	}()
	return func() (verdict.Inputs, error) {
		err := <-done
		return in, err
	}
}

// inputs returns the inputs of the run.
func inputs(ctx context.Context, a *prepare.Artifacts, s *prepare.Source) (verdict.Inputs, error) {
	in := verdict.Inputs{
		Base:            s.BaseName(),
		Unpatched:       s.Unpatched,
		Arch:            a.Arch.Name,
		KernelVersion:   a.Kernel.Version,
		KernelRelease:   a.Kernel.Release,
		KernelSource:    a.Kernel.Origin,
		KernelCommit:    a.Kernel.Commit,
		KernelHash:      a.Kernel.Hash,
		KernelPatches:   a.KernelPatches,
		IPRoute2Version: a.IP.Version,
		IPRoute2Source:  a.IP.Origin,
		IPRoute2Commit:  a.IP.Commit,
		IPRoute2Hash:    a.IP.Hash,
		IPRoute2Patches: a.IPPatches,
		Compiler:        a.Kernel.Compiler,
		Go:              runtime.Version(),
	}
	for _, f := range []struct {
		to   *string
		path string
	}{
		{&in.KernelConfig, a.Kernel.Config},
		{&in.BzImage, a.Kernel.Image},
		// The guest boots vmlinux if its PVH entry can be used.
		{&in.Vmlinux, a.Kernel.Vmlinux},
		{&in.IP, a.IP.IP},
		{&in.Bpftool, a.Bpftool.Bpftool},
		{&in.Guest, a.Init},
	} {
		var err error
		if *f.to, err = prepare.FileSum(f.path); err != nil {
			return in, err
		}
	}
	var err error
	in.QEMU, err = qemuVersion(ctx, a.Arch.QEMU)
	return in, err
}

// qemuVersion is the first line of QEMU's version.
func qemuVersion(ctx context.Context, qemu string) (string, error) {
	out, err := (&proc.Cmd{Args: []string{qemu, "--version"}}).Output(ctx)
	if err != nil {
		return "", fmt.Errorf("run %s --version: %w", qemu, err)
	}
	first, _, _ := strings.Cut(string(out), "\n")
	return first, nil
}
