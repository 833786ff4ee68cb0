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

// Commit applies the patches and returns the commit of the result. The commit
// depends only on base and patches. A second call costs nothing. The patches
// are applied in the index only: no working tree is touched, whether they apply
// or not.
//
// It returns an [*ApplyError] if a patch does not apply.
func (s *Source) Commit(ctx context.Context) (string, error) {
	commit, _, err := s.applied(ctx)
	return commit, err
}

// TreeID returns the git tree of the patched source. Two series that differ
// only in their messages have the same tree.
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
	if tree, err = g.output(ctx, "rev-parse", "--verify", s.BaseCommit+"^{tree}"); err != nil {
		return "", "", fmt.Errorf("apply patches: %w", err)
	}
	if len(s.Patches) == 0 {
		return s.BaseCommit, tree, nil
	}
	g.index = filepath.Join(dir, "index")
	commit, patched, err := s.applyAll(ctx, g, dir)
	var aerr *ApplyError
	if errors.As(err, &aerr) && s.opt.Dir != "" && s.has(ctx, g) {
		s.opt.Progress.Emit(progress.Event{Step: "apply patches to " + s.Name(), State: progress.Notice,
			Text: s.opt.Dir + " has the patches already; not patched again"})
		return s.BaseCommit, tree, nil
	}
	return commit, patched, err
}

// applyAll applies the patches and commits each. An index of the whole tree costs much
// more than the patches. So it first takes an index of the paths that the patches name.
func (s *Source) applyAll(ctx context.Context, g *git, dir string) (commit, tree string, err error) {
	paths := newPathIndex(s.BaseCommit, s.content)
	steps, err := s.applyIn(ctx, g, dir, paths)
	var aerr *ApplyError
	if errors.As(err, &aerr) || errors.Is(err, errUnknownPath) {
		paths.whole = true
		steps, err = s.applyIn(ctx, g, dir, paths)
	}
	if err != nil {
		return "", "", err
	}
	// The reference keeps git gc from removing the new objects.
	ref := "refs/applied/" + s.key
	trees, err := writeTrees(ctx, g, s.BaseCommit, ref, steps)
	if err != nil {
		return "", "", fmt.Errorf("apply patches: %w", err)
	}
	commit = s.BaseCommit
	for i := range steps {
		if commit, err = steps[i].mail.commit(ctx, g, trees[i], commit); err != nil {
			return "", "", fmt.Errorf("apply %s: %w", s.Patches[i].File, err)
		}
	}
	if err := g.run(ctx, "update-ref", ref, commit); err != nil {
		return "", "", fmt.Errorf("apply patches: %w", err)
	}
	return commit, trees[len(trees)-1], nil
}

// applyIn applies the patches in an index and returns what each changes.
func (s *Source) applyIn(ctx context.Context, g *git, dir string, paths *pathIndex) ([]applied, error) {
	before, err := paths.load(ctx, g)
	if err != nil {
		return nil, fmt.Errorf("apply patches: %w", err)
	}
	var steps []applied
	for i, p := range s.Patches {
		m, err := s.applyOne(ctx, g, dir, i)
		if err != nil {
			return nil, err
		}
		after, err := paths.entries(ctx, g)
		if err != nil {
			return nil, fmt.Errorf("apply %s: %w", p.File, err)
		}
		steps = append(steps, applied{mail: m, changes: importCommands(before, after)})
		before = after
		s.opt.Progress.Emit(progress.Event{Step: "apply patches to " + s.Name(), State: progress.Advanced,
			Text: p.File, Done: int64(i + 1), Total: int64(len(s.Patches)), Unit: "patches"})
	}
	return steps, nil
}

// has reports whether the base has all the patches already, as a developer's
// own checkout may. It checks that all can be reverted.
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

// applyOne takes the mail apart as git am does, and applies the patch strictly, in the
// index.
func (s *Source) applyOne(ctx context.Context, g *git, dir string, i int) (*mail, error) {
	p, data := s.Patches[i], s.content[i]
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, newApplyError(s, i, "empty patch")
	}
	mail, err := g.mailinfo(ctx, dir, data)
	if err != nil {
		return nil, newApplyError(s, i, err.Error())
	}
	c := g.cmd("apply", "--cached", "-p1", "--verbose", "--whitespace=error-all", "-")
	c.Stdin = bytes.NewReader(data)
	if err := c.Run(ctx); err != nil {
		var perr *proc.Error
		if ctx.Err() == nil && errors.As(err, &perr) && perr.ExitCode > 0 {
			return nil, newApplyError(s, i, perr.Stderr)
		}
		return nil, fmt.Errorf("apply %s: %w", p.File, err)
	}
	return mail, nil
}

// mail is a patch's mail, taken apart.
type mail struct {
	author, email, date, message string
}

// commit commits a tree under the mail's author and date.
func (m *mail) commit(ctx context.Context, g *git, tree, parent string) (string, error) {
	c := g.cmd("commit-tree", tree, "-p", parent)
	c.Stdin = strings.NewReader(m.message)
	c.Env = append(c.Env,
		"GIT_AUTHOR_NAME="+m.author, "GIT_AUTHOR_EMAIL="+m.email, "GIT_AUTHOR_DATE="+m.date,
		"GIT_COMMITTER_DATE="+m.date)
	out, err := c.Output(ctx)
	return strings.TrimSpace(string(out)), err
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
