// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package mutate generates mutants of every line that the series add to the C
// files of the kernel and ip. It compiles all of them into one guest, and runs
// the tests that reach each mutant.
//
// A mutant is killed if a test fails with it and passes without, if the kernel
// warns, or if the guest fails. A mutant of ip is also killed if ip ends
// differently for one of the objects of package ipobjects.
package mutate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"xpsgen/vmtest/boot"
	"xpsgen/vmtest/guest/objects/record"
	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/mutate/schema"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/runs"
)

// Options describe a run.
type Options struct {
	Source  prepare.Source
	Machine boot.Machine
	// Names selects mutants: by a part of their names. Empty means all.
	Names []string
	// Sample is the size of a random sample; 0 means all.
	Sample int
	Seed   int64
	// Listed are the mutants that need not be killed.
	Listed *Listed
	// Out is a directory for the consoles of guests that failed. Required.
	Out string
	// KTAP receives a result per mutant. May be nil.
	KTAP io.Writer
	// Guests is how many run at once; 0 means one per CPU, at most 4.
	Guests int
}

// State is the result of a mutant.
type State string

// The states of a mutant.
const (
	Killed    State = "killed"
	Survived  State = "survived"
	Unreached State = "unreached" // no test runs the line
	Refused   State = "refused"   // does not compile
	Excused   State = "listed"    // not killed, and listed with a reason
)

// Verdict is the result of one mutant.
type Verdict struct {
	State State `json:"state"`
	// By is the test that noticed it, with its reason; or why it is listed.
	By string `json:"by,omitempty"`
	// Died says that the guest ended while the mutant ran.
	Died     bool          `json:"died,omitempty"`
	Duration time.Duration `json:"duration,omitempty"`
	// Tests is how many tests and calls of ip with objects reach it.
	Tests int `json:"tests"`
}

// Result is the result of a run.
type Result struct {
	Mutants  []*schema.Mutant
	Verdicts map[int]Verdict
	// Unread are functions that could not be parsed, as FILE:FUNCTION.
	Unread []string
	// Stale are entries of the list that excuse no mutant.
	Stale []string
	// Notes are the report's notes on lines of the patches.
	Notes []runs.Note
	// Chosen is how many of All mutants were run.
	Chosen, All int
}

