// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"
	"runtime"

	"xpsgen/vmtest/prepare"

	"github.com/urfave/cli/v2"
)

// sourceFlags choose what is built: shared by every command that boots.
func sourceFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{
			Name: "base", EnvVars: []string{"XPSGEN_BASE"},
			Usage: "kernel base `NAME` of series.toml, or all for each in turn where that makes sense; default the first",
		},
		&cli.StringFlag{
			Name: "kernel", EnvVars: []string{"XPSGEN_KERNEL"},
			Usage: "kernel source `DIR` to apply the series to, instead of the base's; it stays as it was",
		},
		&cli.StringFlag{
			Name: "iproute2", EnvVars: []string{"XPSGEN_IPROUTE2"},
			Usage: "iproute2 source `DIR`, likewise",
		},
		&cli.StringSliceFlag{
			Name: "config", EnvVars: []string{"XPSGEN_CONFIG"},
			Usage: "more Kconfig: the `NAME` of a fragment in vmtest/config, or a file; may be repeated",
		},
		&cli.IntFlag{
			Name: "jobs", Aliases: []string{"j"}, Value: runtime.NumCPU(),
			Usage: "`N` jobs of a build",
		},
	}
}

// bases are the kernel bases that the user asks for, and whether it was for
// all of them.
func (env *environment) bases(c *cli.Context) (names []string, all bool, err error) {
	root, _, err := env.paths(c)
	if err != nil {
		return nil, false, err
	}
	all = c.String("base") == prepare.AllBases
	if all && c.String("kernel") != "" {
		return nil, false, &usageError{
			text:    "--kernel is one tree, so --base names the one series to apply to it and not all",
			command: c.Command.HelpName,
		}
	}
	names, err = prepare.Bases(root, c.String("base"))
	return names, all, err
}

// source is what the user wants built, for a command that works on one base.
func (env *environment) source(c *cli.Context) (prepare.Source, error) {
	if c.String("base") == prepare.AllBases {
		return prepare.Source{}, &usageError{
			text:    c.Command.HelpName + " works on one base: name it",
			command: c.Command.HelpName,
		}
	}
	return env.anySource(c)
}

// anySource is source for a command that can take [prepare.AllBases] apart.
func (env *environment) anySource(c *cli.Context) (prepare.Source, error) {
	root, cache, err := env.paths(c)
	if err != nil {
		return prepare.Source{}, err
	}
	if c.Int("jobs") < 1 {
		return prepare.Source{}, &usageError{
			text:    fmt.Sprintf("--jobs: %d is less than 1", c.Int("jobs")),
			command: c.Command.HelpName,
		}
	}
	s := prepare.Source{
		Root:      root,
		Cache:     cache,
		Base:      c.String("base"),
		KernelDir: c.String("kernel"),
		IPDir:     c.String("iproute2"),
		Fragments: c.StringSlice("config"),
		Jobs:      c.Int("jobs"),
		Progress:  env.ui.Progress(),
	}
	if s.Base == "" {
		s.Base = s.BaseName()
	}
	return s, nil
}
