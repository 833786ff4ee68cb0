// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"fmt"
	"strings"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/gen/series"
	"xpsgen/gen/series/worktree"
	"xpsgen/vmtest/tree/manifest"
)

// rebaseOptions are the options of series rebase.
type rebaseOptions struct {
	onto, repo, out string
	goOn, abort     bool
	stat            bool
}

func seriesRebaseCommand(env seriesCommands) *command.Command {
	var o rebaseOptions
	return &command.Command{
		Name:  "rebase",
		Short: "move a series, or all series of a base, to another base",
		Long: "Uses a three-way merge. WHERE is another base, a source directory, or a revision of the repository in --repo. The rebase " +
			"starts from the patch files and works in its own tree. The patch files change only when xpsgen series refresh writes them. " +
			"On a conflict it stops as git rebase does. At the end it prints the range-diff and the UAPI values that changed.",
		Args: []command.Arg{{Name: "SERIES/BASE|BASE", Optional: true, Values: env.threadNames,
			Help: "series or base to move; with --continue and --abort, -o may name the tree instead"}},
		Flags: []command.Flag{
			{Name: "onto", Arg: "WHERE", To: command.String(&o.onto), Help: "base, directory or revision to move it to", Values: env.baseNames},
			{Name: "repo", Arg: "DIR", To: command.String(&o.repo), Help: "git repository that has the revision; default the tree that xpsgen tree checkout created"},
			{Name: "continue", To: command.Bool(&o.goOn), Help: "continue after resolving conflicts"},
			{Name: "abort", To: command.Bool(&o.abort), Help: "abort and remove the tree"},
			outFlag(&o.out, "directory of the tree; default worktree/PROJECT-BASE[-SERIES]-rebase of the workbench"),
			{Name: "stat", To: command.Bool(&o.stat), Help: "print only which patches changed"},
		},
		Examples: []command.Example{
			{Line: "series rebase 6.12 --onto net-next"},
			{Line: "series rebase hook/net-next --onto ~/src/linux"},
			{Line: "series rebase net-next --onto v7.4-rc1 --repo ~/src/linux"},
			{Line: "series rebase 6.12 --continue"},
		},
		Exits: []command.Exit{{Code: 1, Meaning: "there are conflicts to resolve, or the state of the series or its tree does not allow the operation; the error says why"}},
		Needs: []string{"vmtest"},
		Valid: func(args []string) error { return o.valid(env, strings.Join(args, "")) },
		Run: func(ctx context.Context, args []string) error {
			what := strings.Join(args, "")
			if o.onto != "" {
				return env.seriesRebase(ctx, &o, what)
			}
			return env.endRebase(ctx, &o, what)
		},
	}
}

// valid checks the flags with what, which is empty if no argument was given.
func (o *rebaseOptions) valid(env seriesCommands, what string) error {
	given := 0
	for _, is := range []bool{o.onto != "", o.goOn, o.abort} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		return command.Usagef("want one of --onto WHERE, --continue, --abort")
	case o.repo != "" && o.onto == "":
		return command.Usagef("--repo is for the revision of --onto")
	case what != "":
		return env.validWork(what)
	case o.onto != "" || o.out == "":
		return command.Usagef("name the base or series; with --continue and --abort, -o DIR may name the tree instead")
	}
	return nil
}

// seriesRebase begins the rebase of what.
func (env seriesCommands) seriesRebase(ctx context.Context, o *rebaseOptions, what string) error {
	opt, dir, err := env.toRebase(ctx, o, what)
	if err != nil {
		return err
	}
	lock, err := env.lockTree(ctx, opt.Cache, dir)
	if err != nil {
		return err
	}
	defer lock.Release()
	m, err := worktree.Rebase(ctx, worktree.RebaseOptions{Options: opt, Onto: o.onto, Repo: o.repo})
	return env.rebased(ctx, o, opt.Change, m, err)
}

// endRebase continues or aborts the rebase of what.
func (env seriesCommands) endRebase(ctx context.Context, o *rebaseOptions, what string) error {
	root, cacheDir, err := env.locateOwn()
	if err != nil {
		return err
	}
	change, err := series.Load(root)
	if err != nil {
		return err
	}
	dir := o.out
	if dir == "" {
		if dir, err = worktree.RebaseDir(change, what); err != nil {
			return command.Usagef("%v", err)
		}
	}
	lock, err := env.lockTree(ctx, cacheDir, dir)
	if err != nil {
		return err
	}
	defer lock.Release()
	if o.abort {
		if err := worktree.Abort(ctx, dir); err != nil {
			return err
		}
		env.ui.Printf("%s is removed; the patch files are unchanged", dir)
		return nil
	}
	m, err := worktree.Continue(ctx, dir)
	return env.rebased(ctx, o, change, m, err)
}

// toRebase reads the series to move, under a lock, and returns the directory of the
// tree.
func (env seriesCommands) toRebase(ctx context.Context, o *rebaseOptions, what string) (opt worktree.Options, dir string, err error) {
	lock, err := env.lockSeries(ctx)
	if err != nil {
		return opt, "", err
	}
	defer lock.Release()
	if opt, err = env.workOptions(what, o.out); err != nil || opt.Dir != "" {
		return opt, opt.Dir, err
	}
	dir, err = worktree.RebaseDir(opt.Change, opt.What)
	return opt, dir, err
}

// rebased prints how a rebase ended.
func (env seriesCommands) rebased(ctx context.Context, o *rebaseOptions, change *series.Change, m *worktree.Moved, err error) error {
	if err != nil {
		return err
	}
	if err := env.printPairs(m.Pairs, !o.stat); err != nil {
		return err
	}
	if p := change.Manifest.Project(m.Tree.Project); p != nil && p.Build == manifest.BuildKbuild {
		if err := env.movedUAPI(ctx, m); err != nil {
			env.ui.Important(fmt.Sprintf("note  the UAPI was not compared: %v", err))
		}
	}
	name := m.Tree.Target(change)
	if _, b := change.Manifest.FindBase(m.Tree.Project + "/" + m.Tree.Onto); b == nil {
		env.ui.Printf("The series is based on %s now. To make that the new base %s, also change its source in series.toml", m.Tree.Onto, name)
	}
	env.ui.Printf("The tree is %s; write the patches of %s with\n  xpsgen series refresh %s -o %s", m.Tree.Dir, name, name, m.Tree.Dir)
	return nil
}
