// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prove

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/mutate"
	"xpsgen/vmtest/mutate/schema"
	"xpsgen/vmtest/progress"
)

// MutantOptions describe a run of mutants. The fields of Options are as in [Run],
// except Depth, which is not used.
type MutantOptions struct {
	Options
	// Names selects mutants: by a part of their names. Empty means all.
	Names []string
	// Sample is the size of a random sample; 0 means all.
	Sample int
	Seed   int64
	// Listed are the mutants that need not be refuted. May be nil.
	Listed *mutate.Listed
}

// MutantVerdict is the result of one mutant. A mutant that is [mutate.Killed] is refuted:
// a property fails.
type MutantVerdict struct {
	State mutate.State `json:"state"`
	// By is the property that fails, or the reason why the mutant is listed.
	By string `json:"by,omitempty"`
	// Run says in which run it fails.
	Run string `json:"run,omitempty"`
	// Duration is how long all runs of the mutant took.
	Duration time.Duration `json:"duration"`
}

// MutantResult is the result of [RunMutants].
type MutantResult struct {
	Mutants  []*schema.Mutant
	Verdicts map[int]MutantVerdict
	// Unread are functions that could not be parsed, as FILE: FUNCTION.
	Unread []string
	// Stale are entries of the list that excuse no mutant.
	Stale []string
	// All is how many mutants there are before names and the sample select.
	All int
}

// Count returns how many mutants are in a state.
func (r *MutantResult) Count(s mutate.State) int {
	n := 0
	for _, v := range r.Verdicts {
		if v.State == s {
			n++
		}
	}
	return n
}

// Bad returns the number of mutants that survived or were not reached, and are
// not listed.
func (r *MutantResult) Bad() int { return r.Count(mutate.Survived) + r.Count(mutate.Unreached) }

// RunMutants makes the mutants of the lines that the series adds to the functions of the
// model, and tries to refute each. The error wraps [mutate.ErrUnknown] for a name that no
// mutant has.
func RunMutants(ctx context.Context, o MutantOptions) (*MutantResult, error) {
	cbmc, src, p, err := o.open(ctx, false)
	if err != nil {
		return nil, err
	}
	added, err := addedLines(ctx, src)
	if err != nil {
		return nil, err
	}
	r := &MutantResult{Verdicts: map[int]MutantVerdict{}}
	list := p.mutants(added)
	for _, s := range list {
		r.Mutants = append(r.Mutants, s.Mutants...)
		for _, f := range s.Unread {
			r.Unread = append(r.Unread, s.File+": "+f)
		}
	}
	r.All = len(r.Mutants)
	if r.Mutants, err = mutate.Select(r.Mutants, o.Names, o.Sample, o.Seed); err != nil {
		return nil, fmt.Errorf("%w in the functions of the model", err)
	}
	t := &trial{checker: checker{cbmc: cbmc, limit: mutantLimit}, program: p, sources: list}
	if t.ops, err = p.operations(); err != nil {
		return nil, err
	}
	if t.reach, err = p.reach(t.ops); err != nil {
		return nil, err
	}
	if err := o.try(ctx, t, r); err != nil {
		return nil, err
	}
	if len(r.Mutants) == r.All {
		r.Stale = o.Listed.Stale()
	}
	return r, o.report(r)
}

// mutants makes the mutants of the functions in the model, by file.
func (p *program) mutants(added mutate.Added) []*schema.Source {
	covered := p.covers()
	var list []*schema.Source
	next := 1
	for _, file := range slices.Sorted(maps.Keys(covered)) {
		wanted := func(line int) bool {
			return added[file][line] && slices.ContainsFunc(covered[file], func(f schema.Function) bool { return f.Line <= line && line <= f.Last })
		}
		s := schema.Parse(file, *p.files[file], wanted, next)
		next += len(s.Mutants)
		list = append(list, s)
	}
	return list
}

// mutantLimit is how long one run of a mutant may take.
const mutantLimit = 5 * time.Minute

// trial tries mutants.
type trial struct {
	checker
	program *program
	sources []*schema.Source
	ops     []operation
	reach   *reach
}

func (o *MutantOptions) try(ctx context.Context, t *trial, r *MutantResult) (err error) {
	step := "refute mutants of " + o.Source.Name()
	defer o.Source.Progress.Step(step, fmt.Sprintf("%d mutants", len(r.Mutants)))(&err)
	// Mutants that do not compile are dropped below, so first check that
	// the program without mutants compiles.
	if v, err := t.verdict(ctx, t.program, t.ops[:1]); err != nil || v.State != mutate.Survived {
		return cmp.Or(err, fmt.Errorf("without a mutant: %w: %s %s", ErrChecker, v.State, v.By))
	}
	var mu sync.Mutex
	return each(ctx, o.Jobs, r.Mutants, func(ctx context.Context, m *schema.Mutant) error {
		start := time.Now()
		v, err := t.verdict(ctx, t.mutated(m), t.reach.ops(m.Func))
		if err != nil {
			return fmt.Errorf("mutant %s: %w", m.Name(), err)
		}
		v.Duration = time.Since(start)
		mu.Lock()
		defer mu.Unlock()
		if v.State == mutate.Survived || v.State == mutate.Unreached {
			if reason, ok := o.Listed.Excuse(m, v.State); ok {
				v.State, v.By = mutate.Excused, reason
			}
		}
		r.Verdicts[m.ID] = v
		o.Source.Progress.Emit(progress.Event{Step: step, State: progress.Advanced,
			Done: int64(len(r.Verdicts)), Total: int64(len(r.Mutants)), Unit: "mutants"})
		return nil
	})
}

