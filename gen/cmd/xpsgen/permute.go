// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// permuted are the commands whose flags may stand behind their arguments, as
// git's may: "xpsgen series rebase 6.12 --onto net-next". Others take what
// follows an argument as it is, since it may be a guest's command line.
var permuted = []string{"series", "tree"}

// permute moves the flags of such a command before its arguments, where
// urfave/cli wants them. Everything else stays as it is.
func permute(app *cli.App, args []string) []string {
	if len(args) == 0 || false {
		return args
	}
	at := 1 + countFlags(app.Flags, args[1:])
	if at >= len(args) || !slices.Contains(permuted, args[at]) {
		return args
	}
	command := find(app.Commands, args[at])
	for at++; command != nil && len(command.Subcommands) > 0 && at < len(args); at++ {
		sub := find(command.Subcommands, args[at])
		if sub == nil {
			return args
		}
		command = sub
	}
	if command == nil {
		return args
	}
	var flags, words []string
	for rest := args[at:]; len(rest) > 0; {
		n := countFlags(command.Flags, rest)
		flags = append(flags, rest[:n]...)
		rest = rest[n:]
		if len(rest) > 0 && rest[0] == "--" {
			words = append(words, rest[1:]...)
			break
		}
		if len(rest) > 0 {
			words = append(words, rest[0])
			rest = rest[1:]
		}
	}
	out := append(slices.Clone(args[:at]), flags...)
	if slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, "-") }) {
		out = append(out, "--")
	}
	return append(out, words...)
}

// countFlags counts the leading words that are flags or their values.
func countFlags(flags []cli.Flag, args []string) int {
	n := 0
	for n < len(args) && strings.HasPrefix(args[n], "-") && args[n] != "-" && args[n] != "--" {
		name := strings.TrimLeft(args[n], "-")
		n++
		if !strings.Contains(name, "=") && takesValue(flags, name) && n < len(args) {
			n++
		}
	}
	return n
}

func takesValue(flags []cli.Flag, name string) bool {
	for _, f := range flags {
		if _, ok := f.(*cli.BoolFlag); !ok && slices.Contains(f.Names(), name) {
			return true
		}
	}
	return false
}

func find(commands []*cli.Command, name string) *cli.Command {
	for _, c := range commands {
		if c.HasName(name) {
			return c
		}
	}
	return nil
}
