// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"fmt"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/tree/manifest"
)

// completeWord is the command that the shells' scripts call.
const completeWord = "__complete"

func completionCommand(env *environment) *command.Command {
	return &command.Command{
		Name:  "completion",
		Short: "print a completion script",
		Args:  []command.Arg{{Name: "SHELL", Help: "shell: bash, zsh or fish", Values: command.Shells}},
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

// complete answers a shell. It prints nothing if there is no completion.
func (env *environment) complete(root *command.Command, shell string, words []string) int {
	candidates, files := command.Complete(root, words)
	if _, err := fmt.Fprint(env.stdout, command.Answer(shell, candidates, files)); err != nil {
		return exitBreakdown
	}
	return exitPassed
}

// kernelBases returns the values of --base, none without a workbench.
func (env *place) kernelBases(several bool) []string {
	root, _, err := env.locate()
	if err != nil {
		return nil
	}
	names, err := prepare.Bases(root, prepare.AllBases)
	if err != nil {
		return nil
	}
	if several {
		names = append(names, prepare.AllBases)
	}
	return names
}

// baseNames are the names of all bases of all projects.
func (env *place) baseNames() (names []string) {
	c := env.change()
	if c == nil {
		return nil
	}
	for _, p := range c.Projects {
		for _, b := range p.Bases {
			names = append(names, b.Name)
		}
	}
	return names
}

// change reads the workbench's manifests. It returns nil without a workbench.
func (env *place) change() *manifest.Change {
	root, _, err := env.locate()
	if err != nil {
		return nil
	}
	c, err := manifest.LoadChange(root)
	if err != nil {
		return nil
	}
	return c
}

// seriesKeys are the keys of all series.
func (env *place) seriesKeys() []string { return env.keysOf(nil) }

// alternatives are the keys of the series with that role.
func (env *place) alternatives() []string {
	return env.keysOf(func(s *manifest.Series) bool { return s.Role == manifest.Alternative })
}

func (env *place) keysOf(want func(*manifest.Series) bool) (keys []string) {
	c := env.change()
	if c == nil {
		return nil
	}
	for _, p := range c.Projects {
		for i := range p.Series {
			if s := &p.Series[i]; want == nil || want(s) {
				keys = append(keys, s.Key)
			}
		}
	}
	return keys
}
