// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"xpsgen/gen/series"
	"xpsgen/gen/series/worktree"
	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/git"
	"xpsgen/vmtest/tree/manifest"
	"xpsgen/vmtest/workbench"
)

// outFlag says where the tree of a command is.
func outFlag(usage string) cli.Flag {
	return &cli.StringFlag{Name: "out", Aliases: []string{"o"}, Usage: usage}
}

func treeCheckoutCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:      "checkout",
		Usage:     "make a git repository with the series of a base as commits",
		ArgsUsage: "BASE",
		Description: "BASE is one of kernel-patches/series.toml or iproute2-patches/series.toml. Edit,\n" +
			"commit, amend, reorder, split and drop with git as you like; the tag \"base\" is what\n" +
			"the series stands on. Then xpsgen series refresh BASE writes the patch files.\n\n" +
			"Examples:\n" +
			"  xpsgen tree checkout net-next\n" +
			"  xpsgen tree checkout 6.12 -o ~/src/xps-6.12\n" +
			"  git -C worktree/linux-net-next rebase -i base",
		Flags:        []cli.Flag{outFlag("`DIR` to make; default worktree/PROJECT-BASE of the workbench")},
		Action:       env.treeCheckout,
		BashComplete: env.completeBases,
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

// workOptions reads BASE and -o.
func (env *environment) workOptions(c *cli.Context) (worktree.Options, error) {
	if c.Args().Len() != 1 {
		return worktree.Options{}, &usageError{text: "name one base", command: c.Command.HelpName}
	}
	root, cache, err := env.paths(c)
	if err != nil {
		return worktree.Options{}, err
	}
	change, err := series.Load(root)
	if err != nil {
		return worktree.Options{}, err
	}
	if _, _, err := change.Base(c.Args().First()); err != nil {
		return worktree.Options{}, &usageError{text: err.Error(), command: c.Command.HelpName}
	}
	return worktree.Options{
		Change: change, Base: c.Args().First(), Dir: c.String("out"), Cache: cache, Progress: env.ui.Progress(),
	}, nil
}

// completeBases names the bases of both series.
func (env *environment) completeBases(c *cli.Context) {
	for _, name := range baseNames(c.String("root")) {
		fmt.Fprintln(env.stdout, name)
	}
	cli.DefaultCompleteWithFlags(c.Command)(c)
}

// baseNames lists the bases of both series, none if there is no workbench.
func baseNames(root string) []string {
	root, err := workbench.Find(root, "")
	if err != nil {
		return nil
	}
	var names []string
	for _, dir := range []string{series.KernelDir, series.IPRoute2Dir} {
		m, err := manifest.Load(filepath.Join(root, dir))
		if err != nil {
			continue
		}
		for _, b := range m.Bases {
			names = append(names, b.Name)
		}
	}
	return names
}

func seriesRefreshCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:      "refresh",
		Usage:     "write the commits of a tree back as patch files",
		ArgsUsage: "BASE",
		Description: "Says what became of each patch. Files whose patch did not change stay untouched;\n" +
			"nothing is written if a patch would be lost that --drop does not name.\n\n" +
			"Examples:\n" +
			"  xpsgen series refresh net-next\n" +
			"  xpsgen series refresh net-next --dry-run\n" +
			"  xpsgen series refresh net-next --drop docs --key HEAD=selftests\n" +
			"  xpsgen series refresh net-next -o worktree/linux-6.12-rebase",
		Flags: []cli.Flag{
			outFlag("`DIR` of the tree; default worktree/PROJECT-BASE of the workbench"),
			&cli.StringSliceFlag{Name: "drop", Usage: "the patch `KEY` is gone on purpose; may be repeated"},
			&cli.StringSliceFlag{Name: "key", Usage: "`REV=KEY` gives a new commit its key; may be repeated"},
			&cli.BoolFlag{Name: "force", Usage: "overwrite patch files that changed since the tree was made"},
			&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "say what would be done, and write nothing"},
		},
		Action:       env.seriesRefresh,
		BashComplete: env.completeBases,
	}
}

// lockSeries keeps other runs from changing the workbench's patch files.
func (env *environment) lockSeries(c *cli.Context) (*cache.Lock, error) {
	root, dir, err := env.paths(c)
	if err != nil {
		return nil, err
	}
	return series.Lock(c.Context, dir, root, "patch files", env.ui.Progress())
}

// openSeries reads the workbench's series to be changed: nobody else changes
// it until the lock is released.
func (env *environment) openSeries(c *cli.Context) (*series.Change, *cache.Lock, error) {
	root, _, err := env.paths(c)
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
	s, b, err := opt.Change.Base(opt.Base)
	if err != nil {
		return err
	}
	dir := opt.Dir
	if dir == "" {
		dir = worktree.DefaultDir(opt.Change.Root, s.Project, b.Name)
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
	if t.Project != s.Project || t.Target(s) != b {
		return &usageError{text: fmt.Sprintf("%s holds %s %s and not %s", dir, t.Project, t.TargetName(opt.Change), b.Name), command: "xpsgen series refresh"}
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
	})
	if err != nil {
		return err
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
		Description: "OLD and NEW are bases, or versions as they were sent (v1). Without NEW it is the\n" +
			"base that is submitted. Patches are tied by their keys; the difference is that of\n" +
			"git range-diff: the first column is between the patches, the second within them.\n\n" +
			"Examples:\n" +
			"  xpsgen series diff net-next 6.12      what the carry changes\n" +
			"  xpsgen series diff v1 --project linux what changed since v1\n" +
			"  xpsgen series diff --project iproute2 v1 v2",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "project", Usage: "`NAME` of the project whose versions are meant; needed if there are several and no base is named"},
			&cli.BoolFlag{Name: "stat", Usage: "only say which patches differ"},
		},
		Action:       env.seriesDiff,
		BashComplete: env.completeBases,
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
	var s *series.Series
	for _, w := range words {
		if found, _, err := change.Base(w); err == nil {
			s = found
		}
	}
	if s == nil || c.IsSet("project") {
		if s, err = oneSeries(change, c.String("project")); err != nil {
			return usage(err.Error())
		}
	}
	if len(words) == 1 {
		b := s.Submit()
		if b == nil || b.Name == words[0] {
			return usage("name what to compare it with")
		}
		words = append(words, b.Name)
	}
	for i := range words {
		words[i] = strings.TrimPrefix(words[i], s.Project+"/")
	}
	pairs, err := worktree.Diff(c.Context, worktree.DiffOptions{
		Options: worktree.Options{Change: change, Cache: cache, Progress: env.ui.Progress()},
		Series:  s, Old: words[0], New: words[1],
	})
	if err != nil {
		return err
	}
	return env.printPairs(pairs, !c.Bool("stat"))
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
