// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package command declares commands. A declaration has the flags, arguments, examples
// and exit codes of a command, and what it needs of the machine. Parsing, help,
// completion, the man page and the reference in docs come from the declaration.
//
// urfave/cli dispatches. This package adds what version 2 of it lacks: flags anywhere,
// usage errors of one line on stderr, and suggestions for unknown words.
package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Command is a command, or a group of commands.
type Command struct {
	// Name is the word to type; for the root, the program's name.
	Name string
	// Short describes the command in a few words, without a full stop.
	Short string
	// Long is the description: paragraphs separated by empty lines. Help
	// wraps them; a paragraph that is indented stays as written.
	Long string
	// Args are the arguments in order. Only the last may repeat. Optional ones may
	// precede required ones.
	Args []Arg
	// Program says that the arguments are the command line of another program. Words
	// after the first argument are not parsed.
	Program bool
	// Flags are the flags of this command. Those of the root may be given with
	// every command.
	Flags []Flag
	// Examples are lines to type, without the program's name.
	Examples []Example
	// Exits are exit codes with another meaning than in [Exits]. A command that can
	// return 1 must have it here, unless it only has subcommands.
	Exits []Exit
	// Needs are groups of dependencies, for doctor.
	Needs []string
	// Valid checks flags and arguments before the command runs. It must have no side
	// effects. Make its errors with [Usagef]. May be nil.
	Valid func(args []string) error
	// Run does the work. A group without it shows its help.
	Run func(ctx context.Context, args []string) error
	// Commands are the subcommands of a group. A group takes no arguments.
	Commands []*Command

	parent *Command
}

// Arg is an argument.
type Arg struct {
	// Name is its placeholder: "BASE".
	Name string
	// Help describes the argument.
	Help string
	// Optional says that it may be left out. Repeat says that several may be given.
	Optional, Repeat bool
	// Values returns the completions. Nil means file names.
	Values func() []string
}

// Flag is a flag.
type Flag struct {
	// Name is without dashes: "base". Letter is its short form, or empty.
	Name, Letter string
	// Arg is the placeholder of the value: "NAME". It is empty for a flag
	// without a value.
	Arg string
	// Help describes the flag. The default, the choices and the variable
	// are added to it.
	Help string
	// Env is the environment variable that sets the flag if the command line does not.
	// May be empty.
	Env string
	// To is the destination of the value.
	To Value
	// Values returns the completions of the value. Nil means the choices of To, or file
	// names.
	Values func() []string
}

// Example is a line to type.
type Example struct {
	// Line is without the program's name: "vmtest --run control/a24". A line that
	// begins with "$ " is the command line of another program.
	Line string
	// Note explains it in a few words. May be empty.
	Note string
}

// Exit is an exit code.
type Exit struct {
	Code    int
	Meaning string
}

// Exits are the exit codes of all commands, unless [Command.Exits] changes them. Only
// commands that declare 1 return it.
func Exits() []Exit {
	return []Exit{
		{0, "success"},
		{1, "tests or checks failed, or a patch does not apply or build"},
		{2, "usage error"},
		{69, "the workbench could not do its work"},
		{129, "ended by SIGHUP"},
		{130, "interrupted (SIGINT)"},
		{143, "terminated (SIGTERM)"},
	}
}

// UsageError is an invalid command line.
type UsageError struct {
	// Text says why.
	Text string
	// Command is the command to ask for help: "xpsgen vmtest".
	Command string
}

func (e *UsageError) Error() string { return e.Text }

// Usagef returns a usage error. The parser fills in the command.
func Usagef(format string, args ...any) error {
	return &UsageError{Text: fmt.Sprintf(format, args...)}
}

// Path is the full name of the command: "xpsgen vm run".
func (c *Command) Path() string {
	if c.parent == nil {
		return c.Name
	}
	return c.parent.Path() + " " + c.Name
}

// link sets the parents below c.
func (c *Command) link() {
	for _, sub := range c.Commands {
		sub.parent = c
		sub.link()
	}
}

// root is the outermost command.
func (c *Command) root() *Command {
	for c.parent != nil {
		c = c.parent
	}
	return c
}

// find returns the subcommand called name.
func (c *Command) find(name string) *Command {
	for _, sub := range c.Commands {
		if sub.Name == name {
			return sub
		}
	}
	return nil
}

// flag returns the flag that word names: "--base", "-base" or "-j". It is one
// of c's own or of the root.
func (c *Command) flag(word string) *Flag {
	for _, flags := range [][]Flag{c.Flags, c.root().Flags} {
		for i, f := range flags {
			if word == "--"+f.Name || word == "-"+f.Name || f.Letter != "" && word == "-"+f.Letter {
				return &flags[i]
			}
		}
	}
	return nil
}

// Walk calls visit for c and all commands below it, in order.
func (c *Command) Walk(visit func(*Command)) {
	c.link()
	visit(c)
	for _, sub := range c.Commands {
		sub.Walk(visit)
	}
}

// Check validates the declarations of c and of all commands below it.
func (c *Command) Check() error {
	var errs []error
	c.Walk(func(c *Command) {
		fail := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("%s: %s", c.Path(), fmt.Sprintf(format, args...)))
		}
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			fail("Short is %q", c.Short)
		}
		if c.Run == nil && len(c.Commands) == 0 || len(c.Args) > 0 && len(c.Commands) > 0 {
			fail("must have Run or Commands, and Commands exclude Args")
		}
		if len(c.Examples) == 0 {
			fail("no example")
		}
		for i, a := range c.Args {
			if a.Repeat && i < len(c.Args)-1 || a.Help == "" {
				fail("argument %s: only the last repeats, and each has Help", a.Name)
			}
		}
		var names []string
		for _, f := range c.Flags {
			switch {
			case f.To == nil:
				fail("--%s: no destination", f.Name)
			case (f.Arg == "") != f.To.isBool():
				fail("--%s: a placeholder if and only if it takes a value", f.Name)
			case f.Help == "":
				fail("--%s: no help", f.Name)
			case slices.Contains(names, f.Name) || f.Letter != "" && slices.Contains(names, f.Letter):
				fail("--%s: declared twice", f.Name)
			}
			names = append(names, f.Name)
			if f.Letter != "" {
				names = append(names, f.Letter)
			}
		}
	})
	return errors.Join(errs...)
}
