// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"xpsgen/vmtest/tree"
	"xpsgen/vmtest/tree/manifest"
)

func treeCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:  "tree",
		Usage: "obtain bases and apply the series",
		Subcommands: []*cli.Command{{
			Name:      "apply",
			Usage:     "apply the series to their bases, and say where each tree is",
			ArgsUsage: "[SERIES/BASE | BASE]...",
			Description: "Nothing is compiled. Prints, for each tree, its name, the commit and the git\n" +
				"directory that holds it. SERIES/BASE is a series on what it stands on, BASE all\n" +
				"series of a base. Without arguments it is what a guest is made of.\n\n" +
				"Examples:\n" +
				"  xpsgen tree apply\n" +
				"  xpsgen tree apply hook/net-next 6.12",
			Flags:        sourceFlags(),
			Action:       env.treeApply,
			BashComplete: env.completeThreads,
		}, treeCheckoutCommand(env)},
	}
}

func (env *environment) treeApply(c *cli.Context) error {
	var trees []*tree.Source
	var err error
	if c.Args().Len() > 0 {
		trees, err = env.namedTrees(c)
	} else {
		trees, err = env.guestTrees(c)
	}
	if err != nil {
		return err
	}
	for _, s := range trees {
		commit, err := s.Commit(c.Context)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(env.stdout, "%s\t%s\t%s\n", s.Name(), commit, s.GitDir()); err != nil {
			return fmt.Errorf("print the trees: %w", err)
		}
	}
	return nil
}

// guestTrees are those of the guest's kernel and ip.
func (env *environment) guestTrees(c *cli.Context) ([]*tree.Source, error) {
	src, err := env.source(c)
	if err != nil {
		return nil, err
	}
	kernel, err := src.OpenKernel(c.Context)
	if err != nil {
		return nil, err
	}
	ip, err := src.OpenIP(c.Context)
	if ip == nil || err != nil {
		return []*tree.Source{kernel}, err
	}
	return []*tree.Source{kernel, ip}, nil
}

// namedTrees are those that the arguments name.
func (env *environment) namedTrees(c *cli.Context) (trees []*tree.Source, err error) {
	for _, name := range []string{"base", "kernel", "iproute2"} {
		if c.IsSet(name) {
			return nil, &usageError{text: fmt.Sprintf("--%s is for a guest's trees: name no series and no base beside it", name), command: c.Command.HelpName}
		}
	}
	root, cache, err := env.paths(c)
	if err != nil {
		return nil, err
	}
	change, err := manifest.LoadChange(root)
	if err != nil {
		return nil, err
	}
	for _, word := range c.Args().Slice() {
		opt := tree.Options{Cache: cache, Progress: env.ui.Progress()}
		if p, b := change.FindBase(word); b != nil {
			opt.Project, opt.Base = p, b.Name
		} else {
			found, err := change.Resolve(word)
			if err == nil && len(found) > 1 {
				err = fmt.Errorf("%w: %s is on several bases: name one of %s", manifest.ErrNoThread, word, strings.Join(manifest.Names(found), ", "))
			}
			if err != nil {
				return nil, &usageError{text: err.Error(), command: c.Command.HelpName}
			}
			opt.Project, opt.Base = found[0].Project, found[0].Base.Name
			opt.Variant.Select.Only = []string{found[0].Series.Key}
		}
		s, err := tree.Open(c.Context, opt)
		if err != nil {
			return nil, err
		}
		trees = append(trees, s)
	}
	return trees, nil
}
