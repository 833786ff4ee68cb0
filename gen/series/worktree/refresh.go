// SPDX-License-Identifier: GPL-2.0-only OR MIT

package worktree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/gen/series"
	"xpsgen/gen/series/patch"
	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/tree/manifest"
)

// RefreshOptions are the options of a refresh.
type RefreshOptions struct {
	// Change is all series. Required.
	Change *series.Change
	// Drop are the keys of patches that may be lost.
	Drop []string
	// Keys maps revisions to the keys that their commits get.
	Keys map[string]string
	// Cache is the cache directory. With it, changes of the patch files are merged into the
	// commits first. Without it, or in a dry run, such changes cause [ErrStale].
	Cache string
	// Progress gets an event for each long step. It may be nil.
	Progress progress.Func
	// Force overwrites patch files that changed since the checkout.
	Force bool
	// DryRun writes nothing.
	DryRun bool
}

// Refresh writes the tree's commits back as the patch files of its base. It does not touch
// files whose patch did not change. It fails, and writes no patch file, in these cases:
//   - a patch would be lost that is not in opt.Drop ([*LostError])
//   - the tree has uncommitted changes ([ErrDirty])
//   - a git operation is in progress ([ErrBusy])
//   - the patch files changed, and do not merge ([*MergeError], [*GoneError]) or must not be merged ([ErrStale])
func (t *Tree) Refresh(ctx context.Context, opt RefreshOptions) (*Outcome, error) {
	w, err := t.work(opt.Change)
	if err != nil {
		return nil, fmt.Errorf("refresh the patch files: %w", err)
	}
	if err := t.checkIdle(); err != nil {
		return nil, err
	}
	if err := t.checkClean(ctx); err != nil {
		return nil, err
	}
	merged := false
	switch {
	case opt.Force:
	case opt.DryRun || opt.Cache == "" || t.origin == "":
		err = t.checkFresh(w)
	default:
		merged, err = t.flow(ctx, &Options{Change: opt.Change, Cache: opt.Cache, Progress: opt.Progress}, w, opt.Drop)
	}
	if err != nil {
		return nil, err
	}
	list, err := commits(ctx, t.repo, t.BaseCommit, "HEAD")
	if err != nil {
		return nil, err
	}
	files, err := t.mails(ctx, list)
	if err != nil {
		return nil, err
	}
	ties, err := t.tie(ctx, list, files, w, opt.Keys)
	if err != nil {
		return nil, err
	}
	if err := checkOrder(t, w, ties); err != nil {
		return nil, err
	}
	if err := checkLost(t, w, ties, opt.Drop); err != nil {
		return nil, err
	}
	if err := files.finish(ties); err != nil {
		return nil, err
	}
	out := newOutcome(w, ties, files)
	out.Merged = merged
	if opt.DryRun {
		return out, nil
	}
	if err := writeFiles(w, ties, files, out); err != nil {
		return nil, err
	}
	return out, t.remember(ctx, &opt, w, ties)
}

// written is the patch that a commit becomes.
type written struct {
	name  string
	patch *patch.Patch
	mail  []byte
}

// mails are the commits as files, in order.
type mails []*written

// formatFlags make a canonical patch with any configuration of git.
var formatFlags = []string{
	"--zero-commit", "--no-signature", "--full-index", "-N", "--subject-prefix=PATCH", "--suffix=.patch",
	"--no-attach", "--no-thread", "--no-notes", "--no-base", "--no-cover-letter", "--no-to", "--no-cc",
	"--no-add-header", "--no-from", "--encode-email-headers", "--no-ext-diff", "--no-textconv", "--always",
}

