// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/build"
	"xpsgen/vmtest/config"
	"xpsgen/vmtest/run"
	"xpsgen/vmtest/tree"
)

func TestExitCode(t *testing.T) {
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	cases := map[string]struct {
		ctx  context.Context
		err  error
		want int
	}{
		"nothing":            {want: 0},
		"tests failed":       {err: &statusError{code: 1}, want: 1},
		"guest program":      {err: &statusError{code: 42}, want: 42},
		"usage":              {err: fmt.Errorf("x: %w", command.Usagef("y")), want: 2},
		"breakdown":          {err: errors.New("no qemu"), want: 69},
		"child's own code":   {err: fmt.Errorf("run: %w", &exec.ExitError{}), want: 69},
		"patch no apply":     {err: fmt.Errorf("x: %w", &tree.ApplyError{}), want: 1},
		"compile error":      {err: fmt.Errorf("x: %w", &build.CompileError{}), want: 1},
		"dropped symbol":     {err: fmt.Errorf("x: %w", &config.DroppedSymbolError{}), want: 1},
		"kernel":             {err: fmt.Errorf("x: %w", &run.KernelError{}), want: 70},
		"kernel, in time":    {err: &run.KernelError{Err: &run.TimeoutError{}}, want: 70},
		"timeout":            {err: fmt.Errorf("x: %w", &run.TimeoutError{}), want: 124},
		"guest by SIGTERM":   {err: fmt.Errorf("x: %w", &signalError{unix.SIGTERM}), want: 143},
		"kernel, by SIGINT":  {err: &run.KernelError{Err: &signalError{unix.SIGINT}}, want: 130},
		"escape key":         {err: errEscaped, want: 130},
		"interrupted":        {ctx: cancelled, err: fmt.Errorf("x: %w", context.Canceled), want: 130},
		"verdict, then ^C":   {ctx: cancelled, err: &statusError{code: 1}, want: 1},
		"usage beats the ^C": {ctx: cancelled, err: command.Usagef("y"), want: 2},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			ctx := c.ctx
			if ctx == nil {
				ctx = context.Background()
			}
			if got := exitCode(ctx, c.err); got != c.want {
				t.Errorf("exitCode(%v) = %d, want %d", c.err, got, c.want)
			}
		})
	}
}
