// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"xpsgen/gen/series"
	"xpsgen/gen/series/worktree"
	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/git"
)

// outFlag says where the tree of a command is.
func outFlag(usage string) cli.Flag {
	return &cli.StringFlag{Name: "out", Aliases: []string{"o"}, Usage: usage}
}

func treeCheckoutCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:      "checkout",
		Usage:     "make a git repository with a series, or all of a base, as commits",
		ArgsUsage: "SERIES/BASE | BASE",
		Description: "SERIES/BASE is one series, on top of what it stands on; BASE is all series of that\n" +
			"base's stack. Edit, commit, amend, reorder, split and drop with git as you like; the\n" +
			"tag \"base\" is what the commits stand on. Then xpsgen series refresh writes the\n" +
			"patch files.\n\n" +
			"Examples:\n" +
			"  xpsgen tree checkout hook/net-next\n" +
			"  xpsgen tree checkout net-next\n" +
			"  xpsgen tree checkout 6.12 -o ~/src/linux-6.12\n" +
			"  git -C worktree/linux-net-next rebase -i base",
		Flags:        []cli.Flag{outFlag("`DIR` to make; default worktree/PROJECT-BASE[-SERIES] of the workbench")},
		Action:       env.treeCheckout,
		BashComplete: env.completeThreads,
	}
}

func (env *environment) treeCheckout(c *cli.Context) error {
	opt, err := env.workOptions(c)
	if err != nil {
		return err
	}
	t, err := worktree.Checkout(c.Context, opt)
	if err != nil {
		return err
	}
	if who, err := (&git.Repo{Dir: t.Dir}).Identity(c.Context); err == nil && who == "" {
		env.ui.Important("note  git does not know who you are, and will refuse to commit until you say\n" +
			"      git config --global user.name NAME; git config --global user.email ADDRESS")
	}
	env.ui.Printf("git log base.. shows the series; write it back with xpsgen series refresh %s%s", c.Args().First(), outHint(c, t))
	_, err = fmt.Fprintln(env.stdout, t.Dir)
	return err
}

// outHint repeats -o where the next command needs it.
func outHint(c *cli.Context, t *worktree.Tree) string {
	if c.String("out") == "" {
		return ""
	}
	return " -o " + t.Dir
}

// workOptions reads SERIES/BASE or BASE, and -o.
func (env *environment) workOptions(c *cli.Context) (worktree.Options, error) {
	if c.Args().Len() != 1 {
		return worktree.Options{}, &usageError{text: "name one base, or one series on a base", command: c.Command.HelpName}
	}
	root, cache, err := env.ownPaths(c)
	if err != nil {
		return worktree.Options{}, err
	}
	change, err := series.Load(root)
	if err != nil {
		return worktree.Options{}, err
	}
	if _, err := worktree.Dir(change, c.Args().First()); err != nil {
		return worktree.Options{}, &usageError{text: err.Error(), command: c.Command.HelpName}
	}
	return worktree.Options{
		Change: change, What: c.Args().First(), Dir: c.String("out"), Cache: cache, Progress: env.ui.Progress(),
	}, nil
}

func seriesRefreshCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:      "refresh",
		Usage:     "write the commits of a tree back as patch files",
		ArgsUsage: "SERIES/BASE | BASE",
		Description: "Says what became of each patch. Files whose patch did not change stay untouched;\n" +
			"nothing is written if a patch would be lost that --drop does not name. In the tree of\n" +
			"a base a new commit belongs to the series of the commit before; --key\n" +
			"REV=SERIES/KEY says otherwise.\n\n" +
			"Examples:\n" +
			"  xpsgen series refresh hook/net-next\n" +
			"  xpsgen series refresh net-next --dry-run\n" +
			"  xpsgen series refresh net-next --drop docs --key HEAD=hook/selftests\n" +
			"  xpsgen series refresh net-next -o worktree/linux-6.12-rebase",
		Flags: []cli.Flag{
			outFlag("`DIR` of the tree; default worktree/PROJECT-BASE[-SERIES] of the workbench"),
			&cli.StringSliceFlag{Name: "drop", Usage: "the patch `KEY` is gone on purpose; may be repeated"},
			&cli.StringSliceFlag{Name: "key", Usage: "`REV=KEY` gives a commit its key, or SERIES/KEY; may be repeated"},
			&cli.BoolFlag{Name: "force", Usage: "overwrite patch files that changed since the tree was made"},
			&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "say what would be done, and write nothing"},
		},
		Action:       env.seriesRefresh,
		BashComplete: env.completeThreads,
	}
}

