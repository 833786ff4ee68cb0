// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

func uapiIncludeCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:  "include",
		Usage: "install the headers and print their directories, one a line",
		Description: "For a C compiler's -I, and for --include of the other commands.\n\n" +
			"Example:\n" +
			"  cc -I \"$(xpsgen uapi include --base net-next)\" prog.c",
		Flags:  headerFlags(),
		Action: env.uapiInclude,
	}
}

func (env *environment) uapiInclude(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	j, err := env.uapiJob(c)
	if err != nil {
		return err
	}
	arch, err := j.oneArch()
	if err != nil {
		return err
	}
	src, _, err := j.openHeaders(c.Context, arch)
	if err != nil {
		return err
	}
	// NB: not closed. It lies in the cache, and is to stay.
	if _, err := fmt.Fprintln(env.stdout, strings.Join(src.Dirs, "\n")); err != nil {
		return fmt.Errorf("print the directory: %w", err)
	}
	return nil
}
