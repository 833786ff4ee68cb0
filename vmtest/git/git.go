// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package git runs git on a repository so that the result depends only on its input, not
// on the user's configuration.
package git

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"xpsgen/vmtest/proc"
)

// Email is the placeholder author of commits and patches without a real author.
const Email = "xpsgen@workbench.invalid"

// The name and time of such commits.
const (
	identName = "xpsgen"
	identDate = "1795348800 +0000" // 2026-11-22 12:00:00 UTC
)

// pinned is added to every command. It makes diffs independent of the repository's
// configuration.
var pinned = []string{
	"color.ui=false",
	"core.hooksPath=/dev/null",
	"core.attributesFile=/dev/null",
	"core.quotePath=true",
	"core.pager=cat",
	"core.editor=true",
	"commit.gpgSign=false",
	"diff.algorithm=myers",
	"diff.context=3",
	"diff.interHunkContext=0",
	"diff.noprefix=false",
	"diff.mnemonicPrefix=false",
	"diff.renames=true",
	"diff.indentHeuristic=true",
	"diff.suppressBlankEmpty=false",
	"diff.colorMoved=no",
	"diff.orderFile=/dev/null",
	"rebase.updateRefs=false",
	"rebase.autoSquash=false",
	"rebase.autoStash=false",
	"rerere.autoUpdate=false",
	"advice.detachedHead=false",
	"advice.skippedCherryPicks=false",
	"gc.auto=0",
	"maintenance.auto=false",
	"safe.directory=*",
}

// Repo is a repository: a working tree, or a bare one.
type Repo struct {
	// Dir is the directory of the working tree or of the bare repository.
	Dir string
}

// Cmd returns git with args, for callers that need more than its output.
func (r *Repo) Cmd(args ...string) *proc.Cmd {
	line := []string{"git"}
	for _, c := range pinned {
		line = append(line, "-c", c)
	}
	env := append(CleanEnv(),
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME="+identName, "GIT_AUTHOR_EMAIL="+Email, "GIT_AUTHOR_DATE="+identDate,
		"GIT_COMMITTER_NAME="+identName, "GIT_COMMITTER_EMAIL="+Email, "GIT_COMMITTER_DATE="+identDate,
		"GIT_EDITOR=true", "GIT_SEQUENCE_EDITOR=true",
	)
	return &proc.Cmd{Args: append(line, args...), Dir: r.Dir, Env: env}
}

// Output runs git and returns its output without the final newline.
func (r *Repo) Output(ctx context.Context, args ...string) (string, error) {
	out, err := r.Cmd(args...).Output(ctx)
	return strings.TrimSuffix(string(out), "\n"), err
}

// Run runs git and discards its output.
func (r *Repo) Run(ctx context.Context, args ...string) error {
	_, err := r.Output(ctx, args...)
	return err
}

// Input runs git with stdin and returns its output.
func (r *Repo) Input(ctx context.Context, stdin io.Reader, args ...string) (string, error) {
	c := r.Cmd(args...)
	c.Stdin = stdin
	out, err := c.Output(ctx)
	return strings.TrimSuffix(string(out), "\n"), err
}

// Lines returns the output as a slice of lines; nil if there is none.
func (r *Repo) Lines(ctx context.Context, args ...string) ([]string, error) {
	out, err := r.Output(ctx, args...)
	if err != nil || out == "" {
		return nil, err
	}
	return strings.Split(out, "\n"), nil
}

// Identity returns the user's identity in this repository as "Name <address>", from the
// user's own configuration. It is "" if git knows none.
func (r *Repo) Identity(ctx context.Context) (string, error) {
	c := &proc.Cmd{
		Args: []string{"git", "-c", "user.useConfigOnly=true", "var", "GIT_AUTHOR_IDENT"},
		Dir:  r.Dir, Env: append(CleanEnv(), identity()...),
	}
	out, err := c.Output(ctx)
	if ExitCode(err) > 0 {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	who, _, _ := strings.Cut(string(out), ">")
	return who + ">", nil
}

// identity returns the environment variables that name the user.
func identity() []string {
	var env []string
	for _, kv := range os.Environ() {
		if strings.HasPrefix(kv, "GIT_AUTHOR_NAME=") || strings.HasPrefix(kv, "GIT_AUTHOR_EMAIL=") ||
			strings.HasPrefix(kv, "GIT_CONFIG_GLOBAL=") || strings.HasPrefix(kv, "GIT_CONFIG_NOSYSTEM=") {
			env = append(env, kv)
		}
	}
	return env
}

// ExitCode returns the exit status of git. It is 0 if err is nil, and -1 if git did not
// run or was killed.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	var perr *proc.Error
	if errors.As(err, &perr) {
		return perr.ExitCode
	}
	return -1
}

// CleanEnv returns the environment without the variables that direct git, which a git
// hook sets. Messages are in English.
func CleanEnv() []string {
	var env []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		switch {
		case name == "LANGUAGE" || strings.HasPrefix(name, "LC_") || name == "LANG":
		case strings.HasPrefix(name, "GIT_") && name != "GIT_SSL_CAINFO" && name != "GIT_PROXY_COMMAND":
		default:
			env = append(env, kv)
		}
	}
	return append(env, "LC_ALL=C", "GIT_TERMINAL_PROMPT=0")
}

// IsCommit reports whether s is a full object name as git prints it.
func IsCommit(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}
