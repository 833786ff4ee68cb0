// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"xpsgen/vmtest/deps"
)

func depsCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:  "deps",
		Usage: "install what the workbench needs and the machine lacks",
		Description: "Looks for programs, headers and libraries by using them; what is missing is\n" +
			"installed with apt, as root or through sudo. Elsewhere the list of what is\n" +
			"missing is printed. Silent when there is nothing to do.\n\n" +
			"Examples:\n" +
			"  xpsgen deps\n" +
			"  xpsgen deps --check",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "check", Usage: "look only; exit 1 if something is missing"},
		},
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			missing, err := deps.Missing(c.Context, deps.All())
			if err != nil {
				return err
			}
			if len(missing) == 0 {
				return nil
			}
			if c.Bool("check") {
				for _, m := range missing {
					if _, err := fmt.Fprintf(env.stdout, "%s\t%s\t%s\n", m.Name, m.Package, m.Why); err != nil {
						return fmt.Errorf("print the list: %w", err)
					}
				}
				return &statusError{code: exitFailed}
			}
			log := io.Discard
			if env.verbose > 0 {
				log = env.stderr
			}
			return deps.Install(c.Context, missing, deps.InstallOptions{
				Interactive: term.IsTerminal(int(env.stdin.Fd())),
				Log:         log,
				Progress:    env.ui.Progress(),
			})
		},
	}
}
