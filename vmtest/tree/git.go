// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	gitenv "xpsgen/vmtest/git"
	"xpsgen/vmtest/proc"
)

// The author and time of commits, unless a patch names them. They are constant,
// so that a commit depends only on its content.
const (
	identName  = "xpsgen"
	identEmail = "xpsgen@workbench.invalid"
	identDate  = "1795348800 +0000" // 2026-11-22 12:00:00 UTC
)

// git runs git on one repository of the cache, without the user's
// configuration. So the result depends only on the input.
type git struct {
	// dir is the git directory; empty for commands that need none.
	dir string
	// index is the index file; empty means the repository's own.
	index string
	// work is the working tree; empty means none.
	work string
	// files are inherited by git.
	files []*os.File
}

// fixedConfig is given with every command, so that no file has to be trusted
// to hold it. Objects stay uncompressed: a kernel is imported in half the time.
var fixedConfig = []string{
	"core.compression=0",
	"core.autocrlf=false",
	"core.eol=lf",
	"core.safecrlf=false",
	"core.fileMode=true",
	"core.symlinks=true",
	"core.ignoreCase=false",
	"core.hooksPath=/dev/null",
	"core.attributesFile=/dev/null",
	"core.excludesFile=/dev/null",
	"core.whitespace=blank-at-eol,blank-at-eof,space-before-tab",
	// A cache that was copied from another machine keeps only the modification
	// times.
	"core.trustctime=false",
	"core.checkStat=minimal",
	"gc.auto=0",
	"maintenance.auto=false",
	"index.threads=true",
	"advice.detachedHead=false",
	"safe.directory=*",
	"protocol.file.allow=always",
}

func (g *git) cmd(args ...string) *proc.Cmd {
	line := []string{"git"}
	if g.dir != "" {
		line = append(line, "--git-dir="+g.dir)
	}
	if g.work != "" {
		line = append(line, "--work-tree="+g.work)
	}
	for _, c := range fixedConfig {
		line = append(line, "-c", c)
	}
	c := &proc.Cmd{Args: append(line, args...), Env: g.env(), Files: g.files}
	if g.work != "" {
		c.Dir = g.work
	}
	return c
}

func (g *git) env() []string {
	env := cleanEnv()
	env = append(env,
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME="+identName, "GIT_AUTHOR_EMAIL="+identEmail, "GIT_AUTHOR_DATE="+identDate,
		"GIT_COMMITTER_NAME="+identName, "GIT_COMMITTER_EMAIL="+identEmail, "GIT_COMMITTER_DATE="+identDate,
	)
	if g.index != "" {
		env = append(env, "GIT_INDEX_FILE="+g.index)
	}
	return env
}

// cleanEnv is the environment without variables that change git's behaviour, and with
// messages in one language.
func cleanEnv() []string { return gitenv.CleanEnv() }

// output runs git and returns its output, without the final newline.
func (g *git) output(ctx context.Context, args ...string) (string, error) {
	out, err := g.cmd(args...).Output(ctx)
	return strings.TrimSuffix(string(out), "\n"), err
}

// run runs git for its effect.
func (g *git) run(ctx context.Context, args ...string) error {
	_, err := g.output(ctx, args...)
	return err
}

// input runs git with an input and returns its output.
func (g *git) input(ctx context.Context, stdin io.Reader, args ...string) (string, error) {
	c := g.cmd(args...)
	c.Stdin = stdin
	out, err := c.Output(ctx)
	return strings.TrimSuffix(string(out), "\n"), err
}

// initBare makes an empty repository at dir.
func initBare(ctx context.Context, dir string) (*git, error) {
	g := &git{}
	if err := g.run(ctx, "init", "-q", "--bare", "--template=", "--initial-branch=base", dir); err != nil {
		return nil, fmt.Errorf("make repository %s: %w", dir, err)
	}
	return &git{dir: dir}, nil
}

// isObjectID reports whether s is a full object name as git prints it.
func isObjectID(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}
