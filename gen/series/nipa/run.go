// SPDX-License-Identifier: GPL-2.0-only OR MIT

package nipa

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"xpsgen/gen/series/check"
	"xpsgen/vmtest/proc"
)

// Runner runs NIPA's tests. Dir and Work are required.
type Runner struct {
	// Dir is the source of NIPA. Work is a directory for trees and results.
	Dir, Work string
}

// Result is the result of one test of NIPA.
type Result struct {
	// Test is the name: "patch/checkpatch". Patch counts from 1, 0 is the series.
	Test  string
	Patch int
	// Code is the exit code: 0 passed, 250 warning, anything else failed.
	Code check.Code
	// Desc is the test's description of the result, in one line.
	Desc string
}

// ErrSource says that a directory does not have the source of NIPA.
var ErrSource = errors.New("no source of NIPA (git clone https://github.com/linux-netdev/nipa)")

// Tests returns the names of all tests in the source.
func (r *Runner) Tests() (names []string, err error) {
	for _, kind := range []string{"patch", "series"} {
		found, err := filepath.Glob(filepath.Join(r.Dir, "tests", kind, "*", "info.json"))
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			names = append(names, kind+"/"+filepath.Base(filepath.Dir(f)))
		}
	}
	if _, err := os.Stat(filepath.Join(r.Dir, "ingest_mdir.py")); err != nil || len(names) == 0 {
		return nil, fmt.Errorf("%s: %w", r.Dir, ErrSource)
	}
	slices.Sort(names)
	return names, nil
}

// Run applies the mails in a directory to a commit of a thread's base, and runs tests on
// them. A test without a result is an error.
func (r *Runner) Run(ctx context.Context, t *check.Thread, commit, mails string, tests []string) (all []Result, err error) {
	fail := func(err error) ([]Result, error) { return nil, fmt.Errorf("run NIPA on %s: %w", t.Name(), err) }
	tree, err := r.tree(ctx, t, commit)
	if err != nil {
		return fail(err)
	}
	results, err := os.MkdirTemp(r.Work, "results-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(results)
	env, err := r.env()
	if err != nil {
		return fail(err)
	}
	var said strings.Builder
	c := &proc.Cmd{Dir: r.Dir, Env: env, Stdout: &said, Stderr: &said, Args: append([]string{"python3", "ingest_mdir.py", "--noninteractive",
		"--mdir", mails, "--tree", tree, "--tree-name", t.Target.Name, "--result-dir", results, "-t"}, tests...)}
	if err := c.Run(ctx); err != nil {
		return fail(fmt.Errorf("%w\n%s", err, lastLines(said.String(), 5)))
	}
	found, err := filepath.Glob(filepath.Join(results, "1", "*", "retcode"))
	if err != nil {
		return fail(err)
	}
	more, err := filepath.Glob(filepath.Join(results, "1", "*", "*", "retcode"))
	if err != nil {
		return fail(err)
	}
	for _, f := range append(found, more...) {
		one, err := readResult(f)
		if err != nil {
			return fail(err)
		}
		if slices.Contains(tests, one.Test) {
			all = append(all, one)
		}
	}
	for _, name := range tests {
		if !slices.ContainsFunc(all, func(r Result) bool { return r.Test == name }) {
			return fail(fmt.Errorf("%s has no result\n%s", name, lastLines(said.String(), 5)))
		}
	}
	return all, nil
}

// readResult reads the files that NIPA writes for a test: RESULTS/1/[PATCH/]TEST/{retcode,desc}.
func readResult(file string) (r Result, err error) {
	dir := filepath.Dir(file)
	r.Test = "series/" + filepath.Base(dir)
	if n, err := strconv.Atoi(filepath.Base(filepath.Dir(dir))); err == nil && filepath.Base(filepath.Dir(filepath.Dir(dir))) == "1" {
		r.Patch, r.Test = n, "patch/"+filepath.Base(dir)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return r, err
	}
	code, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return r, fmt.Errorf("%s: %w", file, err)
	}
	r.Code = check.Code(code)
	desc, err := os.ReadFile(filepath.Join(dir, "desc"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return r, err
	}
	r.Desc = strings.Join(strings.Fields(string(desc)), " ")
	return r, nil
}

// tree returns a clone of a thread's base at a commit, on a branch, as NIPA requires.
func (r *Runner) tree(ctx context.Context, t *check.Thread, commit string) (string, error) {
	dir := filepath.Join(r.Work, "tree-"+t.Project+"-"+t.Base)
	git := func(args ...string) error {
		c := &proc.Cmd{Args: append([]string{"git", "-C", dir, "-c", "safe.directory=*", "-c", "advice.detachedHead=false"}, args...), Env: gitEnv()}
		return c.Run(ctx)
	}
	if _, err := os.Stat(filepath.Join(dir, ".git", "HEAD")); err != nil {
		c := &proc.Cmd{Args: []string{"git", "-c", "safe.directory=*", "clone", "-q", "--shared", "--no-checkout", t.GitDir, dir}, Env: gitEnv()}
		if err := c.Run(ctx); err != nil {
			return "", err
		}
	}
	for _, args := range [][]string{{"config", "user.name", "NIPA"}, {"config", "user.email", "nipa@localhost"}, {"config", "gc.auto", "0"}} {
		if err := git(args...); err != nil {
			return "", err
		}
	}
	// An earlier run may have been interrupted while it applied a patch.
	for _, name := range []string{"index.lock", "rebase-apply"} {
		if err := os.RemoveAll(filepath.Join(dir, ".git", name)); err != nil {
			return "", err
		}
	}
	if err := git("checkout", "-q", "--force", "-B", "nipa", commit); err != nil {
		return "", err
	}
	return dir, git("clean", "-fdq")
}

// gitEnv is the environment without the user's configuration of git.
func gitEnv(more ...string) (env []string) {
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, "GIT_") && !strings.HasPrefix(name, "LC_") && name != "LANG" && name != "LANGUAGE" {
			env = append(env, kv)
		}
	}
	return append(append(env, "LC_ALL=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null"), more...)
}

// env returns the environment of NIPA's tests. The tests ask lore through lei which authors
// are active. The lei in this environment finds none and needs no network.
func (r *Runner) env() ([]string, error) {
	bin := filepath.Join(r.Work, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(bin, "lei"), []byte("#!/bin/sh\necho '[null]'\n"), 0o755); err != nil {
		return nil, err
	}
	return gitEnv("PATH=" + bin + ":" + os.Getenv("PATH")), nil
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
