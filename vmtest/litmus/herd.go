// SPDX-License-Identifier: GPL-2.0-only OR MIT

package litmus

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/proc"
)

// ErrHerd is wrapped by errors of herd7 itself: it did not accept the test, took too long,
// or its output cannot be read.
var ErrHerd = errors.New("herd7 gave no verdict")

// errLimit is the cause of a run that took too long.
var errLimit = errors.New("time limit reached")

// configFile names the other files of the memory model.
const configFile = "linux-kernel.cfg"

// libraryDir has herd7's own part of the models, in its packages.
const libraryDir = "usr/share/herdtools7/herd"

// maxOutput is how much herd7 may print, in bytes. It prints a few hundred.
const maxOutput = 1 << 20

// herd runs herd7 in dir, which has the memory model.
type herd struct {
	command, library, dir string
	limit                 time.Duration
}

// run writes a test to dir and runs it.
func (h *herd) run(ctx context.Context, name, text string) (v *verdict, err error) {
	file := name + ".litmus"
	if err := cache.WriteFile(filepath.Join(h.dir, file), []byte(text), 0o644); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, h.limit, errLimit)
	defer cancel()
	out, errs := &limited{max: maxOutput}, &limited{max: maxOutput}
	cmd := proc.Cmd{Args: []string{h.command, "-set-libdir", h.library, "-conf", configFile, file}, Dir: h.dir,
		Env: append(os.Environ(), "LC_ALL=C"), Stdout: out, Stderr: errs}
	err = cmd.Run(ctx)
	if out.full || errs.full {
		return nil, fmt.Errorf("run litmus test %s: %w: it prints more than %d bytes", name, ErrHerd, maxOutput)
	}
	if err != nil {
		return nil, fmt.Errorf("run litmus test %s: %w: %w", name, ErrHerd, err)
	}
	if v, err = readOutput(string(out.data), name); err != nil {
		if text := strings.Join(strings.Fields(string(errs.data)), " "); text != "" {
			err = fmt.Errorf("%w: %s", err, text)
		}
		return nil, fmt.Errorf("run litmus test %s: %w", name, err)
	}
	return v, nil
}

var errFull = errors.New("too much output")

// limited is a buffer that fails when it is full.
type limited struct {
	data []byte
	max  int
	full bool
}

func (l *limited) Write(p []byte) (int, error) {
	if l.full = l.full || len(l.data)+len(p) > l.max; l.full {
		return 0, errFull
	}
	l.data = append(l.data, p...)
	return len(p), nil
}
