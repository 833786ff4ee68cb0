// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"fmt"
	"strings"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/gen/series"
	"xpsgen/gen/series/worktree"
	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/git"
)

// outFlag names the directory of the tree.
func outFlag(to *string, help string) command.Flag {
	return command.Flag{Name: "out", Letter: "o", Arg: "DIR", To: command.String(to), Help: help}
}

// workArg names the series or base of the tree.
func workArg(env seriesCommands) command.Arg {
	return command.Arg{Name: "SERIES/BASE|BASE", Help: "one series, or all of a base", Values: env.threadNames}
}

// checkoutOptions are the options of tree checkout.
type checkoutOptions struct{ out string }

func treeCheckoutCommand(env seriesCommands) *command.Command {
	var o checkoutOptions
	return &command.Command{
		Name:  "checkout",
		Short: "create a git repository with a series or with all series of a base",
		Long: "SERIES/BASE is one series, on top of the series that it depends on; BASE is all series of that base. " +
			"The tag \"base\" marks the commit below the series. Edit, commit, amend, reorder, split and drop commits with git: " +
			"git rebase -i base. Then run xpsgen series refresh to write the patch files.",
		Args:  []command.Arg{workArg(env)},
		Flags: []command.Flag{outFlag(&o.out, "directory to make; default worktree/PROJECT-BASE[-SERIES] of the workbench")},
		Examples: []command.Example{
			{Line: "tree checkout hook/net-next"},
			{Line: "tree checkout net-next"},
			{Line: "tree checkout 6.12 -o ~/src/linux-6.12"},
			{Line: "$ git -C worktree/linux-net-next rebase -i base"},
		},
		Exits: []command.Exit{{Code: 1, Meaning: "the directory exists, or a patch does not apply"}},
		Needs: []string{"vmtest"},
		Valid: func(args []string) error { return env.validWork(args[0]) },
		Run:   func(ctx context.Context, args []string) error { return env.treeCheckout(ctx, &o, args[0]) },
	}
}

func (env seriesCommands) treeCheckout(ctx context.Context, o *checkoutOptions, what string) error {
	opt, err := env.workOptions(what, o.out)
	if err != nil {
		return err
	}
	t, err := worktree.Checkout(ctx, opt)
	if err != nil {
		return err
	}
	if who, err := (&git.Repo{Dir: t.Dir}).Identity(ctx); err == nil && who == "" {
		env.ui.Important("note  git has no identity and will refuse to commit; set one with\n" +
			"      git config --global user.name NAME; git config --global user.email ADDRESS")
	}
	env.ui.Printf("git log base.. shows the series; write it back with xpsgen series refresh %s%s", what, outHint(o.out, t))
	_, err = fmt.Fprintln(env.stdout, t.Dir)
	return err
}

// outHint returns the -o flag for the next command, if it needs one.
func outHint(out string, t *worktree.Tree) string {
	if out == "" {
		return ""
	}
	return " -o " + t.Dir
}

// validWork returns an error unless what is SERIES/BASE or BASE.
func (env seriesCommands) validWork(what string) error {
	_, err := env.workOptions(what, "")
	return err
}

// workOptions reads SERIES/BASE or BASE, and -o.
func (env seriesCommands) workOptions(what, out string) (worktree.Options, error) {
	root, cache, err := env.locateOwn()
	if err != nil {
		return worktree.Options{}, err
	}
	change, err := series.Load(root)
	if err != nil {
		return worktree.Options{}, err
	}
	if _, err := worktree.Dir(change, what); err != nil {
		return worktree.Options{}, command.Usagef("%v", err)
	}
	return worktree.Options{
		Change: change, What: what, Dir: out, Cache: cache, Progress: env.ui.Progress(),
	}, nil
}

// refreshOptions are the options of series refresh.
type refreshOptions struct {
	out           string
	drop, keys    []string
	force, dryRun bool
	// keyOf maps REV to KEY.
	keyOf map[string]string
}

