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

// repo is a git repository of the cache and the working tree that the checks
// have of it. Scripts of the tree run in that working tree, and expect a
// repository there.
type repo struct {
	// gitDir holds the base and the series applied to it.
	gitDir string
	// src is the working tree, at the commit head.
	src  string
	head string
}

// plainEnv is the environment without what steers git or Python from outside.
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

// show is a file at a commit; ok is false if it is not there.
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

// at puts the working tree to a commit. Only files that differ are written,
// and what scripts left there goes.
func (r *repo) at(ctx context.Context, commit string) error {
	if r.head == commit {
		return nil
	}
	r.head = ""
	// The objects are the base's, and another base may have come under its
	// name since.
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
	// We hold the lock, so this is what a killed run left.
	if err := os.Remove(filepath.Join(r.src, ".git", "index.lock")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := r.in(ctx, r.src, "checkout", "-q", "--force", "--detach", commit); err != nil {
		return fmt.Errorf("check out %.12s: %w", commit, err)
	}
	r.head = commit
	return nil
}

// clean throws away what a script changed or left in the working tree.
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