// Count returns how many mutants are in a state.
func (r *Result) Count(s State) int {
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
func (r *Result) Bad() int { return r.Count(Survived) + r.Count(Unreached) }

// Programs makes the mutants of the kernel and of ip, without building anything.
func Programs(ctx context.Context, src *prepare.Source) ([]*schema.Mutant, []string, error) {
	programs, err := load(ctx, src)
	if err != nil {
		return nil, nil, err
	}
	all, unread := flatten(programs)
	return all, unread, nil
}

// ErrSource is wrapped by the error for a source that has no base to compare with.
var ErrSource = errors.New("mutants need a base and its series")

func load(ctx context.Context, src *prepare.Source) ([]*program, error) {
	if src.KernelDir != "" || src.IPDir != "" || src.Unpatched {
		return nil, fmt.Errorf("%w: leave out --kernel, --iproute2 and --unpatched", ErrSource)
	}
	kernel, err := src.OpenKernel(ctx)
	if err != nil {
		return nil, err
	}
	k, err := newProgram(ctx, &kernelPart, kernel, 1)
	if err != nil {
		return nil, err
	}
	programs := []*program{k}
	ip, err := src.OpenIP(ctx)
	if err != nil {
		return nil, err
	}
	if ip != nil {
		i, err := newProgram(ctx, &ipPart, ip, 1+len(k.mutants()))
		if err != nil {
			return nil, err
		}
		programs = append(programs, i)
	}
	return programs, nil
}

func flatten(programs []*program) (all []*schema.Mutant, unread []string) {
	for _, g := range programs {
		all = append(all, g.mutants()...)
		for _, s := range g.sources {
			for _, f := range s.Unread {
				unread = append(unread, s.File+":"+f)
			}
		}
	}
	return all, unread
}

// Run compiles the mutants, finds out which tests reach each, and tries them.
func Run(ctx context.Context, o Options) (*Result, error) {
	programs, err := load(ctx, &o.Source)
	if err != nil {
		return nil, err
	}
	r := &Result{Verdicts: map[int]Verdict{}}
	r.Mutants, r.Unread = flatten(programs)
	r.All = len(r.Mutants)
	chosen, err := Select(r.Mutants, o.Names, o.Sample, o.Seed)
	if err != nil {
		return nil, fmt.Errorf("%w (xpsgen mutate --list names them)", err)
	}
	r.Chosen = len(chosen)
	end := 1 + r.All
	ipFrom := 1 + len(programs[0].mutants())
	c, err := o.compile(ctx, programs, end)
	if err != nil {
		return nil, err
	}
	reach, costs, err := o.reach(ctx, c, wire.Mutate{Reach: true, IPFrom: ipFrom, End: end})
	if err != nil {
		return nil, err
	}
	for _, m := range chosen {
		state := Unreached
		switch {
		case c.refused[m.ID]:
			state = Refused
		case len(reach[m.ID]) > 0:
			state = Survived
		}
		r.Verdicts[m.ID] = Verdict{State: state, Tests: len(reach[m.ID])}
	}
	// Loading an object is cheaper than a test.
	if err := o.tryObjects(ctx, c, record.Mutants{End: end}, ipFrom, r); err != nil {
		return nil, err
	}
	var tasks []wire.MutantTask
	for _, m := range chosen {
		if tests := reach[m.ID]; r.Verdicts[m.ID].State == Survived && len(tests) > 0 {
			tasks = append(tasks, wire.MutantTask{ID: m.ID, Tests: tests})
		}
	}
	if err := o.tryAll(ctx, c, wire.Mutate{Costs: costs, IPFrom: ipFrom, End: end}, tasks, r); err != nil {
		return nil, err
	}
	o.Listed.apply(r, chosen)
	if r.Notes, err = notes(ctx, o.Source.Root, programs, r.Verdicts); err != nil {
		return nil, err
	}
	return r, o.report(r, chosen)
}

// Select returns the mutants whose names contain one of names, or all mutants
// if there are no names. If sample is not 0, it returns a random sample of
// these. The error wraps [ErrUnknown] if no name fits.
func Select(all []*schema.Mutant, names []string, sample int, seed int64) ([]*schema.Mutant, error) {
	chosen := all
	if len(names) > 0 {
		chosen = nil
		for _, m := range all {
			if slices.ContainsFunc(names, func(n string) bool { return strings.Contains(m.Name(), n) }) {
				chosen = append(chosen, m)
			}
		}
		if len(chosen) == 0 {
			return nil, fmt.Errorf("%w %q", ErrUnknown, names)
		}
	}
	if sample > 0 && sample < len(chosen) {
		rng := rand.New(rand.NewPCG(uint64(seed), 0))
		some := make([]*schema.Mutant, 0, sample)
		for _, i := range rng.Perm(len(chosen))[:sample] {
			some = append(some, chosen[i])
		}
		slices.SortFunc(some, func(a, b *schema.Mutant) int { return cmp.Compare(a.ID, b.ID) })
		chosen = some
	}
	return chosen, nil
}

// ErrUnknown is wrapped by the error for a name that no mutant has.
var ErrUnknown = errors.New("no mutant")

// reach runs each test without a mutant. tests lists the tests that reach each mutant,
// cheapest first; costs are in microseconds.
func (o *Options) reach(ctx context.Context, c *compiled, task wire.Mutate) (tests map[int][]string, costs map[string]int64, err error) {
	const step = "reach mutants"
	defer o.Source.Progress.Step(step, "each test by itself")(&err)
	s, err := o.boot(ctx, c, task)
	if err != nil {
		return nil, nil, err
	}
	if s.ended != nil {
		return nil, nil, fmt.Errorf("%s: %w", step, s.ended)
	}
	tests, costs = map[int][]string{}, map[string]int64{}
	for _, t := range s.report.Tests {
		if t.Status == ktap.Fail {
			return nil, nil, fmt.Errorf("%s: %s fails without a mutant: %s", step, t.Name, t.Reason)
		}
		costs[t.Name] = t.Duration.Microseconds()
		for _, line := range t.Diag {
			list, ok := strings.CutPrefix(line, strings.TrimSpace(wire.MutantReached))
			if !ok {
				continue
			}
			for _, word := range strings.Fields(list) {
				id, err := strconv.Atoi(word)
				if err != nil {
					return nil, nil, fmt.Errorf("%s: %s reached %q, which is not a mutant", step, t.Name, word)
				}
				tests[id] = append(tests[id], t.Name)
			}
		}
	}
	for _, list := range tests {
		slices.SortFunc(list, func(a, b string) int { return cmp.Or(cmp.Compare(costs[a], costs[b]), cmp.Compare(a, b)) })
	}
	return tests, costs, nil
}

// batch is how many mutants a guest gets.
const batch = 40

// tryAll runs the tasks in guests, some at once.
func (o *Options) tryAll(ctx context.Context, c *compiled, common wire.Mutate, tasks []wire.MutantTask, r *Result) (err error) {
	const step = "try mutants"
	defer o.Source.Progress.Step(step, fmt.Sprintf("%d mutants", len(tasks)))(&err)
	q := &queue{tasks: tasks}
	guests := o.Guests
	if guests == 0 {
		guests = min(runtime.NumCPU(), 4)
	}
	g, ctx := errgroup.WithContext(ctx)
	for range guests {
		g.Go(func() error {
			for {
				some := q.take(batch)
				if len(some) == 0 {
					return nil
				}
				task := common
				task.Mutants = some
				s, err := o.boot(ctx, c, task)
				if err != nil {
					return err
				}
				done, rest, err := s.verdicts(some)
				if err != nil {
					return err
				}
				if len(done) == 0 && len(rest) == len(some) {
					why := errors.New("the guest ended without a result")
					if s.ended != nil {
						why = s.ended
					}
					if q.again(some[0].ID) {
						return fmt.Errorf("%s: two guests in a row judged no mutant: %w", step, why)
					}
				}
				n := q.give(rest, done, r)
				o.Source.Progress.Emit(progress.Event{Step: step, State: progress.Advanced,
					Done: int64(n), Total: int64(len(tasks)), Unit: "mutants"})
			}
		})
	}
	return g.Wait()
}

// queue hands out tasks.
type queue struct {
	mu    sync.Mutex
	tasks []wire.MutantTask
	done  int
	tried map[int]bool
}

func (q *queue) take(n int) []wire.MutantTask {
	q.mu.Lock()
	defer q.mu.Unlock()
	n = min(n, len(q.tasks))
	some := q.tasks[:n]
	q.tasks = q.tasks[n:]
	return slices.Clone(some)
}

// give puts unjudged mutants back at the front of the queue and stores the verdicts of
// the others. It returns the number of judged mutants.
func (q *queue) give(rest []wire.MutantTask, done map[int]Verdict, r *Result) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.tasks = append(slices.Clone(rest), q.tasks...)
	for id, v := range done {
		before := r.Verdicts[id]
		v.Tests, v.Duration = before.Tests, v.Duration+before.Duration
		r.Verdicts[id] = v
	}
	q.done += len(done)
	return q.done
}