// mails has git write the commits as patches, to a temporary directory.
func (t *Tree) mails(ctx context.Context, list []*commit) (files mails, err error) {
	if len(list) == 0 {
		return nil, nil
	}
	n, err := t.neutral(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	if err := n.splitMessages(ctx, list); err != nil {
		return nil, fmt.Errorf("refresh from %s: %w", t.Dir, err)
	}
	tip, err := n.rewrite(ctx, t.BaseCommit, list)
	if err != nil {
		return nil, fmt.Errorf("refresh from %s: %w", t.Dir, err)
	}
	args := append([]string{"format-patch", "-o", filepath.Join(n.dir, "mails")}, formatFlags...)
	names, err := n.lines(ctx, append(args, t.BaseCommit+".."+tip)...)
	if err != nil {
		return nil, fmt.Errorf("refresh from %s: %w", t.Dir, err)
	}
	if len(names) != len(list) {
		return nil, fmt.Errorf("refresh from %s: git format-patch wrote %d patches for %d commits", t.Dir, len(names), len(list))
	}
	for i, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("refresh the patch files: %w", err)
		}
		p, err := patch.Parse(data)
		if err != nil {
			return nil, fmt.Errorf("refresh from %s: %w: %s: %w", t.Dir, ErrCommit, list[i].short(), err)
		}
		// Git's output must equal our format, or reading it back
		// would lose something.
		if again, err := p.Format(); err != nil || !bytes.Equal(again, data) {
			if err == nil {
				err = errors.New("its mail from git format-patch changes when it is parsed and written again")
			}
			return nil, fmt.Errorf("refresh from %s: %w: %s: %w", t.Dir, ErrCommit, list[i].short(), err)
		}
		files = append(files, &written{name: filepath.Base(name), patch: p, mail: data})
	}
	return files, nil
}

// finish numbers the files of each series from 1, and puts the notes below the
// patches' "---".
func (files mails) finish(ties []*tie) (err error) {
	numbers := map[string]int{}
	for i, w := range files {
		s := seriesOf(ties[i].key)
		numbers[s]++
		if _, rest, ok := strings.Cut(w.name, "-"); ok {
			w.name = fmt.Sprintf("%04d-%s", numbers[s], rest)
		}
		if w.patch.Notes = ties[i].notes; w.patch.Notes == "" {
			continue
		}
		if w.mail, err = w.patch.Format(); err != nil {
			return fmt.Errorf("%w: %s: its notes: %w", ErrCommit, ties[i].short(), err)
		}
	}
	return nil
}

// tie finds out which commit is which patch.
func (t *Tree) tie(ctx context.Context, list []*commit, files mails, w *work, keys map[string]string) (ties []*tie, err error) {
	for i, c := range list {
		if c.patchID, err = patchID(ctx, t.repo, files[i].mail); err != nil {
			return nil, err
		}
		c.lines = changedLines(files[i].patch.Diff)
	}
	ids := map[string]string{}
	for _, p := range w.all.Patches {
		if ids[p.Key], err = patchID(ctx, t.repo, p.Raw); err != nil {
			return nil, err
		}
	}
	given := map[string]string{}
	for rev, key := range keys {
		id, err := t.repo.Output(ctx, "rev-parse", "--verify", "--quiet", rev+"^{commit}")
		if err != nil || !slices.ContainsFunc(list, func(c *commit) bool { return c.id == id }) {
			return nil, fmt.Errorf("%w %q: %q is not a commit of the series in %s", ErrKey, key, rev, t.Dir)
		}
		given[id] = key
	}
	if ties, err = assign(list, w, ids, given); err != nil {
		return nil, err
	}
	absorb(w, ties)
	return ties, nil
}

// checkLost fails if a patch without --drop has lost its commit, or if a patch with
// --drop still has one.
func checkLost(t *Tree, w *work, ties []*tie, drop []string) error {
	lost := &LostError{Base: w.name(), Dir: t.Dir}
	var dropped []string
	for _, key := range drop {
		whole, err := w.qualify(key, "")
		if err != nil {
			return fmt.Errorf("drop %s: %w", key, err)
		}
		dropped = append(dropped, whole)
	}
	for _, p := range w.all.Patches {
		if slices.ContainsFunc(ties, func(t *tie) bool { return t.key == p.Key }) || slices.Contains(dropped, p.Key) {
			continue
		}
		l := Lost{Key: w.short(p.Key), Title: p.Subject.Title}
		for _, t := range ties {
			if t.absorbed(p.Key) {
				l.Into = w.short(t.key)
			}
		}
		lost.Lost = append(lost.Lost, l)
	}
	if len(lost.Lost) > 0 {
		return lost
	}
	for _, key := range dropped {
		for _, t := range ties {
			if t.key == key {
				return fmt.Errorf("drop %s: %w: commit %s still has that patch; drop the commit in the tree first", w.short(key), ErrKey, t.short())
			}
		}
		if w.all.Patch(key) == nil {
			return fmt.Errorf("drop %s: %w: %s has no such patch", w.short(key), ErrKey, w.name())
		}
	}
	return nil
}

