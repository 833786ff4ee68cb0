// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"golang.org/x/term"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/deps"
)

func depsCommand(env *environment) *command.Command {
	var o struct {
		groups []string
		check  bool
	}
	return &command.Command{
		Name:  "deps",
		Short: "install missing dependencies",
		Long: "Tests each program, header and library by using it. Installs the missing ones with apt, as root or through sudo. " +
			"If it can use neither, it prints what to install and exits with 69. The programs of group prove are not installed, but unpacked into the cache. Prints nothing if nothing is missing.",
		Flags: []command.Flag{
			{Name: "for", Arg: "GROUP", To: command.Choices(&o.groups, append(groupNames(), "all")...),
				Help: "group of dependencies; default vmtest and bpf"},
			{Name: "check", To: command.Bool(&o.check), Help: "install nothing; exit with 1 if a dependency is missing"},
		},
		Examples: []command.Example{
			{Line: "deps"},
			{Line: "deps --check"},
			{Line: "deps --for series"},
			{Line: "deps --for prove", Note: "fetch CBMC and herd7 before the first proof"},
		},
		Exits: []command.Exit{{Code: 1, Meaning: "with --check, a dependency is missing"}},
		Run: func(ctx context.Context, _ []string) error {
			want, cacheDir := deps.Of(groupsOf(o.groups)...), ""
			if deps.InCache(want) {
				var err error
				if cacheDir, err = env.cacheDirectory(); err != nil {
					return err
				}
			}
			missing, err := deps.Missing(ctx, want, cacheDir)
			if err != nil {
				return err
			}
			if len(missing) == 0 {
				return nil
			}
			if o.check {
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
			return deps.Install(ctx, missing, deps.InstallOptions{
				Interactive: term.IsTerminal(int(env.stdin.Fd())),
				Log:         log,
				Progress:    env.ui.Progress(),
				Cache:       cacheDir,
			})
		},
	}
}

func groupNames() (names []string) {
	for _, g := range deps.Groups() {
		names = append(names, string(g))
	}
	return names
}

// groupsOf returns the groups called names, or the common ones if there are no names.
func groupsOf(names []string) (groups []deps.Group) {
	if len(names) == 0 {
		return deps.Common()
	}
	if slices.Contains(names, "all") {
		return deps.Groups()
	}
	for _, name := range names {
		groups = append(groups, deps.Group(name))
	}
	return groups
}
