// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"fmt"
	"strings"

	"xpsgen/gen/cmd/xpsgen/command"
)

func uapiIncludeCommand(env uapiCommands) *command.Command {
	var o headerOptions
	return &command.Command{
		Name:  "include",
		Short: "install the headers and print their directories, one per line",
		Long:  "Use the directories with -I of a C compiler, or with --include of the other commands.",
		Flags: o.flags(env, false),
		Examples: []command.Example{
			{Line: "$ cc -I \"$(xpsgen uapi include --base net-next)\" prog.c"},
		},
		Exits: []command.Exit{{Code: 1, Meaning: "a patch does not apply"}},
		Needs: []string{"headers"},
		Valid: func([]string) error { return o.valid(env) },
		Run:   func(ctx context.Context, _ []string) error { return env.uapiInclude(ctx, o.job) },
	}
}

func (env uapiCommands) uapiInclude(ctx context.Context, j *uapiJob) error {
	arch, err := j.oneArch()
	if err != nil {
		return err
	}
	src, _, err := j.openHeaders(ctx, arch)
	if err != nil {
		return err
	}
	// NB: do not close it. The directory is in the cache and must stay.
	if _, err := fmt.Fprintln(env.stdout, strings.Join(src.Dirs, "\n")); err != nil {
		return fmt.Errorf("print the directory: %w", err)
	}
	return nil
}
