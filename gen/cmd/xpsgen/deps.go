// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

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
			"  xpsgen deps --check\n" +
			"  xpsgen deps --for series",
		Flags: []cli.Flag{
			&cli.StringSliceFlag{
				Name: "for",
				Usage: "for `GROUP`: " + groupNames() + ", or all; may be repeated; default what make vmtest\n" +
					"and the guest need",
			},
			&cli.BoolFlag{Name: "check", Usage: "look only; exit 1 if something is missing"},
		},
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			groups, err := groupsOf(c.StringSlice("for"))
			if err != nil {
				return err
			}
			missing, err := deps.Missing(c.Context, deps.Of(groups...))
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

// groupNames lists the groups for people.
func groupNames() string {
	var names []string
	for _, g := range deps.Groups() {
		names = append(names, string(g))
	}
	return strings.Join(names, ", ")
}

// groupsOf reads --for.
func groupsOf(names []string) ([]deps.Group, error) {
	if len(names) == 0 {
		return deps.Common(), nil
	}
	var groups []deps.Group
	for _, name := range names {
		switch g := deps.Group(name); {
		case name == "all":
			return deps.Groups(), nil
		case slices.Contains(deps.Groups(), g):
			groups = append(groups, g)
		default:
			return nil, &usageError{text: fmt.Sprintf("nothing is needed for %q: want %s, or all", name, groupNames()), command: "xpsgen deps"}
		}
	}
	return groups, nil
}