func seriesRefreshCommand(env seriesCommands) *command.Command {
	var o refreshOptions
	return &command.Command{
		Name:  "refresh",
		Short: "write the commits of a tree to the patch files",
		Long: "Prints what happened to each patch. Does not touch the files of unchanged patches. If a patch would be lost, it writes " +
			"nothing, unless --drop names that patch. In the tree of a base, a new commit belongs to the series of the commit before " +
			"it; --key REV=SERIES/KEY selects another series.",
		Args: []command.Arg{workArg(env)},
		Flags: []command.Flag{
			outFlag(&o.out, "directory of the tree; default worktree/PROJECT-BASE[-SERIES] of the workbench"),
			{Name: "drop", Arg: "KEY", To: command.Strings(&o.drop), Help: "allow the patch with this key to be lost"},
			{Name: "key", Arg: "REV=KEY", To: command.Strings(&o.keys), Help: "assign this key, or SERIES/KEY, to commit REV"},
			{Name: "force", To: command.Bool(&o.force), Help: "overwrite patch files that changed since the checkout"},
			{Name: "dry-run", Letter: "n", To: command.Bool(&o.dryRun), Help: "print what would be done, and write nothing"},
		},
		Examples: []command.Example{
			{Line: "series refresh hook/net-next"},
			{Line: "series refresh net-next --dry-run"},
			{Line: "series refresh net-next --drop docs --key HEAD=hook/selftests"},
			{Line: "series refresh net-next -o worktree/linux-6.12-rebase"},
		},
		Exits: seriesExit,
		Needs: []string{"vmtest"},
		Valid: func(args []string) error {
			o.keyOf = map[string]string{}
			for _, k := range o.keys {
				rev, key, ok := strings.Cut(k, "=")
				if !ok || rev == "" || key == "" {
					return command.Usagef("--key %q: want REV=KEY", k)
				}
				o.keyOf[rev] = key
			}
			return env.validWork(args[0])
		},
		Run: func(ctx context.Context, args []string) error { return env.seriesRefresh(ctx, &o, args[0]) },
	}
}

// lockSeries locks the workbench's patch files against other runs.
func (env seriesCommands) lockSeries(ctx context.Context) (*cache.Lock, error) {
	root, dir, err := env.locateOwn()
	if err != nil {
		return nil, err
	}
	return series.Lock(ctx, dir, root, "patch files", env.ui.Progress())
}

