// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import "xpsgen/gen/cmd/xpsgen/command"

func seriesCommand(env seriesCommands) *command.Command {
	return &command.Command{
		Name:  "series",
		Short: "maintain the series and write its mails",
		Long:  "No command sends mail. No command signs off for anybody, except series export with --sign-off, which asks first.",
		Examples: []command.Example{
			{Line: "tree checkout net-next", Note: "edit the series with git"},
			{Line: "series refresh net-next", Note: "write the commits to the patch files"},
			{Line: "series check", Note: "run the checks of netdev's CI"},
			{Line: "series export -o DIR", Note: "write the mails, and list what is missing"},
		},
		Commands: []*command.Command{
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

// seriesExit explains exit code 1 of commands that depend on the state of the series.
var seriesExit = []command.Exit{{Code: 1, Meaning: "the state of the series or its tree does not allow the operation; the error says why"}}