// lockSeries keeps other runs from changing the workbench's patch files.
func (env *environment) lockSeries(c *cli.Context) (*cache.Lock, error) {
	root, dir, err := env.ownPaths(c)
	if err != nil {
		return nil, err
	}
	return series.Lock(c.Context, dir, root, "patch files", env.ui.Progress())
}

// openSeries reads the workbench's series to be changed: nobody else changes
// it until the lock is released.
func (env *environment) openSeries(c *cli.Context) (*series.Change, *cache.Lock, error) {
	root, _, err := env.ownPaths(c)
	if err != nil {
		return nil, nil, err
	}
	lock, err := env.lockSeries(c)
	if err != nil {
		return nil, nil, err
	}
	change, err := series.Load(root)
	if err != nil {
		lock.Release()
		return nil, nil, err
	}
	return change, lock, nil
}

// lockTree keeps other runs from changing a tree.
func (env *environment) lockTree(c *cli.Context, cacheDir, dir string) (*cache.Lock, error) {
	return series.Lock(c.Context, cacheDir, dir, "tree "+relative(dir), env.ui.Progress())
}

func (env *environment) seriesRefresh(c *cli.Context) error {
	lock, err := env.lockSeries(c)
	if err != nil {
		return err
	}
	defer lock.Release()
	opt, err := env.workOptions(c)
	if err != nil {
		return err
	}
	dir := opt.Dir
	if dir == "" {
		if dir, err = worktree.Dir(opt.Change, opt.What); err != nil {
			return err
		}
	}
	treeLock, err := env.lockTree(c, opt.Cache, dir)
	if err != nil {
		return err
	}
	defer treeLock.Release()
	t, err := worktree.Open(c.Context, dir)
	if err != nil {
		return err
	}
	if !t.Holds(opt.Change, opt.What) {
		return &usageError{text: fmt.Sprintf("%s holds %s and not %s", dir, t.Target(opt.Change), opt.What), command: "xpsgen series refresh"}
	}
	keys := map[string]string{}
	for _, k := range c.StringSlice("key") {
		rev, key, ok := strings.Cut(k, "=")
		if !ok || rev == "" || key == "" {
			return &usageError{text: fmt.Sprintf("--key %q: want REV=KEY", k), command: "xpsgen series refresh"}
		}
		keys[rev] = key
	}
	out, err := t.Refresh(c.Context, worktree.RefreshOptions{
		Change: opt.Change, Drop: c.StringSlice("drop"), Keys: keys, Force: c.Bool("force"), DryRun: c.Bool("dry-run"),
		Cache: opt.Cache, Progress: opt.Progress,
	})
	if err != nil {
		return err
	}
	if out.Merged {
		env.ui.Printf("the patch files had changed: their changes are merged into %s", relative(t.Dir))
	}
	for _, step := range out.Steps {
		if _, err := fmt.Fprintln(env.stdout, step); err != nil {
			return fmt.Errorf("print the outcome: %w", err)
		}
	}
	if !c.Bool("dry-run") {
		env.ui.Printf("files written: %d, removed: %d; git diff shows them", len(out.Written), len(out.Removed))
	}
	return nil
}

func seriesDiffCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:      "diff",
		Usage:     "show what a carry or another version changes, patch by patch",
		ArgsUsage: "OLD [NEW]",
		Description: "OLD and NEW are SERIES/BASE, or SERIES/vN for a version as it was sent; a NEW of\n" +
			"the same series needs no SERIES. Without NEW it is the base that is submitted. Two\n" +
			"bases compare all series that are on both. Patches are tied by their keys; the\n" +
			"difference is that of git range-diff: the first column is between the patches, the\n" +
			"second within them.\n\n" +
			"Examples:\n" +
			"  xpsgen series diff net-next 6.12      what the carry changes\n" +
			"  xpsgen series diff hook/v1            what changed since v1\n" +
			"  xpsgen series diff ip-xps/v1 v2",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "stat", Usage: "only say which patches differ"},
		},
		Action:       env.seriesDiff,
		BashComplete: env.completeThreads,
	}
}

func (env *environment) seriesDiff(c *cli.Context) error {
	usage := func(text string) error { return &usageError{text: text, command: "xpsgen series diff"} }
	words := c.Args().Slice()
	if len(words) < 1 || len(words) > 2 {
		return usage("name two bases or versions, or one")
	}
	root, cache, err := env.paths(c)
	if err != nil {
		return err
	}
	change, err := series.Load(root)
	if err != nil {
		return err
	}
	comparisons, err := toCompare(change, words)
	if err != nil {
		return usage(err.Error())
	}
	for _, d := range comparisons {
		d.Options = worktree.Options{Change: change, Cache: cache, Progress: env.ui.Progress()}
		pairs, err := worktree.Diff(c.Context, d)
		if err != nil {
			return err
		}
		if len(comparisons) > 1 {
			if _, err := fmt.Fprintf(env.stdout, "%s\n", d.Series.Key); err != nil {
				return fmt.Errorf("print the comparison: %w", err)
			}
		}
		if err := env.printPairs(pairs, !c.Bool("stat")); err != nil {
			return err
		}
	}
	return nil
}

// toCompare says which series are compared in which forms.
func toCompare(c *series.Change, words []string) (list []worktree.DiffOptions, err error) {
	if len(words) == 2 {
		oldProject, oldBase := c.Manifest.FindBase(words[0])
		newProject, newBase := c.Manifest.FindBase(words[1])
		if oldBase != nil && newBase != nil && oldProject == newProject {
			for _, s := range c.Series {
				if s.In == oldProject && s.Base(oldBase.Name) != nil && s.Base(newBase.Name) != nil {
					list = append(list, worktree.DiffOptions{Series: s, Old: oldBase.Name, New: newBase.Name})
				}
			}
			if len(list) == 0 {
				return nil, fmt.Errorf("no series is on both %s and %s", words[0], words[1])
			}
			return list, nil
		}
	}
	key, first, pair := strings.Cut(words[0], "/")
	if !pair {
		key, first = "", words[0]
	}
	s, err := oneSeries(c, key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", words[0], err)
	}
	d := worktree.DiffOptions{Series: s, Old: first}
	if len(words) == 2 {
		if d.New = words[1]; strings.Contains(words[1], "/") {
			k, form, _ := strings.Cut(words[1], "/")
			if k != s.Key {
				return nil, fmt.Errorf("%s and %s are not of one series", words[0], words[1])
			}
			d.New = form
		}
	} else if b := s.Submit(); b != nil && b.Name != first {
		d.New = b.Name
	} else {
		return nil, fmt.Errorf("name what to compare %s with", words[0])
	}
	return []worktree.DiffOptions{d}, nil
}

// printPairs prints a comparison.
func (env *environment) printPairs(pairs []worktree.Pair, whole bool) error {
	for _, p := range pairs {
		text := p.String() + "\n"
		if whole && p.Diff != "" {
			text += p.Diff + "\n"
		}
		if _, err := fmt.Fprint(env.stdout, text); err != nil {
			return fmt.Errorf("print the comparison: %w", err)
		}
	}
	return nil
}
