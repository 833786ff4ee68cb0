// SPDX-License-Identifier: GPL-2.0-only OR MIT

package worktree

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"xpsgen/gen/series"
	"xpsgen/vmtest/git"
	"xpsgen/vmtest/tree"
	"xpsgen/vmtest/tree/manifest"
)

// DiffOptions say what to compare. All but Progress are required.
type DiffOptions struct {
	// Options name change and cache; Base and Dir are not used.
	Options
	// Series is the one of Change's that is compared.
	Series *series.Series
	// Old and New are each a base's name, or "vN" for a version as it was
	// sent.
	Old, New string
}

var versionName = regexp.MustCompile(`^v([1-9]\d*)$`)

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

// form brings one form of the series into the repository.
func (t *Tree) form(ctx context.Context, opt *DiffOptions, name string) ([]*commit, error) {
	m, base, keys, err := resolveForm(opt.Series, name, filepath.Join(t.Dir, "sent-"+name))
	if err != nil {
		return nil, err
	}
	src, err := tree.Open(ctx, tree.Options{Series: m, Base: base, Cache: opt.Cache, Progress: opt.Progress})
	if err != nil {
		return nil, err
	}
	tip, err := src.Commit(ctx)
	if err != nil {
		return nil, err
	}
	if err := t.borrow(src.GitDir()); err != nil {
		return nil, fmt.Errorf("compare: %w", err)
	}
	list, err := commits(ctx, t.repo, src.BaseCommit, tip)
	if err != nil {
		return nil, err
	}
	if len(list) != len(keys) {
		return nil, fmt.Errorf("compare %s: %d patches made %d commits", name, len(keys), len(list))
	}
	for i, c := range list {
		c.keys = []string{keys[i]}
	}
	return list, nil
}

// ErrNoForm is wrapped where a series has no base or version of a name.
var ErrNoForm = errors.New("no such base or version")

// resolveForm finds the patches that a name means, as a manifest that has
// them on one base. In dir may be written what they are made of.
func resolveForm(s *series.Series, name, dir string) (m *manifest.Series, base string, keys []string, err error) {
	if b := s.Base(name); b != nil {
		for _, p := range b.Patches {
			keys = append(keys, p.Key)
		}
		return s.Manifest, b.Name, keys, nil
	}
	match := versionName.FindStringSubmatch(name)
	if match == nil {
		return nil, "", nil, fmt.Errorf("compare: %w: %q", ErrNoForm, name)
	}
	n, _ := strconv.Atoi(match[1])
	i := slices.IndexFunc(s.Sent, func(p *series.Posting) bool { return p.Version == n })
	if i < 0 {
		return nil, "", nil, fmt.Errorf("compare: %w: %s has not sent %s", ErrNoForm, s.Project, name)
	}
	posting := s.Sent[i]
	if err := posting.Verify(); err != nil {
		return nil, "", nil, err
	}
	b := s.Base(posting.Base)
	if b == nil {
		return nil, "", nil, fmt.Errorf("compare: %w: %s was made on base %q, which is gone", ErrNoForm, name, posting.Base)
	}
	list, err := posting.Unsigned(dir, b)
	if err != nil {
		return nil, "", nil, err
	}
	for _, p := range list {
		keys = append(keys, p.Key)
	}
	as := *s.Manifest
	as.Bases = slices.Clone(as.Bases)
	for i := range as.Bases {
		if as.Bases[i].Name == posting.Base {
			as.Bases[i].Patches = list
		}
	}
	return &as, posting.Base, keys, nil
}
