// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"
	"path/filepath"
	"text/tabwriter"

	"xpsgen/vmtest/prepare"

	"github.com/urfave/cli/v2"
)

func vmBenchBuildCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:  "bench-build",
		Usage: "time builds of the kernel, and of what others build for a guest",
		Description: "Builds the kernel from nothing, again with one object out of date, and with nothing\n" +
			"to do; then, from nothing, defconfig with kvm_guest.config. Half an hour on two\n" +
			"CPUs. The counts of objects hold on a busy machine. Left in out/bench-builds.json,\n" +
			"too.\n\n" +
			"Examples:\n" +
			"  xpsgen vm bench-build\n" +
			"  xpsgen vm bench-build --config debug",
		Flags: sourceFlags(),
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			src, err := env.source(c)
			if err != nil {
				return err
			}
			times, err := prepare.CompareBuilds(c.Context, src)
			if err != nil {
				return err
			}
			if err := keepTimes(buildsFile(src.Root), times); err != nil {
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

// buildsFile is where the times of builds are left.
func buildsFile(root string) string { return filepath.Join(root, "out", "bench-builds.json") }
