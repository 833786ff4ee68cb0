// SPDX-License-Identifier: GPL-2.0-only OR MIT

package worktree

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"xpsgen/vmtest/git"
	"xpsgen/vmtest/proc"
)

// neutral is a repository without configuration that borrows the objects of a
// tree. The output of git does not depend on the user's settings.
type neutral struct {
	tree *Tree
	dir  string
}

// neutral makes one. The caller closes it.
func (t *Tree) neutral(ctx context.Context) (n *neutral, err error) {
	dir, err := os.MkdirTemp("", "xpsgen-refresh-")
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", t.Dir, err)
	}
	n = &neutral{tree: t, dir: dir}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("read %s: %w", t.Dir, err), n.close())
		}
	}()
	if err := (&git.Repo{Dir: dir}).Run(ctx, "init", "-q", "--template=", "."); err != nil {
		return nil, err
	}
	objects, err := t.gitPath(ctx, "objects")
	if err != nil {
		return nil, err
	}
	alternates := filepath.Join(dir, ".git", "objects", "info", "alternates")
	if err := os.WriteFile(alternates, []byte(objects+"\n"), 0o600); err != nil {
		return nil, err
	}
	// The shallow history of the tree ends at this commit.
	shallow, err := t.gitPath(ctx, "shallow")
	if err != nil {
		return nil, err
	}
	if data, err := os.ReadFile(shallow); err == nil {
		if err := os.WriteFile(filepath.Join(dir, ".git", "shallow"), data, 0o600); err != nil {
			return nil, err
		}
	}
	if id, err := t.repo.Output(ctx, "rev-parse", "--verify", "--quiet", notesRef); err == nil {
		if err := (&git.Repo{Dir: dir}).Run(ctx, "update-ref", notesRef, id); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// gitPath returns the absolute path of a file of the tree's repository.
func (t *Tree) gitPath(ctx context.Context, name string) (string, error) {
	path, err := t.repo.Output(ctx, "rev-parse", "--git-path", name)
	if err == nil && !filepath.IsAbs(path) {
		path = filepath.Join(t.Dir, path)
	}
	return path, err
}

func (n *neutral) close() error { return os.RemoveAll(n.dir) }

// cmd returns a git command that uses the neutral repository and the tree's files, with
// their .gitattributes.
func (n *neutral) cmd(args ...string) *proc.Cmd {
	c := (&git.Repo{Dir: n.tree.Dir}).Cmd(args...)
	c.Env = append(c.Env, "GIT_DIR="+filepath.Join(n.dir, ".git"), "GIT_WORK_TREE="+n.tree.Dir)
	return c
}

func (n *neutral) lines(ctx context.Context, args ...string) ([]string, error) {
	out, err := n.cmd(args...).Output(ctx)
	text := strings.TrimSuffix(string(out), "\n")
	if err != nil || text == "" {
		return nil, err
	}
	return strings.Split(text, "\n"), nil
}

// rewrite creates the commits of list again on base, each with the message that
// its patch is to have. It returns the last one.
func (n *neutral) rewrite(ctx context.Context, base string, list []*commit) (tip string, err error) {
	tip = base
	for _, c := range list {
		raw, err := n.cmd("cat-file", "commit", c.id).Output(ctx)
		if err != nil {
			return "", fmt.Errorf("read %s: %w", c.short(), err)
		}
		head, message, _ := strings.Cut(string(raw), "\n\n")
		if c.message != "" {
			message = c.message
		}
		var lines []string
		parent, skip := false, false
		for _, l := range strings.Split(head, "\n") {
			switch {
			case strings.HasPrefix(l, " ") && skip:
				continue
			case strings.HasPrefix(l, "parent "):
				l, parent = "parent "+tip, true
			}
			// A signature would be of the old commit.
			if skip = strings.HasPrefix(l, "gpgsig"); !skip {
				lines = append(lines, l)
			}
		}
		if !parent {
			return "", fmt.Errorf("read %s: it has no parent", c.short())
		}
		write := n.cmd("hash-object", "-t", "commit", "-w", "--stdin")
		write.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n\n" + message)
		out, err := write.Output(ctx)
		if err != nil {
			return "", fmt.Errorf("rewrite %s: %w", c.short(), err)
		}
		tip = strings.TrimSpace(string(out))
	}
	return tip, nil
}

// splitMessages moves the text below a line "---" from the message of each commit to its
// notes. git am would drop that text from the message. The text replaces the notes that the
// commit has. splitMessages rejects a message that begins with "[".
func (n *neutral) splitMessages(ctx context.Context, list []*commit) error {
	for _, c := range list {
		out, err := n.cmd("log", "-1", "--no-show-signature", "--encoding=UTF-8", "--format=%B", c.id).Output(ctx)
		if err != nil {
			return fmt.Errorf("read %s: %w", c.short(), err)
		}
		message := string(out)
		if strings.HasPrefix(message, "[") {
			return fmt.Errorf("%w: %s: git am removes words in brackets from a title; write %q as \"area: \" or into the message",
				ErrCommit, c.short(), message[:strings.IndexAny(message, "]\n")+1])
		}
		above, below, ok := strings.Cut(message, "\n---\n")
		if !ok {
			continue
		}
		c.message = strings.TrimRight(above, "\n") + "\n"
		c.notes = strings.Trim(below, "\n")
	}
	return nil
}
