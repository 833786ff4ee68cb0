// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/workbench"
)

// legacy is a command that is declared for urfave/cli itself.
func (env *environment) legacy(name, short string) *command.Command {
	return &command.Command{
		Name: name, Short: short, Program: true, Raw: true,
		Args:     []command.Arg{{Name: "COMMAND", Optional: true, Repeat: true, Help: "see xpsgen " + name + " --help"}},
		Examples: []command.Example{{Line: name + " --help"}},
		Run: func(ctx context.Context, args []string) error {
			line := []string{"xpsgen", "--root", env.root, "--cache", env.cache, name}
			app := env.legacyApp()
			return app.RunContext(ctx, permute(app, append(line, args...)))
		},
	}
}

func (env *environment) legacyApp() *cli.App {
	app := &cli.App{
		Name:                   "xpsgen",
		Writer:                 env.stdout,
		ErrWriter:              env.stderr,
		Reader:                 env.stdin,
		HideVersion:            true,
		HideHelpCommand:        true,
		UseShortOptionHandling: true,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "root"},
			&cli.StringFlag{Name: "cache"},
		},
		ExitErrHandler: func(*cli.Context, error) {},
		Commands: []*cli.Command{
			uapiCommand(env),
			seriesCommand(env),
			treeCommand(env),
		},
		Action: group("xpsgen"),
	}
	app.OnUsageError = onUsageError("xpsgen")
	finish("xpsgen", app.Commands, true)
	return app
}

// cacheDir is --cache, $XPSGEN_CACHE, or xpsgen under the user's own.
func (env *environment) cacheDir(c *cli.Context) (string, error) {
	if dir := c.String("cache"); dir != "" {
		return filepath.Abs(dir)
	}
	return env.checkedCache()
}

// paths is locate for commands that are declared for urfave/cli.
func (env *environment) paths(c *cli.Context) (root, cache string, err error) {
	cache, err = env.cacheDir(c)
	if err != nil {
		return "", "", err
	}
	root, err = workbench.Find(c.String("root"), cache)
	if err != nil {
		return "", "", err
	}
	return root, cache, nil
}

// ownPaths is paths for commands that change files of the workbench: the user
// has to stand in it or to name it.
func (env *environment) ownPaths(c *cli.Context) (root, cache string, err error) {
	if root, err = workbench.Nearest(c.String("root")); err != nil {
		return "", "", err
	}
	cache, err = env.cacheDir(c)
	return root, cache, err
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
