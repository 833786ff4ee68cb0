// SPDX-License-Identifier: GPL-2.0-only OR MIT

package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/ktap"
)

// testProgsLimit ends a test of test_progs, in seconds. Its own default, 120, is too short
// under TCG on a busy machine.
const testProgsLimit = "600"

// TestProgsOptions describe a run of tests of the kernel's selftests/bpf, those of
// Source.TestProgs.
type TestProgsOptions struct {
	GuestOptions
	// KTAP receives the results. Stderr receives all other output of test_progs.
	KTAP, Stderr io.Writer
}

// TestProgs builds test_progs with the chosen tests, boots a kernel and runs them.
//
// It returns the results that test_progs reported, also with an error: a [*KernelError]
// if the kernel panicked or warned.
func TestProgs(ctx context.Context, opt TestProgsOptions) ([]ktap.Test, error) {
	if err := opt.checkWritable(); err != nil {
		return nil, err
	}
	g, err := PrepareGuest(ctx, opt.GuestOptions)
	if err != nil {
		return nil, err
	}
	progs := g.artifacts.TestProgs
	dir := filepath.Dir(progs.Program)
	results := ktap.NewTestProgs(ktap.NewWriter(opt.KTAP), len(progs.Tests))
	ending, err := g.hostProgram(ctx, wire.Config{
		Args: wire.Raws([]string{progs.Program, "-w", testProgsLimit}),
		Env:  opt.environ(dir),
		Dir:  wire.Raw(dir),
	}, results, opt.Stderr)
	tests, incomplete := results.Close()
	switch {
	case err != nil:
		return tests, err
	case !ending.Ended:
		return tests, errors.New("test_progs did not end")
	case incomplete != nil:
		return tests, fmt.Errorf("%w (exit code %d)", incomplete, ending.Code)
	case ending.Code != 0 && !anyFailed(tests):
		return tests, fmt.Errorf("test_progs reported no failure, but its exit code is %d", ending.Code)
	}
	return tests, nil
}

// anyFailed reports whether a test failed.
func anyFailed(tests []ktap.Test) bool {
	for _, t := range tests {
		if t.Status == ktap.Fail {
			return true
		}
	}
	return false
}
