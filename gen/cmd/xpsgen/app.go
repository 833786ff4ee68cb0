// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// newApp builds the command tree. It is built anew for every run, since
// urfave/cli keeps parse state in it.
func newApp(env *environment, args []string) *cli.App {
	// urfave/cli crashes on half a flag when both are on.
	short := !completing(args)
	app := &cli.App{
		Name:      "xpsgen",
		Usage:     "boot, test and describe the XPS BPF hook",
		UsageText: "xpsgen [global options] COMMAND [options] [arguments]",
		Description: "Examples:\n" +
			"  xpsgen vmtest                        test the patched kernel\n" +
			"  xpsgen vmtest --run control/a24      one assertion\n" +
			"  xpsgen vm shell                      look around in the guest\n" +
			"  go test -exec 'xpsgen vm run --' ./bpf/xps\n" +
			"  xpsgen doctor                        what this machine lacks\n\n" +
			"Exit codes: 0 passed, 1 tests or checks failed, 2 usage,\n" +
			"69 the workbench could not do its work.",
		Writer:                 env.stdout,
		ErrWriter:              env.stderr,
		Reader:                 env.stdin,
		HideVersion:            true,
		HideHelpCommand:        true,
		EnableBashCompletion:   true,
		UseShortOptionHandling: short,
		Flags:                  env.globalFlags(),
		Before:                 env.before,
		// run maps errors to exit codes; the default handler would exit by
		// itself for anything with an ExitCode method, *exec.ExitError too.
		ExitErrHandler: func(*cli.Context, error) {},
		Commands: []*cli.Command{
			vmtestCommand(env),
			vmCommand(env),
			buildsCommand(env),
			mutantsCommand(env),
			bisectCommand(env),
			benchCommand(env),
			reportCommand(env),
			uapiCommand(env),
			seriesCommand(env),
			treeCommand(env),
			doctorCommand(env),
			depsCommand(env),
			completionCommand(env),
		},
		Action: group("xpsgen"),
	}
	app.OnUsageError = onUsageError("xpsgen")
	finish("xpsgen", app.Commands, short)
	return app
}

// finish gives every command what urfave/cli does only for the root: usage
// errors on stderr without a page of help, and refusal of words that no
// command takes.
func finish(path string, commands []*cli.Command, short bool) {
	for _, c := range commands {
		full := path + " " + c.Name
		c.OnUsageError = onUsageError(full)
		c.HideHelpCommand = true
		c.UseShortOptionHandling = short
		if len(c.Subcommands) > 0 {
			finish(full, c.Subcommands, short)
			if c.Action == nil {
				c.Action = group(full)
			}
		}
	}
}

func onUsageError(command string) cli.OnUsageErrorFunc {
	return func(_ *cli.Context, err error, _ bool) error {
		return &usageError{text: err.Error(), command: command}
	}
}

// group is the action of a command that only has subcommands: help when
// nothing follows, a usage error for an unknown word.
func group(path string) cli.ActionFunc {
	return func(c *cli.Context) error {
		if c.Args().Len() == 0 {
			if len(c.Command.Subcommands) > 0 && c.App != nil && c.Command.Name != c.App.Name {
				return cli.ShowSubcommandHelp(c)
			}
			return cli.ShowAppHelp(c)
		}
		return &usageError{
			text:    fmt.Sprintf("unknown command %q", c.Args().First()),
			command: path,
		}
	}
}

// noArguments refuses words left over after the flags; one that looks like a
// flag gets the hint that flags come first.
func noArguments(c *cli.Context) error {
	if c.Args().Len() == 0 {
		return nil
	}
	word := c.Args().First()
	text := fmt.Sprintf("unexpected argument %q", word)
	if strings.HasPrefix(word, "-") {
		text += ": flags stand before arguments"
	}
	return &usageError{text: text, command: c.Command.HelpName}
}
