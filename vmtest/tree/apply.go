// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/proc"
	"xpsgen/vmtest/progress"
)

// Commit applies the patches and returns the commit of the result. It is a
// pure function of base and patches; asking again costs nothing. The patches
// are applied in the index only: no working tree is touched, whether they
// apply or not.
//
// Returns an [*ApplyError] if one does not apply.
func (s *Source) Commit(ctx context.Context) (string, error) {
	commit, _, err := s.applied(ctx)
	return commit, err
}

// TreeID is the git tree of the patched source: two series that differ in
// their messages only have the same.
func (s *Source) TreeID(ctx context.Context) (string, error) {
	_, tree, err := s.applied(ctx)
	return tree, err
}

func (s *Source) applied(ctx context.Context) (commit, tree string, err error) {
	memo := filepath.Join(s.dir, "applied", s.key)
	if commit, tree, ok := readApplied(memo); ok {
		return commit, tree, nil
	}
	step := "apply patches to " + s.Name()
	lock, err := cache.Acquire(ctx, filepath.Join(s.dir, "apply.lock"), step, s.opt.Progress)
	if err != nil {
		return "", "", err
	}
	defer lock.Release()
	if commit, tree, ok := readApplied(memo); ok {
		return commit, tree, nil
	}
	defer s.opt.Progress.Step(step, fmt.Sprintf("%d patches", len(s.Patches)))(&err)
	if commit, tree, err = s.apply(ctx); err != nil {
		return "", "", err
	}
	if err := cache.WriteFile(memo, []byte(commit+" "+tree+"\n"), 0o644); err != nil {
		return "", "", fmt.Errorf("%s: %w", step, err)
	}
	return commit, tree, nil
}

func readApplied(memo string) (commit, tree string, ok bool) {
	data, err := os.ReadFile(memo)
	if err != nil {
		return "", "", false
	}
	commit, tree, ok = strings.Cut(strings.TrimSpace(string(data)), " ")
	return commit, tree, ok && isObjectID(commit) && isObjectID(tree)
}

func (s *Source) apply(ctx context.Context) (commit, tree string, err error) {
	dir, err := os.MkdirTemp(s.dir, ".apply-")
	if err != nil {
		return "", "", fmt.Errorf("apply patches: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	g := s.git()
	g.index = filepath.Join(dir, "index")
	commit = s.BaseCommit
	if tree, err = g.output(ctx, "rev-parse", "--verify", commit+"^{tree}"); err != nil {
		return "", "", fmt.Errorf("apply patches: %w", err)
	}
	if len(s.Patches) == 0 {
		return commit, tree, nil
	}
	if err := g.run(ctx, "read-tree", commit); err != nil {
		return "", "", fmt.Errorf("apply patches: %w", err)
	}
	for i := range s.Patches {
		if commit, tree, err = s.applyOne(ctx, g, dir, i, commit); err != nil {
			if s.opt.Dir == "" || !s.has(ctx, g) {
				return "", "", err
			}
			s.opt.Progress.Emit(progress.Event{Step: "apply patches to " + s.Name(), State: progress.Notice,
				Text: s.opt.Dir + " has the patches already; not patched again"})
			commit = s.BaseCommit
			tree, err = g.output(ctx, "rev-parse", "--verify", commit+"^{tree}")
			return commit, tree, err
		}
	}
	// Keep git gc from removing the new objects.
	if err := g.run(ctx, "update-ref", "refs/applied/"+s.key, commit); err != nil {
		return "", "", fmt.Errorf("apply patches: %w", err)
	}
	return commit, tree, nil
}

// has reports whether the base has all the patches already, as a developer's
// own checkout may: whether they can all be taken off again.
func (s *Source) has(ctx context.Context, g *git) bool {
	if g.run(ctx, "read-tree", s.BaseCommit) != nil {
		return false
	}
	for i := len(s.content) - 1; i >= 0; i-- {
		if _, err := g.input(ctx, bytes.NewReader(s.content[i]), "apply", "--cached", "--reverse", "-p1", "-"); err != nil {
			return false
		}
	}
	return true
}

// applyOne does what git am does, in the index: take the mail apart, apply
// strictly, commit under the mail's author and date.
func (s *Source) applyOne(ctx context.Context, g *git, dir string, i int, parent string) (commit, tree string, err error) {
	p, data := s.Patches[i], s.content[i]
	fail := func(output string) error {
		return newApplyError(s, i, output)
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return "", "", fail("empty patch")
	}
	mail, err := g.mailinfo(ctx, dir, data)
	if err != nil {
		return "", "", fail(err.Error())
	}
	c := g.cmd("apply", "--cached", "-p1", "--verbose", "--whitespace=error-all", "-")
	c.Stdin = bytes.NewReader(data)
	if err := c.Run(ctx); err != nil {
		var perr *proc.Error
		if ctx.Err() == nil && errors.As(err, &perr) && perr.ExitCode > 0 {
			return "", "", fail(perr.Stderr)
		}
		return "", "", fmt.Errorf("apply %s: %w", p.File, err)
	}
	if tree, err = g.output(ctx, "write-tree"); err != nil {
		return "", "", fmt.Errorf("apply %s: %w", p.File, err)
	}
	cc := g.cmd("commit-tree", tree, "-p", parent)
	cc.Stdin = strings.NewReader(mail.message)
	cc.Env = append(cc.Env,
		"GIT_AUTHOR_NAME="+mail.author, "GIT_AUTHOR_EMAIL="+mail.email, "GIT_AUTHOR_DATE="+mail.date,
		"GIT_COMMITTER_DATE="+mail.date)
	out, err := cc.Output(ctx)
	if err != nil {
		return "", "", fmt.Errorf("apply %s: %w", p.File, err)
	}
	s.opt.Progress.Emit(progress.Event{Step: "apply patches to " + s.Name(), State: progress.Advanced,
		Text: p.File, Done: int64(i + 1), Total: int64(len(s.Patches)), Unit: "patches"})
	return strings.TrimSpace(string(out)), tree, nil
}

// mail is a patch's mail, taken apart.
type mail struct {
	author, email, date, message string
}

func (g *git) mailinfo(ctx context.Context, dir string, data []byte) (*mail, error) {
	msg, rest := filepath.Join(dir, "msg"), filepath.Join(dir, "patch")
	out, err := g.input(ctx, bytes.NewReader(data), "mailinfo", "--encoding=UTF-8", msg, rest)
	if err != nil {
		return nil, err
	}
	m := &mail{}
	var subject string
	for line := range strings.Lines(out) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch key {
		case "Author":
			m.author = value
		case "Email":
			m.email = value
		case "Date":
			m.date = value
		case "Subject":
			subject = value
		}
	}
	if subject == "" || m.author == "" || m.email == "" {
		return nil, errors.New("not a patch by git format-patch: no From or no Subject")
	}
	if m.date == "" {
		m.date = identDate
	}
	body, err := os.ReadFile(msg)
	if err != nil {
		return nil, err
	}
	m.message = subject + "\n"
	if text := strings.TrimSpace(string(body)); text != "" {
		m.message += "\n" + strings.TrimRight(string(body), "\n") + "\n"
	}
	return m, nil
}