// again reports whether a mutant stopped a guest before, without a verdict.
func (q *queue) again(id int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.tried == nil {
		q.tried = map[int]bool{}
	}
	was := q.tried[id]
	q.tried[id] = true
	return was
}

// report writes a result per mutant.
func (o *Options) report(r *Result, chosen []*schema.Mutant) error {
	if o.KTAP == nil {
		return nil
	}
	w := ktap.NewWriter(o.KTAP)
	w.Plan(len(chosen))
	for _, m := range chosen {
		v := r.Verdicts[m.ID]
		w.Diag("%s", Describe(m))
		w.Elapsed(v.Duration)
		switch v.State {
		case Killed:
			w.Diag("noticed by %s", v.By)
			w.Result(m.Name(), ktap.Pass, "")
		case Excused:
			w.Diag("listed: %s", v.By)
			w.Result(m.Name(), ktap.Pass, "")
		case Refused:
			w.Result(m.Name(), ktap.Skip, "does not compile")
		default:
			w.Result(m.Name(), ktap.Fail, string(v.State))
		}
	}
	return w.Err()
}

// Describe says what a mutant changes.
func Describe(m *schema.Mutant) string {
	if m.Kind == schema.Delete {
		return m.Before + "  is left out"
	}
	return m.Before + "  becomes  " + m.After
}
