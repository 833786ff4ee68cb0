// SPDX-License-Identifier: GPL-2.0-only OR MIT

package series

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/progress"
)

// Lock keeps other runs from changing path until the lock is released: a
// workbench, whose patch files, manifests and archives change, or a tree that
// was made of a series. Who wants both takes the workbench first. What is
// changed must be loaded under the lock.
//
// It waits while another run has the lock, and says so through p as a notice
// of the step called what.
func Lock(ctx context.Context, cacheDir, path, what string, p progress.Func) (*cache.Lock, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", what, err)
	}
	// Two names of one directory are one directory, also of one that is yet to
	// be made.
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	} else if real, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		path = filepath.Join(real, filepath.Base(path))
	}
	sum := sha256.Sum256([]byte(path))
	return cache.Acquire(ctx, filepath.Join(cacheDir, "lock", "series-"+hex.EncodeToString(sum[:8])), what, p)
}
