// SPDX-License-Identifier: GPL-2.0-only OR MIT

package worktree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"xpsgen/vmtest/cache"
)

// unignore removes lines from the tree's .gitignore that match every file. Debian's
// packages append "/*" to it. Git would then neither list nor add a new file, and a
// refresh would silently lose it. The change to .gitignore is hidden from git, so it does
// not become part of the series.
func (t *Tree) unignore(ctx context.Context) error {
	path := filepath.Join(t.repo.Dir, ".gitignore")
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("make git list new files: %w", err)
	}
	var kept strings.Builder
	for l := range strings.Lines(string(data)) {
		if strings.TrimSpace(l) != "/*" {
			kept.WriteString(l)
		}
	}
	if kept.Len() == len(data) {
		return nil
	}
	if err := t.repo.Run(ctx, "update-index", "--skip-worktree", ".gitignore"); err != nil {
		return fmt.Errorf("make git list new files: %w", err)
	}
	if err := cache.WriteFile(path, []byte(kept.String()), 0o644); err != nil {
		return fmt.Errorf("make git list new files: %w", err)
	}
	return nil
}