// attaching are the operations that come first in a sequence: others leave the state as it
// is, or need an attached program.
var attaching = []string{"setlink", "link_create"}

// verdict tries to refute a program by operations that may run what is changed.
// Sequences of operations come first: they can happen, whereas a state may be
// impossible.
func (t *trial) verdict(ctx context.Context, p *program, ops []operation) (MutantVerdict, error) {
	dir, err := os.MkdirTemp("", "xpsgen-mutant-*")
	if err != nil {
		return MutantVerdict{}, fmt.Errorf("make a directory for the program: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := p.write(dir); err != nil {
		return MutantVerdict{}, err
	}
	for _, j := range t.jobs(ops) {
		findings, err := t.run(ctx, dir, j)
		switch {
		case errors.Is(err, ErrChecker):
			return MutantVerdict{State: mutate.Refused, By: err.Error()}, nil
		case errors.Is(err, errLimit):
			return MutantVerdict{State: mutate.Survived, By: fmt.Sprintf("%s: %v after %v", j.String(), errLimit, t.limit)}, nil
		case err != nil:
			return MutantVerdict{}, err
		}
		for _, f := range findings {
			if f.Status == Failure {
				return MutantVerdict{State: mutate.Killed, By: f.name(), Run: j.String()}, nil
			}
		}
	}
	if p == t.program {
		return MutantVerdict{State: mutate.Survived}, nil
	}
	reached, err := t.reached(ctx, dir, ops)
	if err != nil {
		return MutantVerdict{}, err
	}
	if !reached {
		return MutantVerdict{State: mutate.Unreached}, nil
	}
	return MutantVerdict{State: mutate.Survived}, nil
}

// jobs are the runs of a mutant, the cheapest first.
func (t *trial) jobs(ops []operation) []job {
	var one, two, state []job
	for _, op := range ops {
		one = append(one, job{op: op, depth: 1, first: true})
		state = append(state, job{op: op, first: true})
		for _, start := range t.ops {
			if slices.Contains(attaching, start.name) {
				two = append(two, job{op: start, second: op, depth: 2, first: true})
			}
		}
	}
	return slices.Concat(one, two, state)
}

// unreached is a property that fails if an operation runs the mutant.
const unreached = "the mutant is not reached"

// reached reports whether some operation runs the mutant.
func (t *trial) reached(ctx context.Context, dir string, ops []operation) (bool, error) {
	for _, op := range ops {
		findings, err := t.run(ctx, dir, job{op: op, first: true, defines: []string{"REACH_MUTANT"}})
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(findings, func(f finding) bool { return f.Description == unreached && f.Status == Failure }) {
			return true, nil
		}
	}
	return false, nil
}

// mutated is the program with one mutant.
func (t *trial) mutated(m *schema.Mutant) *program {
	p := *t.program
	p.files = maps.Clone(t.program.files)
	for _, s := range t.sources {
		if s.File == m.File {
			text := s.Render(func(o *schema.Mutant) bool { return o == m })
			p.files[m.File] = &text
		}
	}
	return &p
}

// report writes a result per mutant.
func (o *MutantOptions) report(r *MutantResult) error {
	if o.KTAP == nil {
		return nil
	}
	return reportMutants(o.KTAP, r)
}

func reportMutants(to io.Writer, r *MutantResult) error {
	w := ktap.NewWriter(to)
	w.Plan(len(r.Mutants))
	for _, m := range r.Mutants {
		v := r.Verdicts[m.ID]
		w.Diag("%s", mutate.Describe(m))
		w.Elapsed(v.Duration)
		switch v.State {
		case mutate.Killed:
			w.Diag("refuted by %s (%s)", v.By, v.Run)
			w.Result(m.Name(), ktap.Pass, "")
		case mutate.Excused:
			w.Diag("listed: %s", v.By)
			w.Result(m.Name(), ktap.Pass, "")
		case mutate.Refused:
			w.Result(m.Name(), ktap.Skip, "does not compile: "+v.By)
		case mutate.Unreached:
			w.Result(m.Name(), ktap.Fail, "not reached by the model")
		default:
			w.Result(m.Name(), ktap.Fail, strings.TrimSpace("survived "+v.By))
		}
	}
	return w.Err()
}
