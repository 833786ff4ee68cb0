// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"text/tabwriter"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/build"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/runs"
)

func vmBenchBuildCommand(env *environment) *command.Command {
	var o sourceOptions
	return &command.Command{
		Name:  "bench-build",
		Short: "time builds of the kernel, and compare with defconfig",
		Long: "Times four builds: from scratch, with one object out of date, with everything up to date, and defconfig with " +
			"kvm_guest.config from scratch. Takes half an hour on two CPUs. On a busy host, compare the numbers of compiled objects rather than " +
			"the times. Writes the times to out/bench-builds.json.",
		Flags: o.flags(env, false),
		Examples: []command.Example{
			{Line: "vm bench-build"},
			{Line: "vm bench-build --config debug"},
		},
		Exits: []command.Exit{{Code: 1, Meaning: "a patch does not apply, or the kernel does not compile"}},
		Needs: []string{"vmtest"},
		Run: func(ctx context.Context, _ []string) error {
			src, err := o.source(env)
			if err != nil {
				return err
			}
			rec, err := recordSource(runs.BuildTimes, &src)
			if err != nil {
				return err
			}
			rec.fileLink, rec.file = buildsLink, runs.BuildsFile
			var times []build.Time
			err = env.record(ctx, rec, func(r *runs.Run) (err error) {
				if times, err = prepare.CompareBuilds(ctx, src); err != nil {
					return err
				}
				return keepTimes(filepath.Join(r.Dir(), runs.BuildsFile), times)
			})
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "build\tobjects\tseconds\twhat")
			for _, b := range times {
				fmt.Fprintf(w, "%s\t%d\t%.1f\t%s\n", b.Name, b.Objects, b.Elapsed.Seconds(), b.What)
			}
			if err := w.Flush(); err != nil {
				return fmt.Errorf("print the times: %w", err)
			}
			return nil
		},
	}
}

// buildsLink, below out/, points to the times of the last comparison.
const buildsLink = "bench-builds.json"
