// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"xpsgen/vmtest"
)

// bashCompletion and zshCompletion ask the command itself, so that they never
// lag behind its flags.
const bashCompletion = `_xpsgen() {
	local cur words
	cur="${COMP_WORDS[COMP_CWORD]}"
	words=("${COMP_WORDS[@]:0:COMP_CWORD}")
	[ "${cur#-}" = "$cur" ] || words+=("$cur")
	COMPREPLY=($(compgen -W "$("${words[@]}" --generate-bash-completion 2>/dev/null)" -- "$cur"))
}
complete -o default -F _xpsgen xpsgen
`

const zshCompletion = `#compdef xpsgen
_xpsgen() {
	local -a opts
	local cur=${words[CURRENT]}
	if [[ $cur == -* ]]; then
		opts=("${(@f)$(${words[@]:0:$((CURRENT-1))} $cur --generate-bash-completion 2>/dev/null)}")
	else
		opts=("${(@f)$(${words[@]:0:$((CURRENT-1))} --generate-bash-completion 2>/dev/null)}")
	fi
	compadd -- $opts || _files
}
compdef _xpsgen xpsgen
`

func completionCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print a completion script",
		ArgsUsage: "bash | zsh",
		Description: "Examples:\n" +
			"  . <(xpsgen completion bash)\n" +
			"  xpsgen completion zsh > \"${fpath[1]}/_xpsgen\"",
		Action: func(c *cli.Context) error {
			scripts := map[string]string{"bash": bashCompletion, "zsh": zshCompletion}
			script, ok := scripts[c.Args().First()]
			if !ok || c.Args().Len() != 1 {
				return &usageError{text: "name one shell: bash or zsh", command: "xpsgen completion"}
			}
			if _, err := fmt.Fprint(env.stdout, script); err != nil {
				return fmt.Errorf("print the script: %w", err)
			}
			return nil
		},
	}
}

// completeTests offers test names after --run and flags otherwise.
func completeTests(env *environment) cli.BashCompleteFunc {
	return func(c *cli.Context) {
		// urfave/cli hands over the parsed flags only; the word before the
		// cursor is in the arguments of the process.
		args := os.Args
		if n := len(args); n >= 2 && strings.TrimLeft(args[n-2], "-") == "run" {
			if names, err := vmtest.Plan(""); err == nil {
				for _, name := range names {
					fmt.Fprintln(env.stdout, name)
				}
			}
			return
		}
		cli.DefaultCompleteWithFlags(c.Command)(c)
	}
}
