// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/git"
)

// copyTree copies the module in root to root/out/_defects and returns that directory.
// The place is always the same, so that the go command reuses its cache. The underscore
// hides an incomplete copy, without go.mod, from "go list ./..." in root.
// The lock keeps a second run away until the caller releases it.
func copyTree(ctx context.Context, root string) (dir string, lock *cache.Lock, err error) {
	out := filepath.Join(root, "out")
	if err := os.MkdirAll(out, 0o755); err != nil {
		return "", nil, err
	}
	if lock, err = cache.Acquire(ctx, filepath.Join(out, "defects.lock"), "the copy of the source", nil); err != nil {
		return "", nil, err
	}
	dir = filepath.Join(out, "_defects")
	err = os.RemoveAll(dir)
	if err == nil {
		err = copyFiles(root, dir)
	}
	// Some tests need a git repository with a commit.
	repo := &git.Repo{Dir: dir}
	for _, args := range [][]string{{"init", "-q"}, {"add", "-A"}, {"commit", "-q", "-m", "copy"}} {
		if err == nil {
			err = repo.Run(ctx, args...)
		}
	}
	if err != nil {
		lock.Release()
		return "", nil, err
	}
	return dir, lock, nil
}

// copyFiles copies all files except build products.
func copyFiles(root, dir string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, name)
		switch {
		case name == ".git" || name == "out" || name == "bin":
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return os.MkdirAll(to, 0o755)
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			return errors.Join(err, os.Symlink(target, to))
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, text, info.Mode().Perm())
	})
}
