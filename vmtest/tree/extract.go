// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Extract writes the patched tree into dir, which must be empty. Unlike a
// [Source.Checkout] the result is the caller's own.
func (s *Source) Extract(ctx context.Context, dir string) error {
	commit, err := s.Commit(ctx)
	if err != nil {
		return err
	}
	g := s.git()
	g.work, g.index = dir, filepath.Join(dir, ".git-index")
	if err := g.run(ctx, "read-tree", "--reset", "-u", commit); err != nil {
		return fmt.Errorf("extract %s: %w", s.Name(), err)
	}
	return nil
}

// ExtractPaths writes some files and directories of the patched tree into dir.
// Those that the tree does not have are left out.
func (s *Source) ExtractPaths(ctx context.Context, dir string, paths ...string) error {
	commit, err := s.Commit(ctx)
	if err != nil {
		return err
	}
	g := s.git()
	g.work, g.index = dir, filepath.Join(dir, ".git-index")
	if err := g.run(ctx, "read-tree", commit); err != nil {
		return fmt.Errorf("extract %s: %w", s.Name(), err)
	}
	var list bytes.Buffer
	args := append([]string{"ls-files", "-z", "--cached", "--"}, paths...)
	c := g.cmd(args...)
	c.Stdout = &list
	if err := c.Run(ctx); err != nil {
		return fmt.Errorf("extract %s: %w", s.Name(), err)
	}
	if _, err := g.input(ctx, &list, "checkout-index", "-z", "--stdin"); err != nil {
		return fmt.Errorf("extract %s: %w", s.Name(), err)
	}
	return os.Remove(g.index)
}

// ObjectIDs identifies the content of the patched tree at each of paths: git's object,
// or "-" for a missing path. Trees with the same IDs do not differ in these paths.
func (s *Source) ObjectIDs(ctx context.Context, paths ...string) ([]string, error) {
	commit, err := s.Commit(ctx)
	if err != nil {
		return nil, err
	}
	var names strings.Builder
	for _, p := range paths {
		fmt.Fprintf(&names, "%s:%s\n", commit, p)
	}
	out, err := s.git().input(ctx, strings.NewReader(names.String()), "cat-file", "--batch-check=%(objectname)")
	if err != nil {
		return nil, fmt.Errorf("look into %s: %w", s.Name(), err)
	}
	lines := strings.Split(out, "\n")
	if len(lines) != len(paths) {
		return nil, fmt.Errorf("list %s: %d answers to %d questions", s.Name(), len(lines), len(paths))
	}
	for i, l := range lines {
		if !isObjectID(l) {
			lines[i] = "-"
		}
	}
	return lines, nil
}
