// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"xpsgen/vmtest"
)

func mutantsCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:      "mutants",
		Usage:     "put each defect of the RFC back: the suite must notice",
		ArgsUsage: "[NAME]...",
		Description: "Each patch under vmtest/mutants is applied on top of the series, built and\n" +
			"booted; the assertions that it names must fail. Results as KTAP on stdout, one\n" +
			"test per mutant, and under out/mutants.\n\n" +
			"Examples:\n" +
			"  xpsgen mutants\n" +
			"  xpsgen mutants off-is-a-bad-fd",
		Flags: append(append(sourceFlags(), machineFlags()...),
			&cli.BoolFlag{Name: "list", Usage: "name the mutants and do nothing"}),
		Action: func(c *cli.Context) error {
			src, err := env.source(c)
			if err != nil {
				return err
			}
			mutants, err := vmtest.LoadMutants(filepath.Join(src.Root, "vmtest", "mutants"), c.Args().Slice())
			if err != nil {
				return err
			}
			if c.Bool("list") {
				for _, m := range mutants {
					if _, err := fmt.Fprintf(env.stdout, "%s\t%s\n", m.Name, m.Title); err != nil {
						return fmt.Errorf("print the list: %w", err)
					}
				}
				return nil
			}
			machine, err := env.machine(c)
			if err != nil {
				return err
			}
			survivors, err := vmtest.RunMutants(c.Context, vmtest.MutantOptions{
				Source:  src,
				Machine: machine,
				Mutants: mutants,
				Out:     filepath.Join(src.Root, "out", "mutants"),
				KTAP:    env.results(),
			})
			if err != nil {
				return err
			}
			env.ui.Verdict(survivors == 0, fmt.Sprintf("%d mutants, %d survived", len(mutants), survivors))
			if survivors > 0 {
				return &statusError{code: exitFailed}
			}
			return nil
		},
	}
}
