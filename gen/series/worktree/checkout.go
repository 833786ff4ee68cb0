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
	// Change is both series, Base the name of a base of one of them.
	Change *series.Change
	Base   string
	// Dir is where the tree goes; empty means a folder of the workbench, see
	// [DefaultDir].
	Dir string
	// Cache is the cache directory.
	Cache string
	// Progress hears what takes long. May be nil.
	Progress progress.Func
}

// DefaultDir is where the tree of a base goes unless the user says.
func DefaultDir(root, project, base string) string {
	return filepath.Join(root, "worktree", project+"-"+base)
}

// Checkout makes a repository with the series of a base as commits on top of
// the pristine base.
func Checkout(ctx context.Context, opt Options) (t *Tree, err error) {
	s, b, err := opt.Change.Base(opt.Base)
	if err != nil {
		return nil, err
	}
	dir := opt.Dir
	if dir == "" {
		dir = DefaultDir(opt.Change.Root, s.Project, b.Name)
	}
	if dir, err = vacant(dir); err != nil {
		return nil, err
	}
	p, err := prepare(ctx, &opt, s, b)
	if err != nil {
		return nil, err
	}
	step := "check out " + p.source.Name()
	defer opt.Progress.Step(step, dir)(&err)
	t = &Tree{Dir: dir, Project: s.Project, Base: b.Name, BaseCommit: p.source.BaseCommit, files: filesHash(b)}
	err = cache.Publish(dir, func(tmp string) error {
		if err := t.fill(ctx, tmp, p, b); err != nil {
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

// vacant makes dir absolute, and fails if there is something.
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

// prepared is a base with its series applied, in the cache.
type prepared struct {
	source *tree.Source
	tip    string
}

func prepare(ctx context.Context, opt *Options, s *series.Series, b *series.Base) (*prepared, error) {
	src, err := tree.Open(ctx, tree.Options{Series: s.Manifest, Base: b.Name, Cache: opt.Cache, Progress: opt.Progress})
	if err != nil {
		return nil, err
	}
	tip, err := src.Commit(ctx)
	if err != nil {
		return nil, err
	}
	return &prepared{source: src, tip: tip}, nil
}

// settings of a new repository. Notes follow what is amended and rebased; a
// message may have lines that begin with #; what was resolved once is resolved
// again by itself.
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
func (t *Tree) fill(ctx context.Context, dir string, p *prepared, b *series.Base) error {
	t.repo = &git.Repo{Dir: dir}
	branch := "xps/" + b.Name
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
	for _, ref := range [][2]string{{"refs/heads/" + branch, p.tip}, {"refs/tags/" + baseTag, p.source.BaseCommit}} {
		if err := t.repo.Run(ctx, "update-ref", ref[0], ref[1]); err != nil {
			return err
		}
	}
	list, err := commits(ctx, t.repo, p.source.BaseCommit, p.tip)
	if err != nil {
		return err
	}
	if len(list) != len(b.Patches) {
		return fmt.Errorf("%d patches made %d commits", len(b.Patches), len(list))
	}
	for i, c := range list {
		if err := writeNote(ctx, t.repo, c.id, b.Patches[i].Key, b.Patches[i].Notes); err != nil {
			return err
		}
	}
	return t.save(ctx)
}

// borrow lets the repository use the objects of another one. What that one has
// not, since its history is cut off, this one has not either, and must know.
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

// addLines adds those lines of text to a file that it has not.
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
