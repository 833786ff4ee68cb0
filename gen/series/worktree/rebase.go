// SPDX-License-Identifier: GPL-2.0-only OR MIT

package worktree

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"xpsgen/gen/series"
	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/git"
	"xpsgen/vmtest/tree"
	"xpsgen/vmtest/tree/manifest"
)

// RebaseOptions select what to move, and where to.
type RebaseOptions struct {
	Options
	// Onto is the destination: the name of another base, a source directory, or a
	// revision.
	Onto string
	// Repo is the repository that knows the revision; empty means the tree of
	// the base that [Checkout] created.
	Repo string
}

// target is a resolved RebaseOptions.Onto.
type target struct {
	name, commit, gitDir string
	base                 *manifest.Base // nil if Onto is not a base
}

// RebaseDir returns the default directory of a rebase.
func RebaseDir(c *series.Change, what string) (string, error) {
	dir, err := Dir(c, what)
	return dir + "-rebase", err
}

// Rebase moves the patch files of a series, or of the stack of a base, to another base
// in a new tree. The patch files do not change until [Tree.Refresh]. If a patch does
// not merge it returns a [*ConflictError]; then [Continue] continues and [Abort]
// removes the tree.
func Rebase(ctx context.Context, opt RebaseOptions) (m *Moved, err error) {
	w, err := resolve(opt.Change, opt.What)
	if err != nil {
		return nil, err
	}
	dir := opt.Dir
	if dir == "" {
		dir = w.dir(opt.Change.Root) + "-rebase"
	}
	if t, err := Open(ctx, dir); err == nil && t.busy() {
		return nil, fmt.Errorf("%s: rebase %w: continue with --continue, or abort with --abort", dir, ErrBusy)
	}
	if dir, err = vacant(dir); err != nil {
		return nil, err
	}
	p, err := prepare(ctx, &opt.Options, w)
	if err != nil {
		return nil, err
	}
	to, err := resolveOnto(ctx, &opt, w)
	if err != nil {
		return nil, err
	}
	t := newTree(dir, w, p)
	t.Onto, t.from, t.tip, t.target = to.name, p.below, p.tip, to.commit
	// Later changes of the patch files are merged with these as ancestor.
	t.origin, t.originBase = p.tip, p.below
	borrowed := []string{to.gitDir}
	there := w
	if to.base != nil {
		there = newWork(opt.Change, w.project, to.base, w.keys(), w.whole)
		t.files, t.origin, t.originBase = filesHash(there.all), "", ""
		have, err := prepare(ctx, &opt.Options, there)
		var refused *tree.ApplyError
		switch {
		case err == nil:
			t.origin, t.originBase = have.tip, have.below
			borrowed = append(borrowed, have.source.GitDir())
		case !errors.As(err, &refused):
			return nil, err
		}
	}
	if err := t.start(ctx, &opt, p, to, w, borrowed); err != nil {
		return nil, err
	}
	if err := t.noteOrigin(ctx, there); err != nil {
		return nil, fmt.Errorf("rebase %s: %w", w.name(), err)
	}
	step := fmt.Sprintf("rebase %s onto %s", w.name(), to.name)
	done := opt.Progress.Step(step, dir)
	err = t.repo.Run(ctx, "rebase", "-q", "--merge", "--empty=drop", "--no-keep-empty", "--no-fork-point",
		"--reapply-cherry-picks", "--onto", to.commit, t.from, w.branch())
	done(&err)
	if err != nil && ctx.Err() != nil {
		// The directory has no work of the user yet.
		return nil, errors.Join(fmt.Errorf("%s: %w", step, err), os.RemoveAll(t.Dir))
	}
	return t.after(ctx, err)
}

// noteOrigin writes the keys of the patch files to the notes of the origin's commits.
func (t *Tree) noteOrigin(ctx context.Context, w *work) error {
	if t.origin == "" {
		return nil
	}
	list, err := commits(ctx, t.repo, t.originBase, t.origin)
	if err != nil {
		return err
	}
	return t.noteFiles(ctx, w, list)
}

// busy reports whether a rebase is in progress in the tree.
func (t *Tree) busy() bool {
	_, err := os.Stat(filepath.Join(t.Dir, ".git", "rebase-merge"))
	return err == nil
}