// openSeries locks and reads the workbench's series, to change it.
func (env seriesCommands) openSeries(ctx context.Context) (*series.Change, *cache.Lock, error) {
	root, _, err := env.locateOwn()
	if err != nil {
		return nil, nil, err
	}
	lock, err := env.lockSeries(ctx)
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

// lockTree locks a tree against other runs.
func (env seriesCommands) lockTree(ctx context.Context, cacheDir, dir string) (*cache.Lock, error) {
	return series.Lock(ctx, cacheDir, dir, "tree "+relative(dir), env.ui.Progress())
}

func (env seriesCommands) seriesRefresh(ctx context.Context, o *refreshOptions, what string) error {
	lock, err := env.lockSeries(ctx)
	if err != nil {
		return err
	}
	defer lock.Release()
	opt, err := env.workOptions(what, o.out)
	if err != nil {
		return err
	}
	dir := opt.Dir
	if dir == "" {
		if dir, err = worktree.Dir(opt.Change, opt.What); err != nil {
			return err
		}
	}
	treeLock, err := env.lockTree(ctx, opt.Cache, dir)
	if err != nil {
		return err
	}
	defer treeLock.Release()
	t, err := worktree.Open(ctx, dir)
	if err != nil {
		return err
	}
	if !t.Holds(opt.Change, opt.What) {
		return command.Usagef("%s holds %s and not %s", dir, t.Target(opt.Change), opt.What)
	}
	out, err := t.Refresh(ctx, worktree.RefreshOptions{
		Change: opt.Change, Drop: o.drop, Keys: o.keyOf, Force: o.force, DryRun: o.dryRun,
		Cache: opt.Cache, Progress: opt.Progress,
	})
	if err != nil {
		return err
	}
	if out.Merged {
		env.ui.Printf("the patch files had changed: merged their changes into %s", relative(t.Dir))
	}
	for _, step := range out.Steps {
		if _, err := fmt.Fprintln(env.stdout, step); err != nil {
			return fmt.Errorf("print the outcome: %w", err)
		}
	}
	if !o.dryRun {
		env.ui.Printf("files written: %d, removed: %d; git diff shows them", len(out.Written), len(out.Removed))
	}
	return nil
}

func seriesDiffCommand(env seriesCommands) *command.Command {
	var stat bool
	return &command.Command{
		Name:  "diff",
		Short: "compare a series on two bases, or two versions, patch by patch",
		Long: "OLD and NEW are SERIES/BASE, or SERIES/vN for a version that was sent. If NEW is of the same series, vN is enough. The default " +
			"of NEW is the base to submit. With two bases, it compares all series that both have. " +
			"Patches are matched by their keys. The output is that of git range-diff: the first column of +/- is the difference between the " +
			"two versions, the second is the patch itself.",
		Args: []command.Arg{
			{Name: "OLD", Help: "series, base or version to compare", Values: env.threadNames},
			{Name: "NEW", Optional: true, Help: "series, base or version to compare with OLD; default the base to submit", Values: env.threadNames},
		},
		Flags: []command.Flag{{Name: "stat", To: command.Bool(&stat), Help: "print only which patches differ"}},
		Examples: []command.Example{
			{Line: "series diff net-next 6.12", Note: "the changes of the backport"},
			{Line: "series diff hook/v1", Note: "the changes since v1"},
			{Line: "series diff ip-xps/v1 v2"},
		},
		Exits: seriesExit,
		Needs: []string{"vmtest"},
		Valid: func(args []string) error {
			_, _, err := env.comparisons(args)
			return err
		},
		Run: func(ctx context.Context, args []string) error { return env.seriesDiff(ctx, args, !stat) },
	}
}

// comparisons reads the arguments that name the two sides.
func (env seriesCommands) comparisons(args []string) (*series.Change, []worktree.DiffOptions, error) {
	root, _, err := env.locate()
	if err != nil {
		return nil, nil, err
	}
	change, err := series.Load(root)
	if err != nil {
		return nil, nil, err
	}
	list, err := toCompare(change, args)
	if err != nil {
		return nil, nil, command.Usagef("%v", err)
	}
	return change, list, nil
}

// seriesDiff prints the comparison, with whole patches or only their states.
func (env seriesCommands) seriesDiff(ctx context.Context, args []string, whole bool) error {
	change, comparisons, err := env.comparisons(args)
	if err != nil {
		return err
	}
	cache, err := env.checkedCache()
	if err != nil {
		return err
	}
	for _, d := range comparisons {
		d.Options = worktree.Options{Change: change, Cache: cache, Progress: env.ui.Progress()}
		pairs, err := worktree.Diff(ctx, d)
		if err != nil {
			return err
		}
		if len(comparisons) > 1 {
			if _, err := fmt.Fprintf(env.stdout, "%s\n", d.Series.Key); err != nil {
				return fmt.Errorf("print the comparison: %w", err)
			}
		}
		if err := env.printPairs(pairs, whole); err != nil {
			return err
		}
	}
	return nil
}

// toCompare returns the series to compare and their two versions or bases.
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
		return nil, fmt.Errorf("compare %s: a second version or base is needed", words[0])
	}
	return []worktree.DiffOptions{d}, nil
}

// printPairs prints a comparison.
func (env seriesCommands) printPairs(pairs []worktree.Pair, whole bool) error {
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
