// SPDX-License-Identifier: GPL-2.0-only OR MIT

package command

import (
	"fmt"
	"slices"
	"strings"
)

// call is a parsed command line.
type call struct {
	command *Command
	// flags are in order; they belong to the command or to the root.
	flags []given
	args  []string
	// help says that the user requests help.
	help bool
}

// given is a flag with its value.
type given struct {
	flag *Flag
	// word is the flag on the command line: "--base", "-j".
	word, value string
}

// parse parses words, which are without the program's name. It sets no flag.
func parse(root *Command, words []string) (*call, error) {
	c := &call{command: root}
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		switch {
		case word == "--":
			if len(c.command.Commands) > 0 {
				if len(words) == 0 {
					return c, nil
				}
				return c, c.unknownCommand(words[0])
			}
			c.args = append(c.args, words...)
			return c, c.countArgs()
		case len(word) > 1 && word[0] == '-':
			rest, err := c.takeFlag(word, words)
			if err != nil {
				return c, err
			}
			words = rest
		case len(c.command.Commands) > 0:
			sub := c.command.find(word)
			if sub == nil {
				return c, c.unknownCommand(word)
			}
			if err := c.enter(sub); err != nil {
				return c, err
			}
		default:
			c.args = append(c.args, word)
			if c.command.Program {
				c.args = append(c.args, words...)
				words = nil
			}
		}
	}
	if c.help {
		return c, nil
	}
	return c, c.countArgs()
}

// enter continues with the subcommand sub. Flags of the group before it must be flags
// of sub as well.
func (c *call) enter(sub *Command) error {
	group := c.command
	c.command = sub
	for i, g := range c.flags {
		if !slices.ContainsFunc(group.Flags, func(f Flag) bool { return f.Name == g.flag.Name }) || group.parent == nil {
			continue
		}
		f := sub.flag(g.word)
		if f == nil {
			return c.unknownFlag(g.word)
		}
		c.flags[i].flag = f
	}
	return nil
}

// takeFlag adds the flag word. Its value may be the first of words. It returns the
// remaining words.
func (c *call) takeFlag(word string, words []string) ([]string, error) {
	name, value, joined := strings.Cut(word, "=")
	if name == "--help" || name == "-h" || name == "-help" {
		c.help = true
		return words, nil
	}
	f := c.command.flag(name)
	if f == nil {
		if letters, ok := c.letters(name); ok && !joined {
			c.flags = append(c.flags, letters...)
			return words, nil
		}
		return nil, c.unknownFlag(name)
	}
	switch {
	case joined:
	case f.To.isBool():
		value = "true"
	case len(words) == 0:
		return nil, c.usage("%s: %s is missing", name, f.Arg)
	default:
		value, words = words[0], words[1:]
	}
	c.flags = append(c.flags, given{f, name, value})
	return words, nil
}

// letters splits "-vq" into flags without values.
func (c *call) letters(word string) ([]given, bool) {
	if strings.HasPrefix(word, "--") {
		return nil, false
	}
	var all []given
	for _, letter := range word[1:] {
		f := c.command.flag("-" + string(letter))
		if f == nil || !f.To.isBool() {
			return nil, false
		}
		all = append(all, given{f, "-" + string(letter), "true"})
	}
	return all, true
}

// countArgs compares the arguments with the declared ones.
func (c *call) countArgs() error {
	declared := c.command.Args
	needed := 0
	for _, a := range declared {
		if a.Optional {
			continue
		}
		if needed++; needed > len(c.args) {
			return c.usage("%s is missing: %s", a.Name, a.Help)
		}
	}
	many := len(declared) > 0 && declared[len(declared)-1].Repeat
	if len(c.args) > len(declared) && !many && !c.command.Program && len(c.command.Commands) == 0 {
		return c.usage("unexpected argument %q", c.args[len(declared)])
	}
	return nil
}

func (c *call) usage(format string, args ...any) error {
	return &UsageError{Text: fmt.Sprintf(format, args...), Command: c.command.Path()}
}

func (c *call) unknownCommand(word string) error {
	var names []string
	for _, sub := range c.command.Commands {
		names = append(names, sub.Name)
	}
	if near := nearest(word, names); near != "" {
		return c.usage("unknown command %q; did you mean %s?", word, near)
	}
	return c.usage("unknown command %q; there are %s", word, either(names))
}

func (c *call) unknownFlag(word string) error {
	var names, elsewhere []string
	if p := c.command.parent; p != nil && p.parent != nil && p.flag(word) != nil {
		elsewhere = append(elsewhere, p.Path())
	}
	for _, flags := range [][]Flag{c.command.Flags, c.command.root().Flags} {
		for _, f := range flags {
			names = append(names, "--"+f.Name)
		}
	}
	c.command.root().Walk(func(o *Command) {
		if o != c.command && slices.ContainsFunc(o.Flags, func(f Flag) bool { return "--"+f.Name == word }) {
			elsewhere = append(elsewhere, o.Path())
		}
	})
	if near := nearest(word, names); near != "" {
		return c.usage("unknown flag %s; did you mean %s?", word, near)
	}
	if len(elsewhere) > 0 {
		return c.usage("unknown flag %s; it belongs to %s", word, elsewhere[0])
	}
	return c.usage("unknown flag %s", word)
}
