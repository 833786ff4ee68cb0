// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"xpsgen/gen/series"
	"xpsgen/gen/series/worktree"
	"xpsgen/vmtest/tree/manifest"
)

func seriesRebaseCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:      "rebase",
		Usage:     "move a series, or all of a base, to another base, by three-way merge",
		ArgsUsage: "WHAT --onto WHERE | WHAT --continue | WHAT --abort",
		Description: "WHAT is SERIES/BASE, or BASE for all of its stack. WHERE is another base, a source\n" +
			"directory as it is, or a revision of the repository that --repo names. It is done in\n" +
			"a tree of its own, from the patch files as they are; those change only when xpsgen\n" +
			"series refresh writes them. Conflicts are left as git shows them. In the end it says\n" +
			"what moved: by range-diff, and which values of the UAPI are not what they were.\n\n" +
			"Examples:\n" +
			"  xpsgen series rebase 6.12 --onto net-next\n" +
			"  xpsgen series rebase hook/net-next --onto ~/src/linux\n" +
			"  xpsgen series rebase net-next --onto v7.4-rc1 --repo ~/src/linux\n" +
			"  xpsgen series rebase 6.12 --continue",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "onto", Usage: "`WHERE` to move it"},
			&cli.StringFlag{Name: "repo", Usage: "git repository `DIR` that knows the revision"},
			&cli.BoolFlag{Name: "continue", Usage: "go on, the conflicts are resolved"},
			&cli.BoolFlag{Name: "abort", Usage: "give up, and remove the tree"},
			outFlag("`DIR` of the tree; default worktree/PROJECT-BASE[-SERIES]-rebase of the workbench"),
			&cli.BoolFlag{Name: "stat", Usage: "only say which patches changed"},
		},
		Action:       env.seriesRebase,
		BashComplete: env.completeThreads,
	}
}

func (env *environment) seriesRebase(c *cli.Context) error {
	usage := func(text string) error { return &usageError{text: text, command: "xpsgen series rebase"} }
	given := 0
	for _, name := range []string{"onto", "continue", "abort"} {
		if c.IsSet(name) {
			given++
		}
	}
	if given != 1 {
		return usage("say one of --onto WHERE, --continue, --abort")
	}
	if c.IsSet("onto") {
		opt, dir, err := env.rebaseOptions(c)
		if err != nil {
			return err
		}
		lock, err := env.lockTree(c, opt.Cache, dir)
		if err != nil {
			return err
		}
		defer lock.Release()
		m, err := worktree.Rebase(c.Context, worktree.RebaseOptions{Options: opt, Onto: c.String("onto"), Repo: c.String("repo")})
		return env.rebased(c, opt.Change, m, err)
	}
	root, cacheDir, err := env.ownPaths(c)
	if err != nil {
		return err
	}
	change, err := series.Load(root)
	if err != nil {
		return err
	}
	dir := c.String("out")
	switch {
	case dir == "" && c.Args().Len() != 1:
		return usage("name the base or series, or the tree with -o")
	case dir == "":
		if dir, err = worktree.RebaseDir(change, c.Args().First()); err != nil {
			return usage(err.Error())
		}
	}
	lock, err := env.lockTree(c, cacheDir, dir)
	if err != nil {
		return err
	}
	defer lock.Release()
	if c.Bool("abort") {
		if err := worktree.Abort(c.Context, dir); err != nil {
			return err
		}
		env.ui.Printf("%s is removed; the patch files are as they were", dir)
		return nil
	}
	m, err := worktree.Continue(c.Context, dir)
	return env.rebased(c, change, m, err)
}

// rebaseOptions reads what to move, while nobody changes it, and where.
func (env *environment) rebaseOptions(c *cli.Context) (opt worktree.Options, dir string, err error) {
	lock, err := env.lockSeries(c)
	if err != nil {
		return opt, "", err
	}
	defer lock.Release()
	if opt, err = env.workOptions(c); err != nil || opt.Dir != "" {
		return opt, opt.Dir, err
	}
	dir, err = worktree.RebaseDir(opt.Change, opt.What)
	return opt, dir, err
}

// rebased reports how a rebase ended.
func (env *environment) rebased(c *cli.Context, change *series.Change, m *worktree.Moved, err error) error {
	if err != nil {
		return err
	}
	if err := env.printPairs(m.Pairs, !c.Bool("stat")); err != nil {
		return err
	}
	if p := change.Manifest.Project(m.Tree.Project); p != nil && p.Build == manifest.BuildKbuild {
		if err := env.movedUAPI(c, m); err != nil {
			env.ui.Important(fmt.Sprintf("note  the UAPI was not compared: %v", err))
		}
	}
	name := m.Tree.Target(change)
	if _, b := change.Manifest.FindBase(m.Tree.Project + "/" + m.Tree.Onto); b == nil {
		env.ui.Printf("The series stands on %s now. If that is to be base %s from now on, change its source in series.toml, too", m.Tree.Onto, name)
	}
	env.ui.Printf("It is in %s; write the patches of %s with\n  xpsgen series refresh %s -o %s", m.Tree.Dir, name, name, m.Tree.Dir)
	return nil
}
