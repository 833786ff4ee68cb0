// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"xpsgen/vmtest/boots"
	"xpsgen/vmtest/cache"
)

func vmBenchCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:  "bench",
		Usage: "compare what ways to boot the same kernel take",
		Description: "Wall-clock times, of each way in turn: a bare boot, a boot to the verdict, other\n" +
			"machines and images, and virtme-ng and vimto where installed. The ratios hold on\n" +
			"a busy machine better than the times. Left in out/bench-boots.json, too.\n\n" +
			"Examples:\n" +
			"  xpsgen vm bench\n" +
			"  xpsgen vm bench --rounds 20",
		Flags: append(sourceFlags(),
			&cli.IntFlag{Name: "rounds", Usage: "`N` boots of each", Value: 10},
			&cli.StringFlag{Name: "accel", EnvVars: []string{"XPSGEN_ACCEL"}, Value: "tcg", Usage: "`ACCEL` is kvm or tcg"},
		),
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			if c.Int("rounds") < 1 {
				return &usageError{text: "--rounds must be 1 or more", command: "xpsgen vm bench"}
			}
			src, err := env.source(c)
			if err != nil {
				return err
			}
			times, err := boots.Compare(c.Context, boots.Options{
				Source: src, Rounds: c.Int("rounds"), Accel: c.String("accel"),
			})
			if err != nil {
				return err
			}
			if err := keepTimes(bootsFile(src.Root), times); err != nil {
				return err
			}
			w := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "way\tmedian ms\tmin ms\tover bare\twhat")
			for _, b := range times {
				ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
				fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.2fx\t%s\n", b.Name, ms(b.Median), ms(b.Min), b.Ratio, b.What)
			}
			if err := w.Flush(); err != nil {
				return fmt.Errorf("print the times: %w", err)
			}
			return nil
		},
	}
}

// bootsFile is where the times of ways to boot are left.
func bootsFile(root string) string { return filepath.Join(root, "out", "bench-boots.json") }

// keepTimes leaves what was measured where report finds it.
func keepTimes(file string, times any) error {
	data, err := json.MarshalIndent(times, "", "\t")
	if err != nil {
		return fmt.Errorf("render the times: %w", err)
	}
	if err := cache.WriteFile(file, append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("keep the times: %w", err)
	}
	return nil
}
