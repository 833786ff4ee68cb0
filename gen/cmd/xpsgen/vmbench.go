// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/boot"
	"xpsgen/vmtest/boots"
	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/runs"
	"xpsgen/vmtest/vm"
)

func vmBenchCommand(env *environment) *command.Command {
	var o struct {
		sourceOptions
		rounds int
		accel  string
		ways   []string
	}
	o.rounds, o.accel = 10, string(vm.TCG)
	return &command.Command{
		Name:  "bench",
		Short: "compare boot times of the same kernel by machine, image and tool",
		Long: "Boots the kernel alone, boots it until a test has its verdict, and runs a program with xpsgen vm run. Compares QEMU " +
			"machines, kernel images, and, with --config hostfs, virtme-ng and vimto if installed. On a busy host, compare the ratios rather than the times. Writes the times " +
			"to out/bench-boots.json.",
		Flags: append(o.flags(env, false),
			command.Flag{Name: "rounds", Arg: "N", To: command.Count(&o.rounds), Help: "number of boots per way"},
			command.Flag{Name: "way", Arg: "NAME", To: command.Strings(&o.ways), Values: boots.Names, Help: "compare only these ways; default all"},
			command.Flag{Name: "accel", Arg: "ACCEL", Env: "XPSGEN_ACCEL", To: command.Choice(&o.accel, "kvm", "tcg", "auto"), Help: "accelerator of all ways"},
		),
		Examples: []command.Example{
			{Line: "vm bench"},
			{Line: "vm bench --rounds 20 --config hostfs", Note: "also with virtme-ng and vimto"},
			{Line: "vm bench --way run --way virtme-ng --way vimto --config hostfs", Note: "only the tools"},
		},
		Exits: []command.Exit{{Code: 1, Meaning: "a patch does not apply, or the kernel does not compile"}},
		Needs: []string{"vmtest"},
		Valid: func([]string) error {
			for _, name := range o.ways {
				if !slices.Contains(boots.Names(), name) {
					return command.Usagef("--way %s: no such way (there is %s)", name, strings.Join(boots.Names(), ", "))
				}
			}
			return nil
		},
		Run: func(ctx context.Context, _ []string) error {
			src, err := o.source(env)
			if err != nil {
				return err
			}
			vmRun, err := o.vmRun(&src, &boot.Machine{Accel: o.accel})
			if err != nil {
				return err
			}
			rec, err := recordSource(runs.Boots, &src)
			if err != nil {
				return err
			}
			rec.fileLink, rec.file = bootsLink, runs.BootsFile
			var times []boots.Time
			err = env.record(ctx, rec, func(r *runs.Run) (err error) {
				times, err = boots.Compare(ctx, boots.Options{Source: src, Rounds: o.rounds, Accel: o.accel, Run: vmRun, Only: o.ways})
				if err != nil {
					return err
				}
				return keepTimes(filepath.Join(r.Dir(), runs.BootsFile), times)
			})
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "way\tmedian ms\tmin ms\tratio\twhat")
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

// bootsLink, below out/, points to the times of the last comparison.
const bootsLink = "bench-boots.json"

// keepTimes writes the measurements to the file that report reads.
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
