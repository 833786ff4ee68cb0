// SPDX-License-Identifier: GPL-2.0-only OR MIT

package export

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"xpsgen/gen/series/check"
	"xpsgen/gen/series/mail"
	gitrepo "xpsgen/vmtest/git"
)

// ErrNoPublicBase is wrapped if a repository has no public commit that a series applies
// to.
var ErrNoPublicBase = errors.New("no public base commit")

// Limits of the search: commits of remote branches and tags, and commits in their
// history that change a file of the series.
const (
	maxTips    = 1000
	maxHistory = 2000
)

// PublicBase finds the newest public commit in a clone that the series applies to: the
// files that the series changes are the same as in its base. Public means that a remote
// branch or a tag contains the commit. dir is the user's clone; it is not changed.
func PublicBase(ctx context.Context, t *check.Thread, dir string) (commit string, err error) {
	fail := func(err error) (string, error) {
		return "", fmt.Errorf("find the base of %s in %s: %w", t.Base, dir, err)
	}
	want, err := preimages(ctx, t)
	if err != nil {
		return fail(err)
	}
	repo := &gitrepo.Repo{Dir: dir}
	refs := []string{"refs/remotes", "refs/tags"}
	out, err := repo.Output(ctx, append([]string{"for-each-ref", "--sort=-creatordate", fmt.Sprintf("--count=%d", maxTips),
		"--format=%(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)"}, refs...)...)
	if err != nil {
		return fail(err)
	}
	tips := strings.Fields(out)
	if len(tips) == 0 {
		return fail(fmt.Errorf("%w: %s has neither remote branches nor tags; fetch first", ErrNoPublicBase, dir))
	}
	if commit, err = firstWith(ctx, repo, tips, want); err != nil || commit != "" {
		return commit, err
	}
	// Also look at the parents: between two commits that change the files, the
	// newest commit with the older files is a parent of the newer one.
	args := []string{"log", "--format=%P %H", fmt.Sprintf("--max-count=%d", maxHistory), "--remotes", "--tags", "--"}
	for _, p := range want {
		args = append(args, ":(literal)"+p.path)
	}
	if out, err = repo.Output(ctx, args...); err != nil {
		return fail(err)
	}
	if commit, err = firstWith(ctx, repo, strings.Fields(out), want); err != nil {
		return fail(err)
	}
	if commit == "" {
		return fail(fmt.Errorf("%w: no commit has the base's version of all %d files of the series", ErrNoPublicBase, len(want)))
	}
	return commit, nil
}

// preimage is a file in the base of a series. Without an id, the base does not have it.
type preimage struct{ path, id string }

// preimages are the base's versions of the files that are changed by a series, or by
// the series that it depends on.
func preimages(ctx context.Context, t *check.Thread) (list []preimage, err error) {
	repo, base := &gitrepo.Repo{Dir: t.GitDir}, t.BaseCommit
	if len(t.Stands) > 0 {
		// A base that is not a commit of a public tree was imported as the root commit.
		if base, err = repo.Output(ctx, "rev-list", "--max-parents=0", t.Head()); err != nil {
			return nil, err
		}
	}
	out, err := repo.Output(ctx, "diff", "--raw", "-z", "--no-renames", "--no-abbrev", base, t.Head())
	if err != nil {
		return nil, err
	}
	fields := strings.Split(strings.TrimSuffix(out, "\x00"), "\x00")
	for i := 0; i+1 < len(fields); i += 2 {
		// ":100644 100644 OLD NEW M"
		f := strings.Fields(fields[i])
		if len(f) != 5 {
			return nil, fmt.Errorf("git diff --raw: %q", fields[i])
		}
		p := preimage{path: fields[i+1], id: f[2]}
		if strings.Trim(p.id, "0") == "" {
			p.id = ""
		}
		list = append(list, p)
	}
	return list, nil
}

// firstWith returns the first commit that has all files; "" if none has.
func firstWith(ctx context.Context, repo *gitrepo.Repo, commits []string, want []preimage) (string, error) {
	for _, c := range commits {
		has, err := holds(ctx, repo, c, want)
		if err != nil {
			return "", err
		}
		if !has {
			continue
		}
		// A commit of the workbench is not public, even with a tag.
		who, err := repo.Output(ctx, "log", "-1", "--format=%ce", c)
		if err != nil {
			return "", err
		}
		if !mail.Placeholder(who) {
			return c, nil
		}
	}
	return "", nil
}

// holds reports whether a commit has all files. It reads only trees, which a clone
// without blobs also has.
func holds(ctx context.Context, repo *gitrepo.Repo, commit string, want []preimage) (bool, error) {
	args := []string{"ls-tree", "-z", "--full-tree", commit, "--"}
	for _, p := range want {
		args = append(args, p.path)
	}
	out, err := repo.Output(ctx, args...)
	if err != nil {
		return false, err
	}
	ids := map[string]string{}
	for _, entry := range strings.Split(strings.TrimSuffix(out, "\x00"), "\x00") {
		// "100644 blob ID\tPATH"
		if info, path, ok := strings.Cut(entry, "\t"); ok {
			ids[path] = info[strings.LastIndexByte(info, ' ')+1:]
		}
	}
	for _, p := range want {
		if ids[p.path] != p.id {
			return false, nil
		}
	}
	return true, nil
}
