// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"xpsgen/vmtest/cache"
)

// Tree is a patched tree on disk that this run has to itself. It must be
// closed.
type Tree struct {
	// Dir is the source directory. It holds no .git.
	Dir string
	// Work is the directory around it, where builds keep their objects.
	Work string
	// Commit is the checked out commit.
	Commit string

	cache string
	lock  *cache.Lock
}

// Checkout writes the patched tree to the base's working tree. It writes only files
// that differ, and restores files that were changed there. It waits while another run
// uses the working tree.
func (s *Source) Checkout(ctx context.Context) (t *Tree, err error) {
	commit, err := s.Commit(ctx)
	if err != nil {
		return nil, err
	}
	step := "check out " + s.Name()
	lock, err := cache.Acquire(ctx, filepath.Join(s.work, "lock"), step, s.opt.Progress)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			lock.Release()
		}
	}()
	t = &Tree{Dir: filepath.Join(s.work, "src"), Work: s.work, Commit: commit, cache: s.opt.Cache, lock: lock}
	defer s.opt.Progress.Step(step, s.opt.Variant.String())(&err)
	if err := os.MkdirAll(t.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	g := s.git()
	g.work, g.index, g.files = t.Dir, filepath.Join(s.work, "index"), []*os.File{lock.File()}
	// This run has the lock, so a killed run left the file.
	if err := os.Remove(g.index + ".lock"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	if err := g.run(ctx, "read-tree", "--reset", "-u", commit); err != nil {
		return nil, fmt.Errorf("%s: %w", step, cache.Explain(err, s.work, s.opt.Project.Space()/2))
	}
	return t, nil
}

// Cache is the cache directory that the tree is in.
func (t *Tree) Cache() string { return t.cache }

// Lock is the open file that keeps the tree locked, for children to inherit.
func (t *Tree) Lock() *os.File { return t.lock.File() }

// Close releases the working tree. The files stay. A second call does nothing.
func (t *Tree) Close() {
	if t != nil {
		t.lock.Release()
	}
}
