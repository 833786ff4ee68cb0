// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"fmt"
	"strings"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/runs"
)

func buildsCommand(env suiteCommands) *command.Command {
	var o sourceOptions
	return &command.Command{
		Name:  "builds",
		Short: "build the series without SMP, BPF_SYSCALL or NET",
		Long:  "Compiles the parts of the kernel that the hook is in, once without each of " + strings.Join(prepare.Withouts(), ", ") + ": net/core, net/packet, net/sched, kernel/bpf and tun; without CONFIG_NET only kernel/bpf. Boots nothing.",
		Flags: []command.Flag{o.baseFlag(env.environment, true), o.kernelFlag(), o.jobsFlag()},
		Examples: []command.Example{
			{Line: "builds"},
			{Line: "builds --base all"},
		},
		Exits: []command.Exit{{Code: 1, Meaning: "a directory does not compile in one of the configurations"}},
		Needs: []string{"vmtest"},
		Run:   func(ctx context.Context, _ []string) error { return env.builds(ctx, &o) },
	}
}

func (env suiteCommands) builds(ctx context.Context, o *sourceOptions) error {
	bases, _, err := o.bases(env.environment)
	if err != nil {
		return err
	}
	src, err := o.anySource(env.environment)
	if err != nil {
		return err
	}
	return env.eachBase(ctx, bases, func(base string) error {
		src.Base = base
		rec, err := recordSource(runs.Builds, &src)
		if err != nil {
			return err
		}
		err = env.record(ctx, rec, func(*runs.Run) error { return prepare.CheckBuilds(ctx, src) })
		if err == nil {
			env.ui.Verdict(true, fmt.Sprintf("%s: builds without %s", src.Name(), strings.Join(prepare.Withouts(), ", ")))
		}
		return err
	})
}
