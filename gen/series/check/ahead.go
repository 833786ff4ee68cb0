// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"
)

// ahead runs the checks that only read the working tree, for several patches in parallel.
// Perl scripts take most of the time, and each uses one CPU.
func (j *job) ahead(ctx context.Context, checks []Check) error {
	type task struct {
		c *Check
		p *Patch
	}
	missing := func() (tasks []task, err error) {
		for i := range checks {
			c := &checks[i]
			if !c.reads || j.ApplyErr != nil {
				continue
			}
			for _, p := range j.Patches {
				if j.opt.Patch != 0 && p.N != j.opt.Patch {
					continue
				}
				if _, ok := j.memo.get(j.memoKey(c, p)); ok {
					continue
				}
				if lacks, err := j.lacks(ctx, c, p); err != nil {
					return nil, err
				} else if lacks != "" {
					continue
				}
				tasks = append(tasks, task{c, p})
			}
		}
		return tasks, nil
	}
	tasks, err := missing()
	if len(tasks) == 0 || err != nil {
		return err
	}
	if err := j.lock(ctx, "check "); err != nil {
		return err
	}
	if tasks, err = missing(); err != nil {
		return err
	}
	// The scripts read the working trees. Nothing checks out another commit from here on.
	if err := j.atHead(ctx); err != nil {
		return err
	}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(j.opt.Jobs)
	for _, t := range tasks {
		g.Go(func() error {
			r, err := j.make(ctx, t.c, t.p)
			if err != nil {
				return fmt.Errorf("%s: %w", t.c.Name, err)
			}
			key := j.memoKey(t.c, t.p)
			mu.Lock()
			j.fresh[key] = r
			j.advanced(t.c)
			mu.Unlock()
			if r.Code == Blocked {
				return nil
			}
			return j.memo.put(key, r.Result)
		})
	}
	return g.Wait()
}
