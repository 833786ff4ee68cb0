// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"xpsgen/vmtest/tree"
)

func treeCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:  "tree",
		Usage: "obtain bases and apply the series",
		Subcommands: []*cli.Command{{
			Name:  "apply",
			Usage: "apply both series to their bases, and say where each tree is",
			Description: "Nothing is compiled. Prints, for each project, the version, the commit and\n" +
				"the git directory that holds it.\n\n" +
				"Example:\n" +
				"  xpsgen tree apply",
			Flags:  sourceFlags(),
			Action: env.treeApply,
		}, treeCheckoutCommand(env)},
	}
}

func (env *environment) treeApply(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	src, err := env.source(c)
	if err != nil {
		return err
	}
	kernel, err := src.OpenKernel(c.Context)
	if err != nil {
		return err
	}
	iproute2, err := src.OpenIPRoute2(c.Context)
	if err != nil {
		return err
	}
	for _, s := range []*tree.Source{kernel, iproute2} {
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