// start creates the tree with the new base checked out.
func (t *Tree) start(ctx context.Context, opt *RebaseOptions, p *prepared, to *target, w *work, borrowed []string) (err error) {
	step := "check out " + to.name
	defer opt.Progress.Step(step, t.Dir)(&err)
	err = cache.Publish(t.Dir, func(tmp string) error {
		if err := t.fill(ctx, tmp, p, w); err != nil {
			return err
		}
		for _, dir := range borrowed {
			if err := t.borrow(dir); err != nil {
				return err
			}
		}
		// Check out the commit where the rebase begins, so that git writes the files once.
		if err := t.repo.Run(ctx, "update-ref", "--no-deref", "HEAD", to.commit); err != nil {
			return err
		}
		if err := t.repo.Run(ctx, "reset", "-q", "--hard"); err != nil {
			return err
		}
		return t.unignore(ctx)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", step, cache.Explain(err, filepath.Dir(t.Dir), 0))
	}
	t.repo.Dir = t.Dir
	return nil
}

// resolveOnto finds the commit of the option onto.
func resolveOnto(ctx context.Context, opt *RebaseOptions, w *work) (*target, error) {
	what := w.name()
	open := func(base, dir string, patches []manifest.Patch) (*target, error) {
		p, err := apply(ctx, tree.Options{
			Project: w.project, Base: base, Dir: dir, Patches: patches, Cache: opt.Cache, Progress: opt.Progress,
		}, 0)
		if err != nil {
			return nil, err
		}
		return &target{name: base, commit: p.tip, gitDir: p.source.GitDir()}, nil
	}
	name := strings.TrimPrefix(opt.Onto, w.project.Name+"/")
	if other, err := w.project.Base(name); err == nil && name != "" && opt.Repo == "" {
		if other.Name == w.base.Name {
			return nil, fmt.Errorf("rebase %s: %w: this is already its base", what, ErrOnto)
		}
		below := []manifest.Patch{}
		if !w.whole {
			below = w.project.Foundation(other.Name, w.keys()...)
		}
		to, err := open(other.Name, "", below)
		if err != nil {
			return nil, err
		}
		to.base = other
		return to, nil
	}
	if st, err := os.Stat(opt.Onto); err == nil && st.IsDir() && opt.Repo == "" {
		to, err := open(w.base.Name, opt.Onto, []manifest.Patch{})
		if err != nil {
			return nil, err
		}
		to.name = opt.Onto
		return to, nil
	}
	dir := opt.Repo
	if dir == "" {
		dir = w.dir(opt.Change.Root)
	}
	// The new tree stores the path.
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("rebase %s: %w", what, err)
	}
	repo := &git.Repo{Dir: dir}
	if _, err := os.Stat(dir); err == nil && !strings.HasPrefix(opt.Onto, "-") {
		commit, err := repo.Output(ctx, "rev-parse", "--verify", "--quiet", opt.Onto+"^{commit}")
		if err == nil && git.IsCommit(commit) {
			objects, err := repo.Output(ctx, "rev-parse", "--git-path", "objects")
			if err != nil {
				return nil, fmt.Errorf("rebase %s: %w", what, err)
			}
			if !filepath.IsAbs(objects) {
				objects = filepath.Join(dir, objects)
			}
			return &target{name: opt.Onto, commit: commit, gitDir: filepath.Dir(objects)}, nil
		}
	}
	var names []string
	for _, other := range w.project.Bases {
		if other.Name != w.base.Name {
			names = append(names, other.Name)
		}
	}
	return nil, fmt.Errorf("rebase %s: %w: %q is not another base (there is %s), not a directory, and not a commit of %s (--repo names another repository)",
		what, ErrOnto, opt.Onto, strings.Join(names, ", "), dir)
}

// Continue continues a rebase after its conflicts were resolved. It returns a
// [*ConflictError] if the next patch conflicts.
func Continue(ctx context.Context, dir string) (*Moved, error) {
	t, err := Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	if t.target == "" {
		return nil, fmt.Errorf("%s: %w", dir, ErrNoRebase)
	}
	if !t.busy() {
		// The user may have continued with git rebase.
		return t.after(ctx, nil)
	}
	if files, err := t.unmerged(ctx); err != nil || len(files) > 0 {
		return nil, errors.Join(err, t.conflict(ctx, files, nil))
	}
	staged, err := t.repo.Lines(ctx, "diff", "--cached", "--name-only", "HEAD")
	if err != nil {
		return nil, fmt.Errorf("list staged files of %s: %w", dir, err)
	}
	if len(staged) > 0 {
		args := append([]string{"grep", "--cached", "-l", "-E", "^(<<<<<<<|>>>>>>>) ", "--"}, staged...)
		marked, err := t.repo.Lines(ctx, args...)
		if err != nil && git.ExitCode(err) != 1 {
			return nil, fmt.Errorf("search %s for conflict markers: %w", dir, err)
		}
		if len(marked) > 0 {
			return nil, fmt.Errorf("%s: %w in %s: edit the files, git add them, and continue", dir, ErrMarkers, strings.Join(marked, ", "))
		}
	}
	return t.after(ctx, t.repo.Run(ctx, "rebase", "--continue"))
}

