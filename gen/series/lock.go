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

// Lock keeps other runs from changing path until the caller releases the lock. path is a
// workbench or a tree of a series. Take the lock of the workbench before that of a tree.
// Load files that you change only while you hold the lock.
//
// It waits while another run has the lock, and says so through p as a notice
// of the step called what.
func Lock(ctx context.Context, cacheDir, path, what string, p progress.Func) (*cache.Lock, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", what, err)
	}
	// Resolve symbolic links, so that all paths of a directory give the same lock. A
	// directory that does not exist yet has only its parent resolved.
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	} else if real, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		path = filepath.Join(real, filepath.Base(path))
	}
	sum := sha256.Sum256([]byte(path))
	return cache.Acquire(ctx, filepath.Join(cacheDir, "lock", "series-"+hex.EncodeToString(sum[:8])), what, p)
}
