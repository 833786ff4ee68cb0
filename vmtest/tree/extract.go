// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"context"
	"fmt"
	"path/filepath"
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
