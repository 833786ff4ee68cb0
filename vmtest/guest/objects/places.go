// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"xpsgen/vmtest/guest/objects/record"
)

// errUnhealthy says that a call ends differently without a mutant than it did before.
var errUnhealthy = errors.New("a mutant has changed the namespaces")

// onPlaces calls fn in one place per CPU at the same time. It calls fn again in a new
// place for as long as fn returns errUnhealthy.
func onPlaces(ctx context.Context, job *record.Job, name string, fn func(p *place, worker int) error) error {
	errs := make([]error, runtime.NumCPU())
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			for again := true; again; again = errors.Is(errs[i], errUnhealthy) {
				errs[i] = onPlace(ctx, job, name, i, fn)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// onPlace calls fn in a new place on a separate thread. The thread ends with the call,
// because no other goroutine may run in its namespaces.
func onPlace(ctx context.Context, job *record.Job, name string, worker int, fn func(p *place, worker int) error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		done <- func() error {
			p, err := newPlace(ctx, name, worker, job)
			if p != nil {
				defer p.close()
			}
			if err != nil {
				return err
			}
			return fn(p, worker)
		}()
	}()
	return <-done
}
