// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"context"
	"fmt"
	"strings"
)

// Change is a path in which two trees differ.
type Change struct {
	Path string
	// Edited is true for a file that both trees have, with the same mode and other
	// content. It is false for a path that was added, removed, or changed its kind.
	Edited bool
}

// ChangedSince returns the paths in which the patched tree differs from the git tree old,
// sorted. Old must be in the repository of the base.
func (s *Source) ChangedSince(ctx context.Context, old string) ([]Change, error) {
	commit, err := s.Commit(ctx)
	if err != nil {
		return nil, err
	}
	out, err := s.git().output(ctx, "diff-tree", "-r", "-z", "--raw", "--no-renames", old, commit)
	if err != nil {
		return nil, fmt.Errorf("compare %s with an earlier tree: %w", s.Name(), err)
	}
	var all []Change
	// Each path follows ":MODE MODE OBJECT OBJECT STATUS".
	fields := strings.Split(out, "\x00")
	for i := 0; i+1 < len(fields); i += 2 {
		f := strings.Fields(strings.TrimPrefix(fields[i], ":"))
		if len(f) != 5 {
			return nil, fmt.Errorf("compare %s with an earlier tree: unexpected line from git diff-tree: %q", s.Name(), fields[i])
		}
		all = append(all, Change{Path: fields[i+1], Edited: f[4] == "M" && f[0] == f[1] && strings.HasPrefix(f[0], "100")})
	}
	return all, nil
}
