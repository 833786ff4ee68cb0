// SPDX-License-Identifier: GPL-2.0-only OR MIT

package worktree

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// headerDirs are the directories of a kernel that make headers reads, in addition to the files at its
// top.
var headerDirs = []string{"include/", "arch/x86/", "scripts/", "usr/", "tools/include/"}

// OldHeaders writes the files that make headers needs, of the series before it was
// moved, to the empty directory dir. It does not need a working tree of the cache,
// which a long build may have locked.
func (m *Moved) OldHeaders(ctx context.Context, dir string) error {
	fail := func(err error) error { return fmt.Errorf("write the headers of %s: %w", m.Tree.Base, err) }
	names, err := m.Tree.repo.Output(ctx, "ls-tree", "-r", "-z", "--name-only", m.Old)
	if err != nil {
		return fail(err)
	}
	var wanted strings.Builder
	for _, name := range strings.Split(names, "\x00") {
		keep := name != "" && !strings.Contains(name, "/")
		for _, d := range headerDirs {
			keep = keep || strings.HasPrefix(name, d)
		}
		if keep {
			wanted.WriteString(name + "\x00")
		}
	}
	index := filepath.Join(m.Tree.Dir, ".git", "xpsgen-headers.index")
	defer os.Remove(index)
	for _, step := range []struct {
		stdin string
		args  []string
	}{
		{"", []string{"read-tree", m.Old}},
		{wanted.String(), []string{"checkout-index", "-q", "-z", "--stdin", "--prefix=" + dir + "/"}},
	} {
		c := m.Tree.repo.Cmd(step.args...)
		c.Env = append(c.Env, "GIT_INDEX_FILE="+index)
		c.Stdin = strings.NewReader(step.stdin)
		if err := c.Run(ctx); err != nil {
			return fail(err)
		}
	}
	return nil
}
