// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/proc"
)

// snapshot takes the user's directory, with all local changes,
// as a commit into a repository of the cache. The directory is only read: git
// gets its own repository and index, and of a checkout borrows the
// objects.
func snapshot(ctx context.Context, opt *Options) (got *obtained, err error) {
	dir, err := filepath.Abs(opt.Dir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrObtain, err)
	}
	if err := opt.Project.CheckDir(dir); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrObtain, err)
	}
	step := "read " + dir
	sum := sha256.Sum256([]byte(dir))
	name := fmt.Sprintf("%s-dir-%x", opt.Project.Name, sum[:6])
	got = &obtained{Dir: name, dir: filepath.Join(opt.Cache, "base", name), Origin: dir}
	lock, err := cache.Acquire(ctx, filepath.Join(opt.Cache, "lock", "base-"+name), step, opt.Progress)
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	defer opt.Progress.Step(step, "")(&err)
	g, top, err := snapshotRepo(ctx, got.dir, dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	err = addAll(ctx, g, top)
	if err == nil && top {
		err = addIgnored(ctx, g, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	tree, err := g.output(ctx, "write-tree")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	if got.Commit, err = g.input(ctx, strings.NewReader("source directory\n"), "commit-tree", tree); err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	if err := g.run(ctx, "update-ref", "refs/heads/base", got.Commit); err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	got.Version = opt.Project.VersionIn(dir)
	return got, nil
}

// snapshotRepo makes or opens the repository in base for the directory dir.
// top reports whether dir is the top of a git checkout of the user's.
func snapshotRepo(ctx context.Context, base, dir string) (g *git, top bool, err error) {
	g = &git{dir: filepath.Join(base, "git"), work: dir, index: filepath.Join(base, "index")}
	if err := os.Remove(g.index + ".lock"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, false, err
	}
	if _, err := os.Stat(filepath.Join(base, "git", "HEAD")); err != nil {
		err := cache.Publish(base, func(tmp string) error {
			_, err := initBare(ctx, filepath.Join(tmp, "git"))
			return err
		})
		if err != nil {
			return nil, false, err
		}
	}
	// NB: asked in the directory and without --git-dir, so that it is the
	// user's own repository that answers.
	user := &git{}
	c := user.cmd("rev-parse", "--show-prefix", "--git-path", "objects", "--git-path", "index")
	c.Dir = dir
	out, err := c.Output(ctx)
	var perr *proc.Error
	if errors.As(err, &perr) && perr.ExitCode == 128 {
		return g, false, nil // no checkout
	}
	if err != nil {
		return nil, false, err
	}
	lines := strings.Split(string(out), "\n")
	if len(lines) < 3 || lines[0] != "" {
		return g, false, nil // a directory within some other checkout
	}
	abs := func(p string) string {
		if filepath.IsAbs(p) {
			return p
		}
		return filepath.Join(dir, p)
	}
	alternates := filepath.Join(g.dir, "objects", "info", "alternates")
	if err := cache.WriteFile(alternates, []byte(abs(lines[1])+"\n"), 0o644); err != nil {
		return nil, false, err
	}
	// The user's index knows which files are unchanged; without it all would
	// have to be read.
	if _, err := os.Stat(g.index); err != nil {
		if err := copyIndex(abs(lines[2]), g.index); err != nil {
			return nil, false, err
		}
	}
	return g, true, nil
}

// copyIndex copies an index, and the other files of a split index. An index
// that cannot be read is none: then all files are read.
func copyIndex(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return nil
	}
	shared, err := filepath.Glob(filepath.Join(filepath.Dir(from), "sharedindex.*"))
	if err != nil {
		return err
	}
	for _, name := range shared {
		part, err := os.ReadFile(name)
		if err != nil {
			return nil
		}
		if err := cache.WriteFile(filepath.Join(filepath.Dir(to), filepath.Base(name)), part, 0o644); err != nil {
			return err
		}
	}
	return cache.WriteFile(to, data, 0o644)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// buildProducts are what a build within the source directory leaves. They are
// not source, and a kernel does not build if they are in its tree.
var buildProducts = []string{
	"**/*.o", "**/*.a", "**/*.ko", "**/*.cmd", "**/*.mod", "**/*.order", ".config", ".config.old",
	"include/config/**", "include/generated/**", "arch/*/include/generated/**", "vmlinux", "System.map",
}

// addAll updates the index from the directory.
func addAll(ctx context.Context, g *git, checkout bool) error {
	args := []string{"add", "--all"}
	if !checkout {
		// Files of a tarball are source, even if .gitignore ignores them.
		args = append(args, "--force", "--", ".")
		for _, pattern := range buildProducts {
			args = append(args, ":(exclude,glob)"+pattern)
		}
	}
	return g.run(ctx, args...)
}