// Abort aborts a rebase and removes its tree.
func Abort(ctx context.Context, dir string) error {
	t, err := Open(ctx, dir)
	if err != nil {
		return err
	}
	if t.target == "" {
		return fmt.Errorf("%s: %w", dir, ErrNoRebase)
	}
	if !t.busy() {
		return fmt.Errorf("%s: %w: the rebase has finished; remove the directory to discard it", dir, ErrNoRebase)
	}
	if err := os.RemoveAll(t.Dir); err != nil {
		return fmt.Errorf("abort the rebase: %w", err)
	}
	return nil
}

// unmerged lists the files with conflicts.
func (t *Tree) unmerged(ctx context.Context) ([]string, error) {
	files, err := t.repo.Lines(ctx, "diff", "--name-only", "--diff-filter=U")
	if err != nil {
		return nil, fmt.Errorf("look for conflicts in %s: %w", t.Dir, err)
	}
	return files, nil
}

// after returns the result of a rebase that finished, or a [*ConflictError] if it stopped.
func (t *Tree) after(ctx context.Context, err error) (*Moved, error) {
	if err != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("rebase in %s: %w", t.Dir, err)
	}
	if t.busy() {
		files, uerr := t.unmerged(ctx)
		if uerr != nil {
			return nil, uerr
		}
		return nil, t.conflict(ctx, files, err)
	}
	if err != nil {
		return nil, fmt.Errorf("rebase in %s: %w", t.Dir, err)
	}
	now, err := commits(ctx, t.repo, t.target, "HEAD")
	if err != nil {
		return nil, err
	}
	before, err := commits(ctx, t.repo, t.from, t.tip)
	if err != nil {
		return nil, err
	}
	t.shorten(before)
	t.shorten(now)
	t.BaseCommit = t.target
	if err := t.repo.Run(ctx, "update-ref", "refs/tags/"+baseTag, t.BaseCommit); err != nil {
		return nil, fmt.Errorf("rebase in %s: %w", t.Dir, err)
	}
	if err := t.save(ctx); err != nil {
		return nil, err
	}
	m := &Moved{Tree: t, Old: t.tip, OldBase: t.from, NewBase: t.target}
	if m.New, err = t.repo.Output(ctx, "rev-parse", "HEAD"); err != nil {
		return nil, fmt.Errorf("rebase in %s: %w", t.Dir, err)
	}
	m.Pairs, err = compare(ctx, t.repo, before, now)
	return m, err
}

// conflict returns a [*ConflictError] about the patch at which the rebase stopped.
func (t *Tree) conflict(ctx context.Context, files []string, cause error) error {
	e := &ConflictError{Dir: t.Dir, Base: t.Name(), Onto: t.Onto, Files: files}
	if cause != nil {
		e.Output = strings.TrimSpace(cause.Error())
	}
	read := func(name string) int {
		data, _ := os.ReadFile(filepath.Join(t.Dir, ".git", "rebase-merge", name))
		n, _ := strconv.Atoi(strings.TrimSpace(string(data)))
		return n
	}
	e.N, e.Total = read("msgnum"), read("end")
	id, err := t.repo.Output(ctx, "rev-parse", "--verify", "--quiet", "REBASE_HEAD")
	if err != nil {
		return e
	}
	list, err := commits(ctx, t.repo, t.from, t.tip)
	if err != nil {
		return e
	}
	t.shorten(list)
	for _, c := range list {
		if c.id == id {
			e.Key, e.Title = c.keyOf(), c.title
		}
	}
	return e
}

// shorten leaves the series out of the commits' keys if the tree has only one.
func (t *Tree) shorten(list []*commit) {
	if len(strings.Fields(t.Series)) != 1 {
		return
	}
	for _, c := range list {
		for i := range c.keys {
			c.keys[i] = strings.TrimPrefix(c.keys[i], t.Series+"/")
		}
	}
}

// Moved is a series that was moved to another base.
type Moved struct {
	// Tree is the tree that has the series now.
	Tree *Tree
	// Old and New are its last commits before and after the move. OldBase and NewBase
	// are the commits that its first patch applies to.
	Old, New, OldBase, NewBase string
	// Pairs has the result of each patch.
	Pairs []Pair
}

// Touched returns the files below dir that the series changes, before or after it was
// moved. The names are relative to dir.
func (m *Moved) Touched(ctx context.Context, dir string) ([]string, error) {
	seen := map[string]bool{}
	for _, r := range [][2]string{{m.OldBase, m.Old}, {m.NewBase, m.New}} {
		names, err := m.Tree.repo.Lines(ctx, "diff", "--name-only", "--no-renames", r[0], r[1], "--", dir)
		if err != nil {
			return nil, fmt.Errorf("list the files that the series touches: %w", err)
		}
		for _, n := range names {
			seen[strings.TrimPrefix(n, dir+"/")] = true
		}
	}
	return slices.Sorted(maps.Keys(seen)), nil
}
