// SPDX-License-Identifier: GPL-2.0-only OR MIT

package worktree

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"xpsgen/gen/series"
	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/git"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/tree"
)

// Options of [Checkout] and [Rebase]. All but Dir and Progress are required.
type Options struct {
	// Change is all series. What names a series on a base, or a base with its whole stack,
	// for [manifest.Change.Resolve].
	Change *series.Change
	What   string
	// Dir is where the tree goes; empty means a directory of the workbench, see
	// [Dir].
	Dir string
	// Cache is the cache directory.
	Cache string
	// Progress gets an event for each long step. It may be nil.
	Progress progress.Func
}

// Dir returns the default directory for the tree of a series on a base, or of a
// base.
func Dir(c *series.Change, what string) (string, error) {
	w, err := resolve(c, what)
	if err != nil {
		return "", err
	}
	return w.dir(c.Root), nil
}

// Checkout creates a repository with the patches of a series or of a base's stack as
// commits. A series is on top of the series that it depends on. The error wraps [ErrExists]
// if the directory is not empty.
func Checkout(ctx context.Context, opt Options) (t *Tree, err error) {
	w, err := resolve(opt.Change, opt.What)
	if err != nil {
		return nil, err
	}
	dir := opt.Dir
	if dir == "" {
		dir = w.dir(opt.Change.Root)
	}
	if dir, err = vacant(dir); err != nil {
		return nil, err
	}
	p, err := prepare(ctx, &opt, w)
	if err != nil {
		return nil, err
	}
	step := "check out " + w.name()
	defer opt.Progress.Step(step, dir)(&err)
	t = newTree(dir, w, p)
	t.origin = p.tip
	err = cache.Publish(dir, func(tmp string) error {
		if err := t.fill(ctx, tmp, p, w); err != nil {
			return err
		}
		if err := t.repo.Run(ctx, "reset", "-q", "--hard", p.tip); err != nil {
			return err
		}
		return t.unignore(ctx)
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", step, cache.Explain(err, filepath.Dir(dir), 0))
	}
	t.repo.Dir = dir
	return t, nil
}

func newTree(dir string, w *work, p *prepared) *Tree {
	t := &Tree{Dir: dir, Project: w.project.Name, Base: w.base.Name, Series: strings.Join(w.keys(), " "),
		BaseCommit: p.below, files: filesHash(w.all)}
	if w.whole {
		t.Whole = "stack"
	}
	return t
}

// vacant makes dir absolute, and fails if it is not empty.
func vacant(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("check out: %w", err)
	}
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return "", fmt.Errorf("check out: %w", err)
	case len(entries) > 0:
		return "", fmt.Errorf("check out to %s: %w: work in it, remove it, or choose another place with -o DIR", dir, ErrExists)
	}
	return dir, nil
}

// prepared is a work whose patches were applied in the cache.
type prepared struct {
	source *tree.Source
	// below is the parent of the first commit of the work, tip the last commit.
	below, tip string
}

func prepare(ctx context.Context, opt *Options, w *work) (*prepared, error) {
	return apply(ctx, tree.Options{Project: w.project, Base: w.base.Name, Cache: opt.Cache, Progress: opt.Progress,
		Patches: w.patches()}, len(w.all.Patches))
}

// apply opens a tree and applies its patches. The last n patches are those of the work.
func apply(ctx context.Context, opt tree.Options, n int) (*prepared, error) {
	src, err := tree.Open(ctx, opt)
	if err != nil {
		return nil, err
	}
	tip, err := src.Commit(ctx)
	if err != nil {
		return nil, err
	}
	p := &prepared{source: src, below: src.BaseCommit, tip: tip}
	if len(src.Patches) > n {
		repo := &git.Repo{Dir: src.GitDir()}
		if p.below, err = repo.Output(ctx, "rev-parse", "--verify", fmt.Sprintf("%s~%d", tip, n)); err != nil {
			return nil, fmt.Errorf("find the series that it depends on: %w", err)
		}
	}
	return p, nil
}

// settings of a new repository. Notes follow amended and rebased commits.
// Messages may have lines that begin with #. git rerere repeats conflict
// resolutions.
var settings = [][2]string{
	{"notes.rewriteRef", notesRef},
	{"notes.rewriteMode", "concatenate"},
	{"notes.displayRef", notesRef},
	{"core.commentChar", ";"},
	{"rerere.enabled", "true"},
	{"advice.detachedHead", "false"},
}

// fill makes the repository in dir: objects borrowed from the cache, a branch
// with the series, a tag at the base, notes with the keys. Nothing is checked
// out yet.
func (t *Tree) fill(ctx context.Context, dir string, p *prepared, w *work) error {
	t.repo = &git.Repo{Dir: dir}
	branch := w.branch()
	if err := t.repo.Run(ctx, "init", "-q", "--template=", "--initial-branch="+branch, "."); err != nil {
		return err
	}
	if err := t.borrow(p.source.GitDir()); err != nil {
		return err
	}
	for _, kv := range settings {
		if err := t.repo.Run(ctx, "config", kv[0], kv[1]); err != nil {
			return err
		}
	}
	for _, ref := range [][2]string{{"refs/heads/" + branch, p.tip}, {"refs/tags/" + baseTag, p.below}} {
		if err := t.repo.Run(ctx, "update-ref", ref[0], ref[1]); err != nil {
			return err
		}
	}
	list, err := commits(ctx, t.repo, p.below, p.tip)
	if err != nil {
		return err
	}
	patches := w.all.Patches
	if len(list) != len(patches) {
		return fmt.Errorf("%d patches applied as %d commits", len(patches), len(list))
	}
	for i, c := range list {
		if err := writeNote(ctx, t.repo, c.id, patches[i].Key, patches[i].Notes); err != nil {
			return err
		}
	}
	return t.save(ctx)
}

// borrow lets the repository use the objects of another one. If that one is shallow, this
// one must be shallow at the same commits.
func (t *Tree) borrow(gitDir string) error {
	own := filepath.Join(t.repo.Dir, ".git")
	if err := addLines(filepath.Join(own, "objects", "info", "alternates"), filepath.Join(gitDir, "objects")+"\n"); err != nil {
		return err
	}
	shallow, err := os.ReadFile(filepath.Join(gitDir, "shallow"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return addLines(filepath.Join(own, "shallow"), string(shallow))
}

// addLines adds the lines that a file lacks.
func addLines(path, text string) error {
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	have := string(data)
	for l := range strings.Lines(text) {
		if !strings.Contains("\n"+have, "\n"+l) {
			have += l
		}
	}
	return cache.WriteFile(path, []byte(have), 0o644)
}
