// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package prove checks functions of the series with a model checker. It cuts
// them by name from the patched tree and adds a model of what they call: locks,
// references, devices, links. CBMC then tries all operations with all
// arguments, and all failures of what the functions call.
//
// Two kinds of runs complement each other. One operation in any state that
// satisfies the invariants must preserve them. This proves the invariants for
// any number of operations. Sequences of operations from the initial state show
// that these states can be reached. They end by releasing everything.
package prove

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"xpsgen/vmtest/deps"
	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/tree"
)

// Options describe a run. Source and Out are required.
type Options struct {
	Source prepare.Source
	// Depth is the number of operations in the sequences.
	Depth int
	// Jobs is how many checkers run at once; 0 means one per CPU.
	Jobs int
	// Out is the directory for the program. KTAP receives a result per property; may
	// be nil.
	Out  string
	KTAP io.Writer
}

// Property is what the model proves, or what CBMC checks by itself in a function.
type Property struct {
	// Name is the function and the property.
	Name string
	// Failed says that it does not hold; Where and Trace say for what.
	Failed bool
	// Where is the place in the model or in the tree, FILE:LINE.
	Where string
	// Trace are the operations that lead to the failure, one per line.
	Trace []string
	// Checks is how many checks of CBMC it comprises.
	Checks int

	job job
}

// Result is the result of a run.
type Result struct {
	Properties []*Property
	// Functions is how many functions of the series the model contains.
	Functions int
	// Uncovered are functions that the series adds or changes, and that are neither in
	// the model nor excluded by the table. FILE: FUNCTION.
	Uncovered []string
	// Outside are functions that the table leaves out, with the reason.
	Outside []string
}

// Failed returns how many properties do not hold.
func (r *Result) Failed() int {
	n := 0
	for _, p := range r.Properties {
		if p.Failed {
			n++
		}
	}
	return n
}

// Checks returns how many checks of CBMC all properties comprise.
func (r *Result) Checks() int {
	n := 0
	for _, p := range r.Properties {
		n += p.Checks
	}
	return n
}

// open gets CBMC, the patched tree and the program to check; see load for partial.
func (o *Options) open(ctx context.Context, partial bool) (cbmc string, src *tree.Source, p *program, err error) {
	if cbmc, _, err = deps.CBMC().Get(ctx, o.Source.Cache, o.Source.Progress); err != nil {
		return "", nil, nil, err
	}
	if src, err = o.Source.OpenKernel(ctx); err != nil {
		return "", nil, nil, err
	}
	p, err = load(ctx, treeFile(src), partial)
	return cbmc, src, p, err
}

// Run proves the properties of the series on the base of o.
func Run(ctx context.Context, o Options) (*Result, error) {
	cbmc, src, p, err := o.open(ctx, false)
	if err != nil {
		return nil, err
	}
	r := &Result{}
	if err := r.compare(ctx, src, p); err != nil {
		return nil, err
	}
	if err := o.check(ctx, &checker{cbmc: cbmc}, p, r); err != nil {
		return nil, err
	}
	return r, o.report(r)
}

// check writes the program to o.Out, runs all jobs and collects the properties.
func (o *Options) check(ctx context.Context, c *checker, p *program, r *Result) (err error) {
	for _, list := range p.covers() {
		r.Functions += len(list)
	}
	if err := p.write(o.Out); err != nil {
		return err
	}
	ops, err := p.operations()
	if err != nil {
		return err
	}
	var jobs []job
	for _, op := range ops {
		jobs = append(jobs, job{op: op})
		if o.Depth > 0 {
			jobs = append(jobs, job{op: op, depth: o.Depth})
		}
	}
	step := "prove " + o.Source.Name()
	defer o.Source.Progress.Step(step, fmt.Sprintf("%d operations, any state and depth %d", len(ops), o.Depth))(&err)
	byName := map[string]*Property{}
	var mu sync.Mutex
	done := 0
	err = each(ctx, o.Jobs, jobs, func(ctx context.Context, j job) error {
		findings, err := c.run(ctx, o.Out, j)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		done++
		o.Source.Progress.Emit(progress.Event{Step: step, State: progress.Advanced, Done: int64(done), Total: int64(len(jobs)), Unit: "runs"})
		return r.add(byName, j, findings)
	})
	if err != nil {
		return err
	}
	slices.SortFunc(r.Properties, func(a, b *Property) int { return cmp.Compare(a.Name, b.Name) })
	return nil
}

// each runs do for each element of list, n at a time; n = 0 means one per CPU.
func each[T any](ctx context.Context, n int, list []T, do func(context.Context, T) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(cmp.Or(n, runtime.NumCPU()))
	for _, v := range list {
		g.Go(func() error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return do(ctx, v)
		})
	}
	return g.Wait()
}

// add merges the findings of a run. A property that fails in one run fails.
func (r *Result) add(byName map[string]*Property, j job, findings []finding) error {
	// Not every operation can be the first of a sequence.
	ended := j.depth > 0
	seen := map[string]int{}
	for _, f := range findings {
		if f.Description == reachable {
			if ended = f.Status == Failure; !ended {
				return fmt.Errorf("check %s: the operation cannot end: the model excludes all its cases", j.String())
			}
			continue
		}
		name := f.name()
		p := byName[name]
		if p == nil {
			p = &Property{Name: name}
			byName[name] = p
			r.Properties = append(r.Properties, p)
		}
		seen[name]++
		if f.Status == Failure && (!p.Failed || j.depth > 0 && p.job.depth == 0) {
			// A sequence of operations is easier to follow than a state.
			p.Failed, p.job = true, j
			p.Where = fmt.Sprintf("%s:%s", f.Where.File, f.Where.Line)
			p.Trace = words(f.Trace)
		}
	}
	if !ended {
		return fmt.Errorf("check %s: %w: its output does not say whether the operation can end", j.String(), ErrChecker)
	}
	for name, n := range seen {
		byName[name].Checks = max(byName[name].Checks, n)
	}
	return nil
}

// name identifies the property. CBMC's own checks of a function count as one.
func (f *finding) name() string {
	if strings.Contains(f.ID, ".assertion.") {
		return f.Where.Function + ": " + f.Description
	}
	return f.Where.Function + ": pointers, bounds, arithmetic, loops"
}

// report writes a result per property.
func (o *Options) report(r *Result) error {
	if o.KTAP == nil {
		return nil
	}
	w := ktap.NewWriter(o.KTAP)
	w.Plan(len(r.Properties))
	for _, p := range r.Properties {
		if !p.Failed {
			w.Result(p.Name, ktap.Pass, "")
			continue
		}
		for _, line := range p.Explain() {
			w.Diag("%s", line)
		}
		w.Result(p.Name, ktap.Fail, p.Where)
	}
	return w.Err()
}

// Explain returns where a property fails, and the operations that lead to the failure.
func (p *Property) Explain() []string {
	lines := []string{fmt.Sprintf("%s fails at %s", p.Name, p.Where)}
	for i, line := range p.Trace {
		lines = append(lines, strconv.Itoa(i+1)+". "+line)
	}
	return lines
}
