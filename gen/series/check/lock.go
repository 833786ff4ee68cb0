// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"path/filepath"

	"xpsgen/vmtest/cache"
)

// lock locks the working trees of the checks, always in the same order, unless the job
// already holds the locks.
func (j *job) lock(ctx context.Context, what string) error {
	if j.unlock != nil {
		return nil
	}
	trees := []*Thread{j.scripts}
	if j.Thread != j.scripts {
		trees = append(trees, j.Thread)
	}
	var locks []*cache.Lock
	release := func() {
		for _, l := range locks {
			l.Release()
		}
	}
	for _, t := range trees {
		lock, err := cache.Acquire(ctx, filepath.Dir(t.repo.src)+".lock", what+j.Name(), j.opt.Progress)
		if err != nil {
			release()
			return err
		}
		locks = append(locks, lock)
		// Another run may have checked out another commit.
		t.repo.head = ""
	}
	j.unlock = release
	return nil
}

// release releases the locks that lock took.
func (j *job) release() {
	if j.unlock != nil {
		j.unlock()
		j.unlock = nil
	}
}
