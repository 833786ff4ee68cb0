// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"fmt"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/prepare"
)

// completeWord is what the shells' scripts call the program with.
const completeWord = "__complete"

func completionCommand(env *environment) *command.Command {
	return &command.Command{
		Name:  "completion",
		Short: "print a completion script",
		Args:  []command.Arg{{Name: "SHELL", Help: "bash, zsh or fish", Values: command.Shells}},
		Examples: []command.Example{
			{Line: "$ . <(xpsgen completion bash)", Note: "for this shell"},
			{Line: "completion zsh >\"${fpath[1]}/_xpsgen\""},
			{Line: "completion fish >~/.config/fish/completions/xpsgen.fish"},
		},
		Valid: func(args []string) error {
			if command.Script(args[0], "xpsgen") == "" {
				return command.Usagef("%q is not bash, zsh or fish", args[0])
			}
			return nil
		},
		Run: func(_ context.Context, args []string) error {
			if _, err := fmt.Fprint(env.stdout, command.Script(args[0], "xpsgen")); err != nil {
				return fmt.Errorf("print the script: %w", err)
			}
			return nil
		},
	}
}

// complete answers a shell. What cannot be completed is no error.
func (env *environment) complete(root *command.Command, shell string, words []string) int {
	candidates, files := command.Complete(root, words)
	if _, err := fmt.Fprint(env.stdout, command.Answer(shell, candidates, files)); err != nil {
		return exitBreakdown
	}
	return exitPassed
}

// kernelBases are what --base takes; the default alone without a workbench.
func (env *environment) kernelBases(several bool) []string {
	root, _, err := env.locate()
	if err != nil {
		return []string{prepare.DefaultBase}
	}
	names, err := prepare.Bases(root, prepare.AllBases)
	if err != nil {
		return []string{prepare.DefaultBase}
	}
	if several {
		names = append(names, prepare.AllBases)
	}
	return names
}
