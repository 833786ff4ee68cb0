// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import "github.com/urfave/cli/v2"

func seriesCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:  "series",
		Usage: "take the change to the mailing lists",
		Description: "Nothing here sends mail, and nothing signs for anybody.\n\n" +
			"Examples:\n" +
			"  xpsgen tree checkout net-next        edit the series with git\n" +
			"  xpsgen series refresh net-next       write the commits back as patches\n" +
			"  xpsgen series check                  what a reviewer's program would find\n" +
			"  xpsgen series export -o DIR          the mails, and what they lack",
		Subcommands: []*cli.Command{
			seriesRefreshCommand(env),
			seriesRebaseCommand(env),
			seriesDiffCommand(env),
			seriesCheckCommand(env),
			seriesNIPACommand(env),
			seriesExportCommand(env),
			seriesSentCommand(env),
			seriesCreditCommand(env),
		},
	}
}
