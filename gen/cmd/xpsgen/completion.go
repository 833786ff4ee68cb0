// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"xpsgen/gen/series/check"
	"xpsgen/gen/uapi"
	"xpsgen/vmtest/plan"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/workbench"
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

// completionFlag is what the shells' scripts put behind an unfinished line.
const completionFlag = "--generate-bash-completion"

// completing tells whether a shell asks, as opposed to a person.
func completing(args []string) bool {
	return len(args) > 1 && args[len(args)-1] == completionFlag
}

// kernelBases are what --base takes; without a workbench the one that is the
// default.
func kernelBases(root string) []string {
	root, err := workbench.Find(root, "")
	if err != nil {
		return []string{prepare.DefaultBase}
	}
	names, err := prepare.Bases(root, prepare.AllBases)
	if err != nil {
		return []string{prepare.DefaultBase}
	}
	return append(names, prepare.AllBases)
}

// completeValue answers for an unfinished line that ends in a flag which wants
// a value: urfave/cli fails on those, since the value is missing.
func completeValue(args []string, stdout io.Writer) (answered bool) {
	if len(args) < 3 || !completing(args) {
		return false
	}
	var words []string
	switch strings.TrimLeft(args[len(args)-2], "-") {
	case "run":
		// No pattern is the one that cannot be wrong.
		words, _ = plan.Names("")
	case "accel":
		words = []string{"auto", "kvm", "tcg"}
	case "base":
		words = kernelBases(os.Getenv("XPSGEN_ROOT"))
	case "project":
		words = []string{"linux", "iproute2"}
	case "onto":
		words = baseNames(os.Getenv("XPSGEN_ROOT"))
	case "config":
		words = prepare.Fragments()
	case "arch":
		words = uapi.Arches()
	case "only":
		words = check.Names()
	case "color":
		words = []string{"auto", "always", "never"}
	case "kernel", "iproute2", "root", "cache", "add", "out", "tree", "include", "file",
		"jobs", "j", "seed", "sample", "cpus", "memory", "timeout", "env", "cc", "name", "o", "repo", "drop", "key", "message-id", "date", "from", "patch", "junit":
		// The shell's own completion of file names, or nothing.
	default:
		return false
	}
	if !strings.HasPrefix(args[len(args)-2], "-") {
		return false
	}
	for _, word := range words {
		fmt.Fprintln(stdout, word)
	}
	return true
}
