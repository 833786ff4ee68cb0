// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"context"
	"os"
	"path/filepath"
	"strings"
)

// nearFiles is the maximum number of files in which another working tree may
// differ to be used. Between releases, tens of thousands of files differ.
const nearFiles = 1000

// nearest returns the working tree to use for a directory of the user's. It is
// the directory's own if there is one. Otherwise it is that of the project with
// the fewest files to change, so that the first build compiles only the
// differences.
func (s *Source) nearest(ctx context.Context, own string) string {
	if exists(filepath.Join(own, "src")) {
		return own
	}
	commit, err := s.Commit(ctx)
	if err != nil {
		return own // the caller gets the same error when it opens the tree
	}
	found, err := filepath.Glob(filepath.Join(s.opt.Cache, "work", s.Project+"-*", "index"))
	if err != nil {
		return own
	}
	best, least := own, nearFiles+1
	for _, index := range found {
		dir := filepath.Dir(index)
		if info, err := os.Stat(filepath.Join(dir, "src")); err != nil || !info.IsDir() {
			continue
		}
		g := s.git()
		g.index = index
		out, err := g.output(ctx, "diff-index", "--cached", "--no-renames", "--name-only", "-z", commit)
		if err != nil {
			continue
		}
		if n := strings.Count(out, "\x00"); n < least {
			best, least = dir, n
		}
	}
	return best
}
