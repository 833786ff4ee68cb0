// SPDX-License-Identifier: GPL-2.0-only OR MIT

package export

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"xpsgen/gen/series"
	"xpsgen/gen/series/check"
	"xpsgen/gen/series/mail"
	"xpsgen/vmtest/proc"
	"xpsgen/vmtest/tree"
)

// git runs git on a repository of the cache, without the configuration of user and system.
func git(ctx context.Context, gitDir string, args ...string) (string, error) {
	c := &proc.Cmd{
		Args: append([]string{"git", "--git-dir=" + gitDir, "-c", "safe.directory=*", "-c", "core.abbrev=12"}, args...),
		Env:  append(os.Environ(), "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null"),
	}
	out, err := c.Output(ctx)
	return string(out), err
}

// Diffstat returns the diffstat of the whole series, as git format-patch puts it into a
// cover letter.
func Diffstat(ctx context.Context, t *check.Thread) (string, error) {
	out, err := git(ctx, t.GitDir, "diff", "--stat=72", "--summary", "--no-renames", t.BaseCommit, t.Head())
	if err != nil {
		return "", fmt.Errorf("make the diffstat of %s: %w", t.Base, err)
	}
	return out, nil
}

// RangeDiff returns the git range-diff of a series against the last sent version; "" if
// none was sent. If that version does not apply to the current base, it returns a note. opt
// opens the base.
func RangeDiff(ctx context.Context, s *series.Series, t *check.Thread, opt tree.Options) (string, error) {
	var last *series.Posting
	for _, p := range s.Sent {
		if p.Version < s.Version {
			last = p
		}
	}
	if last == nil {
		return "", nil
	}
	if err := last.Verify(); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "xpsgen-sent-")
	if err != nil {
		return "", fmt.Errorf("range-diff of %s: %w", t.Base, err)
	}
	defer os.RemoveAll(dir)
	now := s.Base(t.Base)
	if now == nil {
		return "", fmt.Errorf("range-diff of %s: %w", t.Base, series.ErrNoBase)
	}
	sent, err := last.Unsigned(dir, now)
	if err != nil {
		return "", err
	}
	// Apply the sent patches on the current base of the series.
	opt.Project, opt.Base, opt.Patches = s.In, t.Base, append(s.In.Foundation(t.Base, s.Key), sent...)
	src, err := tree.Open(ctx, opt)
	if err != nil {
		return "", err
	}
	head, err := src.Commit(ctx)
	var aerr *tree.ApplyError
	if errors.As(err, &aerr) {
		return fmt.Sprintf("(v%d is based on another base, and does not apply to this one)", last.Version), nil
	}
	if err != nil {
		return "", err
	}
	out, err := git(ctx, t.GitDir, "range-diff", "--no-color", fmt.Sprintf("%s~%d..%s", head, len(sent), head), t.BaseCommit+".."+t.Head())
	if err != nil {
		return "", fmt.Errorf("range-diff of %s: %w", t.Base, err)
	}
	return out, nil
}

// ErrIdentity: git's configuration has no person who can sign off.
var ErrIdentity = errors.New("no identity to sign off with")

// Identity returns the person in git's configuration, as seen from the directory dir.
func Identity(ctx context.Context, dir string) (mail.Address, error) {
	get := func(key string) string {
		c := &proc.Cmd{Args: []string{"git", "config", "--get", key}, Dir: dir}
		out, err := c.Output(ctx)
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(out))
	}
	a := mail.Address{Name: get("user.name"), Email: get("user.email")}
	switch {
	case ctx.Err() != nil:
		return a, context.Cause(ctx)
	case a.Name == "" || a.Email == "":
		return a, fmt.Errorf("%w: set user.name and user.email with git config", ErrIdentity)
	case check.Placeholder(a.Email):
		return a, fmt.Errorf("%w: %s is a placeholder address", ErrIdentity, a.Email)
	case !strings.Contains(a.Name, " "):
		return a, fmt.Errorf("%w: %q is not a full name; a sign-off needs a known identity", ErrIdentity, a.Name)
	}
	return a, nil
}
