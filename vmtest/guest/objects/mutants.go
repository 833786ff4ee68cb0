// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"os"
	"slices"
	"sync"
	"time"

	"xpsgen/vmtest/guest/objects/record"
	"xpsgen/vmtest/guest/wire"
)

// callsPerPath limits the calls of a mutant that reach the same set of mutants. Such calls
// differ only in code without mutants.
const callsPerPath = 6

// tryMutants first makes all calls without a mutant. Then it makes the calls that reach
// each mutant, until one ends differently.
func tryMutants(ctx context.Context, job *record.Job, dir string) ([]record.MutantResult, error) {
	if err := os.WriteFile(wire.MutantFile, nil, 0o666); err != nil {
		return nil, fmt.Errorf("prepare the mutants: %w", err)
	}
	var calls []*call
	for _, name := range job.Contexts {
		some, err := reach(ctx, job, name, dir)
		if err != nil {
			return nil, fmt.Errorf("context %s: %w", name, err)
		}
		calls = append(calls, some...)
	}
	t := newTasks(job.Mutants.IDs, calls)
	for _, name := range job.Contexts {
		if err := onPlaces(ctx, job, name, withChosen(dir, job.Mutants.End, func(p *place, m *chosen) error { return t.work(ctx, p, m) })); err != nil {
			return nil, fmt.Errorf("context %s: %w", name, err)
		}
	}
	return t.results, nil
}

// reach makes the calls of one context without a mutant.
func reach(ctx context.Context, job *record.Job, name, dir string) ([]*call, error) {
	calls := contextCalls(job, name)
	seed := maphash.MakeSeed()
	next := queue(calls)
	return calls, onPlaces(ctx, job, name, withChosen(dir, job.Mutants.End, func(p *place, m *chosen) error {
		for c := range next {
			m.set(0)
			var err error
			if c.result, err = p.load(ctx, c.build, c.object, 0); err != nil {
				return err
			}
			c.reach, c.path = m.reached(), maphash.Bytes(seed, m.mem[4:])
		}
		return nil
	}))
}

// tasks are the mutants and their calls. A mutant is tried in one context after another.
type tasks struct {
	mu      sync.Mutex
	results []record.MutantResult
	calls   [][]*call // by index of results
	next    map[string]int
	again   []int // indexes to try in a new place
	fresh   map[int]bool
}

func newTasks(ids []int, calls []*call) *tasks {
	t := &tasks{calls: make([][]*call, len(ids)), next: map[string]int{}, fresh: map[int]bool{}}
	index := map[int]int{}
	paths := map[uint64]int{}
	for i, id := range ids {
		index[id] = i
		t.results = append(t.results, record.MutantResult{ID: id})
	}
	for _, c := range calls {
		paths[c.path]++
	}
	// Calls whose path few others share come first.
	slices.SortStableFunc(calls, func(a, b *call) int {
		return cmp.Or(cmp.Compare(paths[a.path], paths[b.path]), cmp.Compare(a.result.Elapsed, b.result.Elapsed))
	})
	used := map[[2]uint64]int{}
	for _, c := range calls {
		for _, id := range c.reach {
			i, ok := index[id]
			if !ok {
				continue
			}
			t.results[i].Reach++
			if key := [2]uint64{uint64(id), c.path}; used[key] < callsPerPath {
				used[key]++
				t.calls[i] = append(t.calls[i], c)
			}
		}
	}
	return t
}

// take returns the index of the next mutant that has calls in a context and that no call
// has noticed, or -1.
func (t *tasks) take(context string) (int, []*call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	in := func(i int) (some []*call) {
		for _, c := range t.calls[i] {
			if c.result.Context == context {
				some = append(some, c)
			}
		}
		return some
	}
	if n := len(t.again); n > 0 {
		i := t.again[n-1]
		t.again = t.again[:n-1]
		return i, in(i)
	}
	for t.next[context] < len(t.results) {
		i := t.next[context]
		t.next[context]++
		if t.results[i].Noticed != "" {
			continue
		}
		if some := in(i); len(some) > 0 {
			return i, some
		}
	}
	return -1, nil
}

// doubt schedules another try of a mutant in a new place, because an earlier mutant may have
// damaged this place. It returns false if the mutant had a second try before.
func (t *tasks) doubt(i int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fresh[i] {
		return false
	}
	t.fresh[i] = true
	t.again = append(t.again, i)
	return true
}

// work tries mutants in one place.
func (t *tasks) work(ctx context.Context, p *place, m *chosen) error {
	for {
		i, calls := t.take(p.context)
		if i < 0 {
			return nil
		}
		r := &t.results[i]
		noticed, err := try(ctx, p, m, r, calls)
		if errors.Is(err, errUnhealthy) && t.doubt(i) {
			return err
		}
		r.Noticed = noticed
		if err != nil {
			return err
		}
	}
}

// try makes calls with a mutant until one ends differently in two attempts.
func try(ctx context.Context, p *place, m *chosen, r *record.MutantResult, calls []*call) (noticed string, err error) {
	defer m.set(0)
	for _, c := range calls {
		r.Tried++
		limit := 6*c.result.Elapsed + 2*time.Second
		for range 2 {
			m.set(r.ID)
			got, err := p.load(ctx, c.build, c.object, limit)
			if err != nil {
				return "", err
			}
			why := difference(&c.result, &got)
			if why == "" {
				noticed = ""
				break
			}
			noticed = c.name() + ": " + why
			m.set(0)
			if got, err = p.load(ctx, c.build, c.object, 0); err != nil {
				return "", err
			}
			if difference(&c.result, &got) != "" {
				return noticed, errUnhealthy
			}
		}
		if noticed != "" {
			return noticed, nil
		}
	}
	return "", nil
}
