// SPDX-License-Identifier: GPL-2.0-only OR MIT

package worktree

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"xpsgen/gen/series"
	"xpsgen/vmtest/git"
	"xpsgen/vmtest/lazyregexp"
	"xpsgen/vmtest/tree"
	"xpsgen/vmtest/tree/manifest"
)

// DiffOptions select the trees to compare. All fields except Progress are required.
type DiffOptions struct {
	// Options name change and cache; What and Dir are not used.
	Options
	// Series is the series of Change to compare.
	Series *series.Series
	// Old and New are each a base's name, or "vN" for a sent version.
	Old, New string
}

var versionName = lazyregexp.New(`^v([1-9]\d*)$`)

// Diff compares a series in two forms, patch by patch: on two bases, or in two
// versions.
func Diff(ctx context.Context, opt DiffOptions) (pairs []Pair, err error) {
	if err := os.MkdirAll(opt.Cache, 0o755); err != nil {
		return nil, fmt.Errorf("compare: %w", err)
	}
	dir, err := os.MkdirTemp(opt.Cache, ".diff-")
	if err != nil {
		return nil, fmt.Errorf("compare: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	t := &Tree{Dir: dir, repo: &git.Repo{Dir: dir}}
	if err := t.repo.Run(ctx, "init", "-q", "--template=", "."); err != nil {
		return nil, fmt.Errorf("compare: %w", err)
	}
	var forms [2][]*commit
	for i, name := range []string{opt.Old, opt.New} {
		if forms[i], err = t.form(ctx, &opt, name); err != nil {
			return nil, err
		}
	}
	return compare(ctx, t.repo, forms[0], forms[1])
}

// form brings one form of the series into the repository, and returns its commits.
func (t *Tree) form(ctx context.Context, opt *DiffOptions, name string) ([]*commit, error) {
	base, patches, err := resolveForm(opt.Series, name, filepath.Join(t.Dir, "sent-"+name))
	if err != nil {
		return nil, err
	}
	below := opt.Series.In.Foundation(base, opt.Series.Key)
	p, err := apply(ctx, tree.Options{Project: opt.Series.In, Base: base, Patches: append(below, patches...),
		Cache: opt.Cache, Progress: opt.Progress}, len(patches))
	if err != nil {
		return nil, err
	}
	if err := t.borrow(p.source.GitDir()); err != nil {
		return nil, fmt.Errorf("compare: %w", err)
	}
	list, err := commits(ctx, t.repo, p.below, p.tip)
	if err != nil {
		return nil, err
	}
	if len(list) != len(patches) {
		return nil, fmt.Errorf("compare %s: %d patches applied as %d commits", name, len(patches), len(list))
	}
	for i, c := range list {
		c.keys = []string{patches[i].Key}
	}
	return list, nil
}

// ErrNoForm: the series has no base and no sent version of this name.
var ErrNoForm = errors.New("no such base or version")

// resolveForm finds the patches of a base or of a sent version, and their base. It may
// write the patch files of a sent version to dir.
func resolveForm(s *series.Series, name, dir string) (base string, patches []manifest.Patch, err error) {
	if b := s.Base(name); b != nil {
		return b.Name, s.Manifest.On(b.Name).Patches, nil
	}
	match := versionName.FindStringSubmatch(name)
	if match == nil {
		return "", nil, fmt.Errorf("compare: %w: %s has no %q (it has %s)", ErrNoForm, s.Key, name, strings.Join(forms(s), ", "))
	}
	n, _ := strconv.Atoi(match[1])
	i := slices.IndexFunc(s.Sent, func(p *series.Posting) bool { return p.Version == n })
	if i < 0 {
		return "", nil, fmt.Errorf("compare: %w: %s has not sent %s (it has %s)", ErrNoForm, s.Key, name, strings.Join(forms(s), ", "))
	}
	posting := s.Sent[i]
	if err := posting.Verify(); err != nil {
		return "", nil, err
	}
	b := s.Base(posting.Base)
	if b == nil {
		return "", nil, fmt.Errorf("compare: %w: %s of %s is for base %q, which no longer exists", ErrNoForm, name, s.Key, posting.Base)
	}
	patches, err = posting.Unsigned(dir, b)
	return posting.Base, patches, err
}

// forms returns the names of the forms that a series has.
func forms(s *series.Series) (names []string) {
	for _, b := range s.Bases {
		names = append(names, b.Name)
	}
	for _, p := range s.Sent {
		names = append(names, fmt.Sprintf("v%d", p.Version))
	}
	return names
}
