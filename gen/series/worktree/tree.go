// SPDX-License-Identifier: GPL-2.0-only OR MIT

package worktree

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"xpsgen/gen/series"
	"xpsgen/vmtest/git"
)

const (
	// notesRef is where the notes are that tie commits to keys.
	notesRef = "refs/notes/xpsgen"
	// baseTag is what the base is called in the tree.
	baseTag = "base"
)

// Tree is a repository with a series as commits.
type Tree struct {
	// Dir is its directory.
	Dir string
	// Project and Base say which series it holds, made on which base.
	Project, Base string
	// BaseCommit is the commit that the series stands on.
	BaseCommit string
	// Onto is the base that the series was moved to: a base's name, or words
	// for something else. Empty if it was not moved.
	Onto string

	repo *git.Repo
	// files is the hash of the patch files that Target had.
	files string
	// from and tip are base and tip of the series before it was moved, target
	// is the commit that it is moved to.
	from, tip, target string
}

// setting are the fields of a Tree that its repository remembers.
func (t *Tree) settings() map[string]*string {
	return map[string]*string{
		"project": &t.Project, "base": &t.Base, "basecommit": &t.BaseCommit, "onto": &t.Onto,
		"files": &t.files, "from": &t.from, "tip": &t.tip, "target": &t.target,
	}
}

// save has the repository remember t.
func (t *Tree) save(ctx context.Context) error {
	for name, value := range t.settings() {
		if *value == "" {
			continue
		}
		if err := t.repo.Run(ctx, "config", "--local", "xpsgen."+name, *value); err != nil {
			return fmt.Errorf("configure %s: %w", t.Dir, err)
		}
	}
	return nil
}

// Open finds the tree in dir. An error wraps [ErrNotOurs] if it is none.
func Open(ctx context.Context, dir string) (*Tree, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open tree: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, ".git")); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: %w: make one with xpsgen tree checkout BASE", dir, ErrNotOurs)
		}
		return nil, fmt.Errorf("open tree: %w", err)
	}
	t := &Tree{Dir: dir, repo: &git.Repo{Dir: dir}}
	lines, err := t.repo.Lines(ctx, "config", "--local", "--get-regexp", `^xpsgen\.`)
	if err != nil && git.ExitCode(err) != 1 {
		return nil, fmt.Errorf("open tree %s: %w", dir, err)
	}
	fields := t.settings()
	for _, l := range lines {
		name, value, _ := strings.Cut(strings.TrimPrefix(l, "xpsgen."), " ")
		if f := fields[name]; f != nil {
			*f = value
		}
	}
	if t.Project == "" || t.Base == "" || !git.IsCommit(t.BaseCommit) {
		return nil, fmt.Errorf("%s: %w: it is another repository; make one with xpsgen tree checkout BASE", dir, ErrNotOurs)
	}
	// Asked last, since it is the one thing that can be put right.
	if err := t.repo.Run(ctx, "cat-file", "-e", t.BaseCommit+"^{tree}"); err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("open tree %s: %w", dir, err)
		}
		again := "xpsgen tree apply --base " + t.Base
		if t.Project != "linux" {
			again = fmt.Sprintf("xpsgen tree checkout %s -o DIR", t.Base)
		}
		return nil, fmt.Errorf("%s: %w; your commits are there: fetch the base again with %s", dir, ErrNoBase, again)
	}
	return t, nil
}

// Target is the base whose patch files the tree's commits become: the one it
// was made for, or the one it was moved to.
func (t *Tree) Target(s *series.Series) *series.Base {
	if b := s.Base(t.Onto); b != nil {
		return b
	}
	return s.Base(t.Base)
}

// inProgress are the marks that git leaves in the middle of something, and how
// to go on or give up.
var inProgress = []struct{ mark, what, next string }{
	{"rebase-merge", "a rebase", "git rebase --continue, or git rebase --abort"},
	{"rebase-apply", "git am or a rebase", "git am --continue, or git am --abort"},
	{"CHERRY_PICK_HEAD", "a cherry-pick", "git cherry-pick --continue, or git cherry-pick --abort"},
	{"REVERT_HEAD", "a revert", "git revert --continue, or git revert --abort"},
	{"MERGE_HEAD", "a merge", "git merge --abort"},
	{"BISECT_LOG", "a bisection", "git bisect reset"},
}

// checkIdle fails if git is in the middle of something.
func (t *Tree) checkIdle() error {
	for _, p := range inProgress {
		if _, err := os.Stat(filepath.Join(t.Dir, ".git", p.mark)); err == nil {
			return fmt.Errorf("%s is in the middle of %s: %w: end that first, there, with %s", t.Dir, p.what, ErrBusy, p.next)
		}
	}
	return nil
}

// checkClean fails if there is anything that no commit has.
func (t *Tree) checkClean(ctx context.Context) error {
	lines, err := t.repo.Lines(ctx, "status", "--porcelain", "--untracked-files=normal")
	if err != nil {
		return fmt.Errorf("look for changes in %s: %w", t.Dir, err)
	}
	if len(lines) == 0 {
		return nil
	}
	const most = 10
	more := ""
	if len(lines) > most {
		more = fmt.Sprintf("\n  and %d more", len(lines)-most)
		lines = lines[:most]
	}
	return fmt.Errorf("%s has %w:\n  %s%s\nCommit them (git add, git commit --amend), or put them away (git stash -u)",
		t.Dir, ErrDirty, strings.Join(lines, "\n  "), more)
}

// filesHash identifies the patch files of a base.
func filesHash(b *series.Base) string {
	h := sha256.New()
	for _, p := range b.Patches {
		fmt.Fprintf(h, "%s %s %d\n", p.Key, filepath.Base(p.Path), len(p.Raw))
		_, _ = h.Write(p.Raw)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// checkFresh fails if the patch files are not those the tree was made of: what
// was changed in them would be lost.
func (t *Tree) checkFresh(b *series.Base) error {
	if filesHash(b) == t.files {
		return nil
	}
	return fmt.Errorf("%s of %s: %w the tree was made; a refresh would undo that. "+
		"Check out another tree (xpsgen tree checkout %s -o DIR) and git cherry-pick into it, or overwrite the files with --force",
		relativeTo(filepath.Dir(filepath.Dir(b.Dir)), b.Dir), t.Dir, ErrStale, b.Name)
}

func relativeTo(dir, path string) string {
	if rel, err := filepath.Rel(dir, path); err == nil {
		return rel
	}
	return path
}

// TargetName is the name of the base whose patch files the commits become.
func (t *Tree) TargetName(c *series.Change) string {
	if s := seriesOf(c, t.Project); s != nil {
		if b := t.Target(s); b != nil {
			return b.Name
		}
	}
	return t.Base
}
