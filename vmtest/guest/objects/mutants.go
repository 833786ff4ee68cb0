// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/objects/record"
	"xpsgen/vmtest/guest/wire"
)

// callsPerPath is how many calls a mutant gets that run the same mutated code. Most calls
// differ only in what they do elsewhere.
const callsPerPath = 6

// errUnhealthy says that a call ends differently without a mutant than it did before.
var errUnhealthy = errors.New("a mutant has changed the namespaces")

// call is one cell of the matrix, and how it ends without a mutant.
type call struct {
	build  *record.Build
	object *record.Object
	result record.Result
	reach  []int
	path   uint64 // the same for calls that reach the same mutants
}

func (c *call) name() string { return c.result.Build + "/" + c.result.Context + "/" + c.result.Object }

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
		if err := onPlaces(ctx, job, name, dir, func(p *place, m *chosen) error { return t.work(ctx, p, m) }); err != nil {
			return nil, fmt.Errorf("context %s: %w", name, err)
		}
	}
	return t.results, nil
}

// onPlaces calls fn in one place per CPU at the same time. It calls fn again in a new
// place for as long as fn returns errUnhealthy.
func onPlaces(ctx context.Context, job *record.Job, name, dir string, fn func(*place, *chosen) error) error {
	workers := runtime.NumCPU()
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			for again := true; again; again = errors.Is(errs[i], errUnhealthy) {
				done := make(chan error)
				go func() {
					runtime.LockOSThread() // the thread ends with the goroutine, see runContext
					done <- onPlace(ctx, job, name, dir, i, fn)
				}()
				errs[i] = <-done
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func onPlace(ctx context.Context, job *record.Job, name, dir string, worker int, fn func(*place, *chosen) error) error {
	p, err := newPlace(ctx, name, worker, job)
	if p != nil {
		defer p.close()
	}
	if err != nil {
		return err
	}
	m, err := newChosen(filepath.Join(dir, fmt.Sprintf("mutant%d", worker)), job.Mutants.End)
	if err != nil {
		return err
	}
	defer m.close()
	return fn(p, m)
}

// chosen is the memory that one place shares with its ip, see [wire.MutantFile].
type chosen struct{ mem []byte }

// newChosen mounts the memory where ip looks for it. The mount is the calling thread's.
func newChosen(file string, end int) (*chosen, error) {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, fmt.Errorf("prepare the mutants: %w", err)
	}
	defer f.Close()
	size := 4 + end
	if err := errors.Join(f.Truncate(int64(size)), f.Chmod(0o666)); err != nil {
		return nil, fmt.Errorf("prepare the mutants: %w", err)
	}
	if err := unix.Mount(file, wire.MutantFile, "", unix.MS_BIND, ""); err != nil {
		return nil, fmt.Errorf("mount %s: %w", wire.MutantFile, err)
	}
	mem, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", wire.MutantFile, err)
	}
	return &chosen{mem}, nil
}

func (m *chosen) close() { _ = unix.Munmap(m.mem) }

// set makes a mutant act, or none for 0, and forgets what was reached.
func (m *chosen) set(id int) {
	clear(m.mem)
	binary.NativeEndian.PutUint32(m.mem, uint32(id))
}

func (m *chosen) reached() []int {
	var ids []int
	for i, hit := range m.mem[4:] {
		if hit != 0 {
			ids = append(ids, i)
		}
	}
	return ids
}

// reach makes the calls of one context without a mutant.
func reach(ctx context.Context, job *record.Job, name, dir string) ([]*call, error) {
	var calls []*call
	for i := range job.Builds {
		for j := range job.Objects {
			if b, o := &job.Builds[i], &job.Objects[j]; o.In(b.Name, name) {
				calls = append(calls, &call{build: b, object: o})
			}
		}
	}
	seed := maphash.MakeSeed()
	next := make(chan *call, len(calls))
	for _, c := range calls {
		next <- c
	}
	close(next)
	return calls, onPlaces(ctx, job, name, dir, func(p *place, m *chosen) error {
		for c := range next {
			m.set(0)
			var err error
			if c.result, err = p.load(ctx, c.build, c.object, 0); err != nil {
				return err
			}
			c.reach, c.path = m.reached(), maphash.Bytes(seed, m.mem[4:])
		}
		return nil
	})
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
	// Calls that few others resemble are first.
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

// doubt has a mutant tried once more in a new place: another mutant may have changed this
// one. It returns false if that was done before.
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

// try makes calls with a mutant until one ends differently, twice.
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

// difference says how two results of a call differ, or returns "".
func difference(a, b *record.Result) string {
	show := func(r *record.Result) string {
		var s bytes.Buffer
		fmt.Fprintf(&s, "exit code %d", r.Exit)
		if r.Signal != "" {
			fmt.Fprintf(&s, ", signal %s", r.Signal)
		}
		if r.Tag != "" {
			fmt.Fprintf(&s, ", program returns %d", int32(*r.Value))
		}
		if len(r.Pins) > 0 {
			fmt.Fprintf(&s, ", pins %s", strings.Join(r.Pins, " "))
		}
		return s.String()
	}
	if x, y := show(a), show(b); x != y || a.Tag != b.Tag {
		return y + ", was " + x
	}
	x, y := strings.Split(record.Normal(a.Output), "\n"), strings.Split(record.Normal(b.Output), "\n")
	for i := range max(len(x), len(y)) {
		line := func(s []string) string {
			if i < len(s) {
				return s[i]
			}
			return ""
		}
		if line(x) != line(y) || (i < len(x)) != (i < len(y)) {
			return fmt.Sprintf("prints %q, was %q", line(y), line(x))
		}
	}
	return ""
}
