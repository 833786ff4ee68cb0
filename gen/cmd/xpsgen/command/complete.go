// SPDX-License-Identifier: GPL-2.0-only OR MIT

package command

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

// Candidate is a completion.
type Candidate struct {
	Word string
	// Help explains the word. It may be empty.
	Help string
}

// Complete returns the completions of the last of words, which are a command line
// without the program's name. files says that file names complete it too.
func Complete(root *Command, words []string) (candidates []Candidate, files bool) {
	root.link()
	if len(words) == 0 {
		words = []string{""}
	}
	last := words[len(words)-1]
	before := words[:len(words)-1]
	c := &call{command: root}
	for len(before) > 0 {
		word := before[0]
		before = before[1:]
		switch {
		case word == "--":
			return nil, true
		case len(word) > 1 && word[0] == '-':
			f := c.command.flag(strings.SplitN(word, "=", 2)[0])
			if f == nil || f.To.isBool() || strings.Contains(word, "=") {
				continue
			}
			if len(before) == 0 {
				return f.candidates(last, "")
			}
			// Completions of later words may depend on it. Ignore a wrong value:
			// running the command reports it.
			_ = f.To.Set(before[0])
			before = before[1:]
		case len(c.command.Commands) > 0:
			sub := c.command.find(word)
			if sub == nil {
				return nil, false
			}
			c.command = sub
		default:
			c.args = append(c.args, word)
		}
	}
	if c.command.Program && len(c.args) > 0 {
		return nil, true
	}
	switch name, value, joined := strings.Cut(last, "="); {
	case joined && strings.HasPrefix(name, "-"):
		if f := c.command.flag(name); f != nil {
			return f.candidates(value, name+"=")
		}
		return nil, true
	case strings.HasPrefix(last, "-"):
		return c.command.flagCandidates(last), false
	}
	for _, sub := range c.command.Commands {
		if strings.HasPrefix(sub.Name, last) {
			candidates = append(candidates, Candidate{sub.Name, sub.Short})
		}
	}
	if len(c.command.Commands) > 0 || len(c.command.Args) == 0 {
		return candidates, false
	}
	a := c.command.Args[min(len(c.args), len(c.command.Args)-1)]
	if len(c.args) >= len(c.command.Args) && !a.Repeat {
		return nil, false
	}
	if a.Values == nil {
		return nil, true
	}
	return starting(a.Values(), last, ""), false
}

// candidates are the values that f may have.
func (f *Flag) candidates(begun, prefix string) ([]Candidate, bool) {
	words := f.To.choices()
	if f.Values != nil {
		words = f.Values()
	}
	if words == nil {
		return nil, true
	}
	return starting(words, begun, prefix), false
}

func starting(words []string, begun, prefix string) []Candidate {
	var all []Candidate
	for _, w := range words {
		if strings.HasPrefix(w, begun) {
			all = append(all, Candidate{Word: prefix + w})
		}
	}
	return all
}

func (c *Command) flagCandidates(begun string) []Candidate {
	var all []Candidate
	for _, f := range slices.Concat(c.Flags, c.root().Flags, []Flag{{Name: "help", Help: "show help"}}) {
		if word := "--" + f.Name; strings.HasPrefix(word, begun) {
			all = append(all, Candidate{word, f.Help})
		}
	}
	return all
}

//go:embed complete.bash
var bashScript string

//go:embed complete.zsh
var zshScript string

//go:embed complete.fish
var fishScript string

// Shells are the shells that [Script] supports.
func Shells() []string { return []string{"bash", "zsh", "fish"} }

// Script returns the completion script of shell for the program called name. The script
// runs "name __complete SHELL WORD...", so it always agrees with the declarations.
func Script(shell, name string) string {
	script := map[string]string{"bash": bashScript, "zsh": zshScript, "fish": fishScript}[shell]
	return strings.ReplaceAll(script, "PROGRAM", name)
}

// Answer formats candidates for the script of shell.
func Answer(shell string, candidates []Candidate, files bool) string {
	var b strings.Builder
	if files {
		b.WriteString(":files\n")
	}
	for _, c := range candidates {
		switch {
		case shell == "zsh":
			fmt.Fprintf(&b, "%s:%s\n", strings.ReplaceAll(c.Word, ":", `\:`), c.Help)
		case shell == "fish" && c.Help != "":
			fmt.Fprintf(&b, "%s\t%s\n", c.Word, c.Help)
		default:
			fmt.Fprintf(&b, "%s\n", c.Word)
		}
	}
	return b.String()
}
