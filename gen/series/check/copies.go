// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"xpsgen/vmtest/cache"
)

// Copies returns the recipients of each patch of opt.Thread, according to get_maintainer.
// It returns nil if the project has no scripts.
func Copies(ctx context.Context, opt Options) (all [][]Recipient, err error) {
	if opt.Thread.NoScripts {
		return nil, nil
	}
	j := newJob(&opt)
	defer j.release()
	for _, p := range j.Patches {
		sum := sha256.Sum256([]byte(fmt.Sprintf("%d copies %s %s %q", memoVersion, j.scripts.BaseCommit, p.AfterTree, p.Text)))
		file := filepath.Join(j.memo.dir, "cc-"+hex.EncodeToString(sum[:16])+".json")
		var some []Recipient
		if data, err := os.ReadFile(file); err == nil && json.Unmarshal(data, &some) == nil {
			all = append(all, some)
			continue
		}
		if err := j.lock(ctx, "find recipients of "); err != nil {
			return nil, err
		}
		if some, err = j.recipients(ctx, p); err != nil {
			return nil, fmt.Errorf("find recipients of %s: %w", p.File, err)
		}
		data, err := json.Marshal(some)
		if err != nil {
			return nil, err
		}
		if err := cache.WriteFile(file, data, 0o644); err != nil {
			return nil, err
		}
		all = append(all, some)
	}
	return all, nil
}
