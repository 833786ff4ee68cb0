// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"xpsgen/vmtest/bench"
)

func benchCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:  "bench",
		Usage: "count what choosing a queue costs",
		Description: "Instructions per packet, for the hook and for the other ways to choose a queue,\n" +
			"on the base kernel and on the one with the series, as a table on stdout and in\n" +
			"out/bench/BASE.json. QEMU counts; how busy the machine is does not matter.\n\n" +
			"--check compares with the baseline in the repository: exit 1 if a count differs\n" +
			"by more than 2 % and 5 instructions. --save makes this run the baseline.\n\n" +
			"Examples:\n" +
			"  xpsgen bench\n" +
			"  xpsgen bench --run 'xps-*/xmit'\n" +
			"  xpsgen bench --check",
		Flags: append(sourceFlags(),
			&cli.StringFlag{Name: "run", Usage: "only measurements that match `CONTENDER/PATH`, both shell patterns"},
			&cli.IntFlag{Name: "rounds", Usage: "`N` rounds without an interrupt for each figure", Value: bench.DefaultRounds},
			&cli.BoolFlag{Name: "check", Usage: "compare with the baseline"},
			&cli.BoolFlag{Name: "save", Usage: "make this run the baseline"},
		),
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			switch {
			case c.Bool("check") && c.Bool("save"):
				return &usageError{text: "--check and --save exclude each other", command: "xpsgen bench"}
			case c.String("run") != "" && (c.Bool("check") || c.Bool("save")):
				return &usageError{text: "a baseline has all measurements: leave --run out", command: "xpsgen bench"}
			case c.Int("rounds") < 1:
				return &usageError{text: "--rounds must be 1 or more", command: "xpsgen bench"}
			}
			src, err := env.source(c)
			if err != nil {
				return err
			}
			base := src.Name()
			baseline := baselineFile(src.Root, base)
			var before *bench.Results
			if c.Bool("check") {
				// Before minutes are spent.
				if before, err = bench.Load(baseline); err != nil {
					return fmt.Errorf("%w: xpsgen bench --save makes one", err)
				}
			}
			r, err := bench.Run(c.Context, bench.Options{Source: src, Rounds: c.Int("rounds"), Only: c.String("run")})
			if err != nil {
				return err
			}
			if err := r.Save(benchFile(src.Root, base)); err != nil {
				return err
			}
			if err := r.Table(env.stdout); err != nil {
				return err
			}
			if c.Bool("save") {
				return r.Save(baseline)
			}
			if before == nil {
				return nil
			}
			drifts := r.Compare(before)
			for _, d := range drifts {
				env.ui.Important(d.String())
			}
			env.ui.Verdict(len(drifts) == 0, fmt.Sprintf("%d counts, %d not as the baseline says", r.Len(), len(drifts)))
			if len(drifts) > 0 {
				return &statusError{code: exitFailed}
			}
			return nil
		},
	}
}

// benchFile is where the counts of a base are left.
func benchFile(root, base string) string {
	return filepath.Join(root, "out", "bench", base+".json")
}

// baselineFile is where the counts of a base are kept in the repository.
func baselineFile(root, base string) string {
	return filepath.Join(root, "vmtest", "bench", "baseline", base+".json")
}
