// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"xpsgen/gen/series/worktree"
	"xpsgen/gen/uapi"
)

// movedUAPI prints UAPI values that changed because a series was moved: the new base
// may use a number for another attribute. It compares the headers that the series
// touches.
func (env seriesCommands) movedUAPI(ctx context.Context, m *worktree.Moved) (err error) {
	paths, err := m.Touched(ctx, "include/uapi")
	if err != nil || len(paths) == 0 {
		return err
	}
	cache, err := env.checkedCache()
	if err != nil {
		return err
	}
	const arch = "amd64"
	dir, err := os.MkdirTemp("", "xpsgen-headers-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := m.OldHeaders(ctx, dir); err != nil {
		return err
	}
	old, err := uapi.Open(ctx, uapi.SourceOptions{Tree: dir, Arch: arch})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, old.Close()) }()
	step := env.ui.Progress().Step("make headers of "+relative(m.Tree.Dir), "")
	now, err := uapi.Open(ctx, uapi.SourceOptions{Tree: m.Tree.Dir, Arch: arch, CacheDir: filepath.Join(cache, "headers")})
	step(&err)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, now.Close()) }()
	before, err := snapshotOf(ctx, old, m.Tree.Base, paths)
	if err != nil {
		return err
	}
	after, err := snapshotOf(ctx, now, relative(m.Tree.Dir), paths)
	if err != nil {
		return err
	}
	return env.printMovedUAPI(uapi.Diff(before, after), paths)
}

// snapshotOf takes a snapshot of the headers that exist in the tree.
func snapshotOf(ctx context.Context, src *uapi.Source, name string, paths []string) (*uapi.Snapshot, error) {
	var have []string
	for _, p := range paths {
		if src.Has(p) {
			have = append(have, p)
		}
	}
	headers, _, err := uapi.Survey(ctx, uapi.SurveyOptions{Include: src.Dirs, Arch: "amd64", Paths: have})
	if err != nil {
		return nil, err
	}
	return uapi.TakeSnapshot(name, headers), nil
}

// printMovedUAPI prints changed and removed values, which break users of the old
// headers.
func (env seriesCommands) printMovedUAPI(d *uapi.Difference, paths []string) error {
	only := &uapi.Difference{Old: d.Old, New: d.New, Changed: d.Changed, Removed: d.Removed}
	if len(only.Changed)+len(only.Removed) == 0 {
		env.ui.Printf("uapi: no value changed in %s", strings.Join(paths, ", "))
		return nil
	}
	if _, err := fmt.Fprintln(env.stdout, "uapi: changes that break programs built with the old headers:"); err != nil {
		return fmt.Errorf("print the difference: %w", err)
	}
	if err := only.WriteText(env.stdout); err != nil {
		return fmt.Errorf("print the difference: %w", err)
	}
	env.ui.Important(fmt.Sprintf("note  UAPI values that differ from %[2]s: %[1]d, removed: %[3]d; run make uapi",
		len(only.Changed), only.Old, len(only.Removed)))
	return nil
}
