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

// unignore takes out of the tree's .gitignore lines that hide the whole source:
// Debian's packages end it with "/*", and git would then neither show a new
// file nor add it, so that a refresh lost it silently. The change is hidden
// from git, and no part of the series.
func (t *Tree) unignore(ctx context.Context) error {
	path := filepath.Join(t.repo.Dir, ".gitignore")
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the .gitignore files: %w", err)
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
		return fmt.Errorf("show new files: %w", err)
	}
	if err := cache.WriteFile(path, []byte(kept.String()), 0o644); err != nil {
		return fmt.Errorf("show new files: %w", err)
	}
	return nil
}
