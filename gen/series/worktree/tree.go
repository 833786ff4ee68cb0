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
	"slices"
	"strings"

	"xpsgen/gen/series"
	"xpsgen/vmtest/git"
	"xpsgen/vmtest/tree/manifest"
)

const (
	// notesRef is where the notes are that tie commits to keys.
	notesRef = "refs/notes/xpsgen"
	// baseTag is the tag of the base in the tree.
	baseTag = "base"
)

// Tree is a repository with one series, or all of a base's stack, as commits.
type Tree struct {
	// Dir is its directory.
	Dir string
	// Project and Base name its base. Series has the keys of its series in order, separated
	// by spaces.
	Project, Base, Series string
	// Whole is "stack" if it holds all of the base's stack.
	Whole string
	// BaseCommit is the parent of the first commit of its first series.
	BaseCommit string
	// Onto is where the series was moved to: the name of a base, a directory or a revision.
	// Empty if it was not moved.
	Onto string

	repo *git.Repo
	// files is the hash of the patch files at the checkout or at the last refresh.
	files string
	// origin is the last commit of the patch files that the tree knows, and originBase the
	// commit below them; empty means BaseCommit. origin is empty if these commits are not
	// known. Then changed patch files cannot be merged.
	origin, originBase string
	// from and tip are base and tip of the series before it was moved, target
	// is the commit that it is moved to.
	from, tip, target string
}

// settings returns the fields of a Tree that the git configuration of its repository
// stores.
func (t *Tree) settings() map[string]*string {
	return map[string]*string{
		"project": &t.Project, "base": &t.Base, "series": &t.Series, "whole": &t.Whole,
		"basecommit": &t.BaseCommit, "onto": &t.Onto,
		"files": &t.files, "origin": &t.origin, "originbase": &t.originBase, "from": &t.from, "tip": &t.tip, "target": &t.target,
	}
}

// save stores t in the git configuration of its repository.
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

// Open opens the tree in dir. The error wraps [ErrNotOurs] if dir is not a tree of the
// workbench.
func Open(ctx context.Context, dir string) (*Tree, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open tree: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, ".git")); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: %w: make one with xpsgen tree checkout SERIES/BASE", dir, ErrNotOurs)
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
		return nil, fmt.Errorf("%s: %w: it is another repository; make one with xpsgen tree checkout SERIES/BASE", dir, ErrNotOurs)
	}
	// Check this last, because only this error has a remedy.
	if err := t.repo.Run(ctx, "cat-file", "-e", t.BaseCommit+"^{tree}"); err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("open tree %s: %w", dir, err)
		}
		return nil, fmt.Errorf("%s: %w; your commits are there: fetch the base again with xpsgen tree apply %s", dir, ErrNoBase, t.Name())
	}
	return t, nil
}

// Name is the name of the tree's content in commands: "hook/net-next", or
// "linux/net-next" for a stack.
func (t *Tree) Name() string {
	return workName(t.Project, t.Base, strings.Fields(t.Series), t.Whole != "")
}

// Target returns the name of what refresh writes: the series, and the base that the tree
// was checked out for or moved to.
func (t *Tree) Target(c *series.Change) string {
	w, err := t.work(c)
	if err != nil {
		return t.Name()
	}
	return w.name()
}

// Holds reports whether refresh writes the tree's commits to the named series.
func (t *Tree) Holds(c *series.Change, what string) bool {
	w, err := resolve(c, what)
	if err != nil {
		return false
	}
	mine, err := t.work(c)
	if err != nil || mine.project != w.project || mine.base != w.base {
		return false
	}
	// A base that a stack was moved to may not have all of its series yet.
	return w.whole && mine.whole || slices.Equal(mine.keys(), w.keys())
}

// work returns the work that refresh writes, with the current patch files.
func (t *Tree) work(c *series.Change) (*work, error) {
	p := c.Manifest.Project(t.Project)
	if p == nil {
		return nil, fmt.Errorf("%s: %w: the workbench no longer has a project %q", t.Dir, manifest.ErrNoProject, t.Project)
	}
	b, err := p.Base(t.Base)
	for i := range p.Bases {
		if p.Bases[i].Name == t.Onto {
			b, err = &p.Bases[i], nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.Dir, err)
	}
	for _, k := range strings.Fields(t.Series) {
		if p.Find(k) == nil {
			return nil, fmt.Errorf("%s: %w: the workbench no longer has a series %q", t.Dir, manifest.ErrNoThread, k)
		}
	}
	return newWork(c, p, b, strings.Fields(t.Series), t.Whole != ""), nil
}

// elsewhere reports whether the tree is based on something other than a base: a directory, or
// a revision. Its patch files are those for the base that it was moved from.
func (t *Tree) elsewhere(w *work) bool { return t.Onto != "" && w.base.Name != t.Onto }

// inProgress are the files that git keeps while an operation is in progress, and the
// commands that continue or abort it.
var inProgress = []struct{ mark, what, next string }{
	{"rebase-merge", "rebase", "git rebase --continue, or git rebase --abort"},
	{"rebase-apply", "git am or rebase", "git am --continue, or git am --abort"},
	{"CHERRY_PICK_HEAD", "cherry-pick", "git cherry-pick --continue, or git cherry-pick --abort"},
	{"REVERT_HEAD", "revert", "git revert --continue, or git revert --abort"},
	{"MERGE_HEAD", "merge", "git merge --abort"},
	{"BISECT_LOG", "bisection", "git bisect reset"},
}

// checkIdle fails if a git operation is in progress.
func (t *Tree) checkIdle() error {
	for _, p := range inProgress {
		if _, err := os.Stat(filepath.Join(t.Dir, ".git", p.mark)); err == nil {
			return fmt.Errorf("%s: %s %w: end it in that directory with %s", t.Dir, p.what, ErrBusy, p.next)
		}
	}
	return nil
}

// checkClean fails if there are uncommitted changes.
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
	return fmt.Errorf("%s has %w:\n  %s%s\nCommit them (git add, git commit --amend), or stash them (git stash -u)",
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

// checkFresh fails if the patch files changed since the checkout: a refresh would lose
// these changes.
func (t *Tree) checkFresh(w *work) error {
	if filesHash(w.all) == t.files {
		return nil
	}
	return fmt.Errorf("%s of %s: %w; a refresh would overwrite these changes. "+
		"Check out another tree (xpsgen tree checkout %s -o DIR) and git cherry-pick into it, or overwrite the files with --force",
		w.name(), t.Dir, ErrStale, w.name())
}
