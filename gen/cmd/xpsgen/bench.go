// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"fmt"
	"path/filepath"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/bench"
	"xpsgen/vmtest/guest/bench/record"
	"xpsgen/vmtest/runs"
)

func benchCommand(env suiteCommands) *command.Command {
	var o struct {
		sourceOptions
		run         string
		rounds      int
		check, save bool
	}
	o.rounds = bench.DefaultRounds
	return &command.Command{
		Name:  "bench",
		Short: "count the instructions that queue selection takes per packet",
		Long: "Counts instructions per packet of the hook and of the other methods to select a queue, on the base kernel and on " +
			"the patched kernel. Prints a table, and writes the counts to out/bench/BASE.json unless --run selects measurements. QEMU counts the instructions, so the load of " +
			"the host does not matter.\n\n" +
			"--check compares with the baseline in the repository. It exits with 1 if a count differs by more than 2 % and by more than 5 " +
			"instructions. --save makes this run the baseline.",
		Flags: append(o.flags(env.environment, false),
			command.Flag{Name: "run", Arg: "METHOD/PATH", To: command.String(&o.run), Values: record.Measurements, Help: "run only measurements that match; both parts are shell patterns"},
			command.Flag{Name: "rounds", Arg: "N", To: command.Count(&o.rounds), Help: "number of rounds per measurement; rounds with an interrupt do not count"},
			command.Flag{Name: "check", To: command.Bool(&o.check), Help: "compare with the baseline"},
			command.Flag{Name: "save", To: command.Bool(&o.save), Help: "make this run the baseline"},
		),
		Examples: []command.Example{
			{Line: "bench"},
			{Line: "bench --run 'xps-*/xmit'", Note: "some methods on one path"},
			{Line: "bench --check", Note: "compare with the baseline"},
		},
		Exits: []command.Exit{{Code: 1, Meaning: "with --check, a count differs from the baseline"}},
		Needs: []string{"vmtest"},
		Valid: func([]string) error {
			switch {
			case o.check && o.save:
				return command.Usagef("--check and --save are mutually exclusive")
			case o.run != "" && (o.check || o.save):
				return command.Usagef("a baseline needs all measurements: leave --run out")
			}
			if err := record.ValidPattern(o.run); err != nil {
				return command.Usagef("--run: %v", err)
			}
			return nil
		},
		Run: func(ctx context.Context, _ []string) error {
			src, err := o.source(env.environment)
			if err != nil {
				return err
			}
			base := src.Name()
			baseline := baselineFile(src.Root, base)
			var before *bench.Results
			if o.check {
				// Load it before the run, which takes minutes.
				if before, err = bench.Load(baseline); err != nil {
					return fmt.Errorf("%w (xpsgen bench --save makes one)", err)
				}
			}
			rec, err := recordSource(runs.Bench, &src)
			if err != nil {
				return err
			}
			// Cover letters quote the target of the link, so a partial run must not
			// replace it.
			if o.run != "" {
				rec.selection = "--run " + o.run
			} else {
				rec.fileLink, rec.file = benchLink(base), runs.BenchFile
			}
			return env.record(ctx, rec, func(run *runs.Run) error {
				r, err := bench.Run(ctx, bench.Options{Source: src, Rounds: o.rounds, Only: o.run})
				if err != nil {
					return err
				}
				if err := r.Save(filepath.Join(run.Dir(), runs.BenchFile)); err != nil {
					return err
				}
				if err := r.Table(env.stdout); err != nil {
					return err
				}
				if o.save {
					return r.Save(baseline)
				}
				if before == nil {
					return nil
				}
				return env.benchDrifts(run, r, before)
			})
		},
	}
}

// benchDrifts compares r with the baseline.
func (env suiteCommands) benchDrifts(run *runs.Run, r, before *bench.Results) error {
	drifts := r.Compare(before)
	for _, d := range drifts {
		env.ui.Important(d.String())
		run.Record.Reasons = append(run.Record.Reasons, d.String())
	}
	env.ui.Verdict(len(drifts) == 0, fmt.Sprintf("%d counts, %d differ from the baseline", r.Len(), len(drifts)))
	if len(drifts) > 0 {
		return &statusError{code: exitFailed}
	}
	return nil
}

// benchLink, below out/, points to the counts of the last complete run.
func benchLink(base string) string { return filepath.Join("bench", base+".json") }

// benchFile is the path of that link.
func benchFile(root, base string) string {
	return filepath.Join(root, "out", benchLink(base))
}

// baselineFile is the file with the counts of a base in the repository.
func baselineFile(root, base string) string {
	return filepath.Join(root, "vmtest", "bench", "baseline", base+".json")
}
