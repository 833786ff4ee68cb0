// SPDX-License-Identifier: GPL-2.0-only OR MIT

package command

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"
)

// ErrDone is returned by [Options.Ready] if the command must not run.
var ErrDone = errors.New("done")

// Options are the options of [Run].
type Options struct {
	// Stdout receives help.
	Stdout io.Writer
	// Ready is called when the flags are set and before the command runs. May
	// be nil.
	Ready func() error
	// Getenv returns an environment variable; nil means [os.Getenv].
	Getenv func(string) string
}

// Run runs the command of args, which begin with the program's name. It returns
// a [*UsageError] for an invalid command line, before any command runs. The
// command itself may return one as well.
func Run(ctx context.Context, root *Command, args []string, opt Options) error {
	if opt.Getenv == nil {
		opt.Getenv = os.Getenv
	}
	root.link()
	c, err := parse(root, args[1:])
	if err != nil {
		return err
	}
	if c.help {
		return c.command.Help(opt.Stdout)
	}
	if err := c.set(opt.Getenv); err != nil {
		return err
	}
	if opt.Ready != nil {
		switch err := opt.Ready(); {
		case errors.Is(err, ErrDone):
			return nil
		case err != nil:
			return c.named(err)
		}
	}
	if c.command.Run == nil {
		return c.command.Help(opt.Stdout)
	}
	if c.command.Valid != nil {
		if err := c.named(c.command.Valid(c.args)); err != nil {
			return err
		}
	}
	app := &cli.App{
		Name: root.Name, HideHelp: true, HideVersion: true, Writer: opt.Stdout, ErrWriter: io.Discard,
		// The caller maps errors to exit codes; the default handler would exit
		// by itself for anything with an ExitCode method, *exec.ExitError too.
		ExitErrHandler: func(*cli.Context, error) {},
		Commands:       []*cli.Command{c.action()},
	}
	return c.named(app.RunContext(ctx, append([]string{root.Name, c.command.Name, "--"}, c.args...)))
}

// Dry parses args, which begin with the program's name, sets the flags and
// calls [Command.Valid], without running anything. It ignores environment
// variables.
func Dry(root *Command, args []string) error {
	root.link()
	c, err := parse(root, args[1:])
	if err != nil || c.help {
		return err
	}
	if err := c.set(func(string) string { return "" }); err != nil {
		return err
	}
	if c.command.Valid != nil {
		return c.named(c.command.Valid(c.args))
	}
	return nil
}

// action is the command for urfave/cli. Its flags are already set, since urfave/cli
// does not support flags after arguments.
func (c *call) action() *cli.Command {
	return &cli.Command{
		Name: c.command.Name, HideHelp: true,
		Action: func(ctx *cli.Context) error { return c.command.Run(ctx.Context, ctx.Args().Slice()) },
	}
}

// set sets flags from the command line, and the others from their environment
// variables. A flag that takes one value must not be given two.
func (c *call) set(getenv func(string) string) error {
	seen := map[*Flag]string{}
	for _, g := range c.flags {
		if before, twice := seen[g.flag]; twice && before != g.value && single(g.flag.To) {
			return c.usage("%s takes one value: got %q and %q", g.word, before, g.value)
		}
		seen[g.flag] = g.value
		if err := g.flag.To.Set(g.value); err != nil {
			return c.usage("%s %q: %v", g.word, g.value, err)
		}
	}
	for _, flags := range [][]Flag{c.command.Flags, c.command.root().Flags} {
		for i := range flags {
			f := &flags[i]
			if _, given := seen[f]; given || f.Env == "" {
				continue
			}
			if text := getenv(f.Env); text != "" {
				if err := setAll(f.To, text); err != nil {
					return c.usage("$%s %q: %v", f.Env, text, err)
				}
			}
		}
	}
	return nil
}

// single reports whether a flag takes one value only.
func single(v Value) bool {
	_, many := v.(*list)
	return !many && !v.isBool()
}

// setAll sets a value from an environment variable. A list is separated by commas.
func setAll(to Value, text string) error {
	if _, many := to.(*list); !many {
		return to.Set(text)
	}
	for one := range strings.SplitSeq(text, ",") {
		if err := to.Set(one); err != nil {
			return err
		}
	}
	return nil
}

// named sets the command of a usage error that has none.
func (c *call) named(err error) error {
	var usage *UsageError
	if errors.As(err, &usage) && usage.Command == "" {
		usage.Command = c.command.Path()
	}
	return err
}
