// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"xpsgen/vmtest/proc"
)

// repo is a git repository of the cache with a working tree for the checks. Scripts of
// the tree run in that working tree, and need a repository there.
type repo struct {
	// gitDir holds the base and the series applied to it.
	gitDir string
	// src is the working tree, at the commit head.
	src  string
	head string
}

// plainEnv returns the environment without variables that change the locale, git or make.
func plainEnv(more ...string) []string {
	var env []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if name == "LANGUAGE" || name == "LANG" || strings.HasPrefix(name, "LC_") ||
			strings.HasPrefix(name, "GIT_") || strings.HasPrefix(name, "KBUILD_") ||
			strings.HasPrefix(name, "MAKE") || name == "ARCH" || name == "CROSS_COMPILE" {
			continue
		}
		env = append(env, kv)
	}
	return append(append(env, "LC_ALL=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0"), more...)
}

func (r *repo) git(ctx context.Context, args ...string) (string, error) {
	c := &proc.Cmd{
		Args: append([]string{"git", "--git-dir=" + r.gitDir, "-c", "safe.directory=*"}, args...),
		Env:  plainEnv(),
	}
	out, err := c.Output(ctx)
	return strings.TrimSuffix(string(out), "\n"), err
}

// show returns a file as of a commit; ok is false if the file does not exist.
func (r *repo) show(ctx context.Context, commit, name string) (text string, ok bool, err error) {
	out, err := r.git(ctx, "show", commit+":"+name)
	if err == nil {
		return out + "\n", true, nil
	}
	var perr *proc.Error
	if errors.As(err, &perr) && perr.ExitCode == 128 && ctx.Err() == nil {
		return "", false, nil
	}
	return "", false, err
}

// at checks out a commit in the working tree. It writes only files that differ. Untracked
// files stay, see [repo.clean].
func (r *repo) at(ctx context.Context, commit string) error {
	if r.head == commit {
		return nil
	}
	r.head = ""
	// The working tree borrows objects from the base's repository. Another repository
	// may have this name by now.
	borrowed, err := os.ReadFile(filepath.Join(r.src, ".git", "objects", "info", "alternates"))
	if err != nil || strings.TrimSpace(string(borrowed)) != filepath.Join(r.gitDir, "objects") {
		if err := os.RemoveAll(r.src); err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(r.src), 0o755); err != nil {
			return err
		}
		if err := r.in(ctx, "", "clone", "-q", "--shared", "--no-checkout", r.gitDir, r.src); err != nil {
			return fmt.Errorf("make a working tree: %w", err)
		}
	}
	// This process holds the lock, so the file is from a killed run.
	if err := os.Remove(filepath.Join(r.src, ".git", "index.lock")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := r.in(ctx, r.src, "checkout", "-q", "--force", "--detach", commit); err != nil {
		return fmt.Errorf("check out %.12s: %w", commit, err)
	}
	r.head = commit
	return nil
}

// clean removes changes that a script made in the working tree.
func (r *repo) clean(ctx context.Context) error {
	if err := r.in(ctx, r.src, "reset", "-q", "--hard"); err != nil {
		return err
	}
	return r.in(ctx, r.src, "clean", "-fdxq")
}

func (r *repo) in(ctx context.Context, dir string, args ...string) error {
	_, err := r.inOutput(ctx, dir, args...)
	return err
}

func (r *repo) inOutput(ctx context.Context, dir string, args ...string) (string, error) {
	line := []string{"git", "-c", "safe.directory=*", "-c", "advice.detachedHead=false", "-c", "gc.auto=0",
		"-c", "core.trustctime=false", "-c", "core.checkStat=minimal", "-c", "core.autocrlf=false"}
	c := &proc.Cmd{Args: append(line, args...), Dir: dir, Env: plainEnv()}
	out, err := c.Output(ctx)
	return strings.TrimSuffix(string(out), "\n"), err
}
