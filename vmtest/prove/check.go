// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prove

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"xpsgen/vmtest/proc"
)

// job is one run of CBMC.
type job struct {
	op operation
	// second is the second operation of a sequence; empty means any.
	second operation
	// depth is the number of operations from the initial state. 0 is one operation in
	// any state that satisfies the invariants.
	depth int
	// first stops at the first property that fails.
	first bool
	// defines are further macros.
	defines []string
}

func (j *job) String() string {
	switch {
	case j.depth == 0:
		return j.op.name + " in any state"
	case j.depth == 1:
		return j.op.name
	case j.second.name != "":
		return j.op.name + ", " + j.second.name
	}
	return fmt.Sprintf("%d operations, %s first", j.depth, j.op.name)
}

// reachable is a property that must fail: a run whose operation cannot end proves nothing.
const reachable = "the operation can end"

// checker runs CBMC on programs in directories.
type checker struct {
	cbmc string
	// limit is how long a run may take; 0 means no limit.
	limit time.Duration
}

// errLimit is the cause of a run that took too long.
var errLimit = errors.New("time limit reached")

// run checks the program in dir. The error wraps [ErrChecker] if CBMC came to no verdict.
func (c *checker) run(ctx context.Context, dir string, j job) (findings []finding, err error) {
	args := []string{c.cbmc, mainFile, "--json-ui", "--unwinding-assertions", "--unwind", strconv.Itoa(j.depth + 1)}
	args = append(args, "-DFIRST_OPERATION="+j.op.number)
	if j.second.number != "" {
		args = append(args, "-DSECOND_OPERATION="+j.second.number)
	}
	if j.depth > 0 {
		args = append(args, fmt.Sprintf("-DDEPTH=%d", j.depth))
	}
	if j.depth > 1 {
		// The standard checks are expensive, and one operation in any state
		// proves them.
		args = append(args, "--no-standard-checks")
	}
	switch {
	case j.first:
		args = append(args, "--stop-on-fail")
	case j.depth == 0:
		args = append(args, "-DREACH")
	}
	for _, d := range j.defines {
		args = append(args, "-D"+d)
	}
	if c.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.limit, errLimit)
		defer cancel()
	}
	var out, errs bytes.Buffer
	cmd := proc.Cmd{Args: args, Dir: dir, Env: append(os.Environ(), "LC_ALL=C"), Stdout: &out, Stderr: &errs}
	err = cmd.Run(ctx)
	var exit *proc.Error
	// Exit code 10 says that a property failed, 6 that CBMC does not accept the
	// program.
	if err != nil && !(errors.As(err, &exit) && (exit.ExitCode == 10 || exit.ExitCode == 6)) {
		return nil, fmt.Errorf("check %s: %w", j.String(), err)
	}
	if findings, err = readResult(&out); err != nil {
		text := strings.TrimSpace(errs.String())
		if text != "" {
			err = fmt.Errorf("%w: %s", err, text)
		}
		return nil, fmt.Errorf("check %s: %w", j.String(), err)
	}
	return findings, nil
}
