// SPDX-License-Identifier: GPL-2.0-only OR MIT

package mutate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"xpsgen/vmtest/boot"
	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/image"
	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/vm"
)

// Limits of a guest. A mutant may make it hang.
const (
	idleLimit  = 40 * time.Second
	wholeLimit = 30 * time.Minute
)

// session has the reports of a guest until it ended.
type session struct {
	report *ktap.Report
	// ended says why the guest failed; nil if it ended by itself.
	ended error
	// splat is the kernel's first warning on the console.
	splat string
}

// boot runs one guest with a task.
func (o *Options) boot(ctx context.Context, c *compiled, task wire.Mutate) (*session, error) {
	file, _, _, err := image.Cached(ctx, filepath.Join(o.Source.Cache, "image"), boot.SuiteSpec(c.artifacts))
	if err != nil {
		return nil, fmt.Errorf("make the guest's image: %w", err)
	}
	console, err := os.CreateTemp(o.Out, "console-*.log")
	if err != nil {
		return nil, fmt.Errorf("results directory: %w", err)
	}
	var out bytes.Buffer
	m := o.Machine.Describe(&c.source, c.artifacts, file)
	m.Config = wire.Config{Mode: wire.ModeMutate, Mutate: &task, Seed: o.Seed}
	m.Console, m.Result = console, &out
	m.Timeouts = vm.Timeouts{Idle: idleLimit, Whole: wholeLimit}
	m.Notice = o.Source.Progress.Notice("vm")
	result, err := m.Run(ctx)
	if closeErr := console.Close(); closeErr != nil {
		return nil, fmt.Errorf("results directory: %w", closeErr)
	}
	var broken *vm.QEMUError
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.As(err, &broken) || errors.Is(err, vm.ErrKVMUnusable):
		return nil, err
	case err == nil && len(result.Splats) == 0:
		if err := os.Remove(console.Name()); err != nil {
			return nil, fmt.Errorf("results directory: %w", err)
		}
	}
	report, parseErr := ktap.Parse(&out)
	if parseErr != nil {
		return nil, parseErr
	}
	s := &session{report: report, ended: err}
	if len(result.Splats) > 0 {
		s.splat = headline(result.Splats[0])
	}
	return s, nil
}

func headline(s vm.Splat) string {
	for _, l := range s.Lines {
		if strings.Contains(l, s.Pattern) {
			return strings.TrimSpace(l)
		}
	}
	return s.Pattern
}

// verdicts reads the results of mutants from a session. rest has the tasks
// without a result, which are to run in another guest.
func (s *session) verdicts(tasks []wire.MutantTask) (done map[int]Verdict, rest []wire.MutantTask, err error) {
	done = map[int]Verdict{}
	for _, t := range s.report.Tests {
		id, err := strconv.Atoi(strings.TrimPrefix(t.Name, "m"))
		if err != nil {
			return nil, nil, fmt.Errorf("the guest reported %q, which is not a mutant", t.Name)
		}
		v := Verdict{State: Killed, By: t.Reason, Duration: t.Duration}
		if t.Status == ktap.Fail {
			v = Verdict{State: Survived, Duration: t.Duration}
		}
		done[id] = v
	}
	for _, t := range tasks {
		if _, ok := done[t.ID]; !ok {
			rest = append(rest, t)
		}
	}
	if len(rest) == 0 || s.ended == nil {
		return done, rest, nil
	}
	// The guest failed while the mutant ran.
	for _, line := range slices.Backward(s.report.Diag) {
		words, ok := strings.CutPrefix(line, wire.MutantStart)
		if !ok {
			continue
		}
		number, test, _ := strings.Cut(words, " ")
		if id, err := strconv.Atoi(number); err == nil && id == rest[0].ID {
			why := s.splat
			if why == "" {
				why, _, _ = strings.Cut(s.ended.Error(), "\n")
			}
			done[id] = Verdict{State: Killed, By: test + ": " + why, Died: true}
			return done, rest[1:], nil
		}
		break
	}
	return done, rest, nil
}