// checkOrder fails if commits of two series are mixed: one series comes after
// the other.
func checkOrder(t *Tree, w *work, ties []*tie) error {
	at := 0
	for i, c := range ties {
		n := slices.Index(w.keys(), seriesOf(c.key))
		if n < at {
			return fmt.Errorf("%s: %w: %s belongs to series %s, but follows commits of %s: reorder the commits, or move it with --key REV=%s/KEY",
				t.Dir, ErrHistory, c.short(), seriesOf(c.key), seriesOf(ties[i-1].key), seriesOf(ties[i-1].key))
		}
		at = n
	}
	return nil
}

// writeFiles writes new files, then the manifest, then removes old files. So
// the manifest never names a missing file.
func writeFiles(w *work, ties []*tie, files mails, out *Outcome) error {
	path := filepath.Join(w.project.Dir, manifest.Name)
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("refresh %s: %w", w.name(), err)
	}
	edited := data
	patches := map[string][]manifest.Patch{}
	for i, f := range files {
		s, key, _ := strings.Cut(ties[i].key, "/")
		patches[s] = append(patches[s], manifest.Patch{Key: key, File: f.name})
	}
	for _, p := range w.parts {
		if len(patches[p.series.Key]) == 0 && len(p.base.Patches) == 0 {
			continue
		}
		if edited, err = manifest.SetPatches(edited, p.series.Key, w.base.Name, patches[p.series.Key]); err != nil {
			return fmt.Errorf("refresh %s: %w", w.name(), err)
		}
	}
	keep := map[string]bool{}
	for i, f := range files {
		file := filepath.Join(w.find(seriesOf(ties[i].key)).base.Dir, f.name)
		keep[file] = true
		if have, err := os.ReadFile(file); err == nil && bytes.Equal(have, f.mail) {
			continue
		}
		if err := cache.WriteFile(file, f.mail, 0o644); err != nil {
			return fmt.Errorf("refresh %s: %w", w.name(), err)
		}
		out.Written = append(out.Written, file)
	}
	if !bytes.Equal(edited, data) {
		if err := cache.WriteFile(path, edited, 0o644); err != nil {
			return fmt.Errorf("refresh %s: %w", w.name(), err)
		}
		out.Written = append(out.Written, path)
	}
	for _, p := range w.all.Patches {
		if keep[p.Path] {
			continue
		}
		if err := os.Remove(p.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("refresh %s: %w", w.name(), err)
		}
		out.Removed = append(out.Removed, p.Path)
	}
	return nil
}

// remember stores the new keys and the current files in the tree.
func (t *Tree) remember(ctx context.Context, opt *RefreshOptions, w *work, ties []*tie) error {
	for _, tie := range ties {
		if len(tie.keys) == 1 && tie.keys[0] == tie.key && tie.message == "" {
			continue
		}
		if err := writeNote(ctx, t.repo, tie.id, tie.key, tie.notes); err != nil {
			return err
		}
	}
	change, err := series.Load(opt.Change.Root)
	if err != nil {
		return fmt.Errorf("refresh %s: read back: %w", w.name(), err)
	}
	now, err := t.work(change)
	if err != nil {
		return fmt.Errorf("refresh %s: read back: %w", w.name(), err)
	}
	t.files, t.origin, t.originBase = filesHash(now.all), "", ""
	// A series that was moved to something other than a base may not apply to the base.
	if opt.Cache != "" && !t.elsewhere(now) {
		// The next merge starts from the patches just written.
		p, err := prepare(ctx, &Options{Change: change, Cache: opt.Cache, Progress: opt.Progress}, now)
		if err != nil {
			return fmt.Errorf("refresh %s: apply the new patch files: %w", w.name(), err)
		}
		if err := t.borrow(p.source.GitDir()); err != nil {
			return fmt.Errorf("refresh %s: %w", w.name(), err)
		}
		if p.below == t.BaseCommit {
			t.origin = p.tip
			list, err := commits(ctx, t.repo, p.below, p.tip)
			if err != nil {
				return fmt.Errorf("refresh %s: %w", w.name(), err)
			}
			if err := t.noteFiles(ctx, now, list); err != nil {
				return fmt.Errorf("refresh %s: %w", w.name(), err)
			}
		}
	}
	for name, value := range map[string]string{"origin": t.origin, "originbase": t.originBase} {
		if err := t.repo.Run(ctx, "config", "--local", "xpsgen."+name, value); err != nil {
			return fmt.Errorf("refresh %s: %w", w.name(), err)
		}
	}
	return t.save(ctx)
}
