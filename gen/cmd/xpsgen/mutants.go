// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/mutants"
	"xpsgen/vmtest/run"
)

func mutantsCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:      "mutants",
		Usage:     "put each defect of the RFC back: the suite must notice",
		ArgsUsage: "[NAME]...",
		Description: "Each patch under vmtest/mutants is applied on top of the series, built and\n" +
			"booted; the assertions that it names must fail. One that no longer applies or\n" +
			"builds counts as survived. Results as KTAP on stdout, one test per mutant, and\n" +
			"under out/BASE/mutants.\n\n" +
			"Examples:\n" +
			"  xpsgen mutants\n" +
			"  xpsgen mutants --base all\n" +
			"  xpsgen mutants --sample 10\n" +
			"  xpsgen mutants off-is-a-bad-fd",
		Flags: append(append(sourceFlags(), machineFlags()...),
			&cli.IntFlag{Name: "sample", Usage: "only `N` of them, drawn by lot; default all"},
			&cli.Int64Flag{Name: "seed", EnvVars: []string{"XPSGEN_SEED"}, Usage: "draw the same again: `N` is the seed that a run printed"},
			&cli.BoolFlag{Name: "list", Usage: "name the mutants and do nothing"}),
		Action: env.mutants,
	}
}

func (env *environment) mutants(c *cli.Context) error {
	bases, all, err := env.bases(c)
	if err != nil {
		return err
	}
	src, err := env.anySource(c)
	if err != nil {
		return err
	}
	machine, err := env.machine(c)
	if err != nil {
		return err
	}
	if c.Int("sample") < 0 || c.Int("sample") > 0 && c.Args().Len() > 0 {
		return &usageError{text: "--sample wants a number, and no names", command: "xpsgen mutants"}
	}
	seed := c.Int64("seed")
	if seed == 0 {
		seed = run.DrawSeed()
	}
	lists := make([][]mutants.Mutant, len(bases))
	for i, base := range bases {
		if lists[i], err = mutants.Load(filepath.Join(src.Root, "vmtest", "mutants"), base, c.Args().Slice()); errors.Is(err, mutants.ErrUnknown) {
			return &usageError{text: err.Error(), command: "xpsgen mutants"}
		} else if err != nil {
			return err
		}
	}
	if c.Bool("list") {
		return env.listMutants(slices.Concat(lists...))
	}
	results := env.results()
	var w *ktap.Writer
	if all {
		w = ktap.NewWriter(results)
		w.Plan(len(bases))
	}
	worst := exitPassed
	for i, base := range bases {
		opt := mutants.Options{Source: src, Machine: machine, Mutants: lists[i], KTAP: results}
		opt.Source.Base = base
		if n := c.Int("sample"); n > 0 {
			opt.Mutants = mutants.Sample(lists[i], n, seed)
			env.ui.Printf("note  mutants: %d of %d for %s, seed %d", len(opt.Mutants), len(lists[i]), base, seed)
		}
		opt.Out = filepath.Join(src.Root, "out", opt.Source.Name(), "mutants")
		var nested *ktap.Nested
		if all {
			nested = w.Nest(base)
			opt.KTAP = nested
		}
		survivors, err := mutants.Run(c.Context, opt)
		if err != nil && (!all || c.Context.Err() != nil) {
			return err
		}
		if err != nil {
			env.ui.Error(fmt.Sprintf("base %s: %v", base, err))
			worst = max(worst, exitCode(c.Context, err))
		} else {
			env.ui.Verdict(survivors == 0, fmt.Sprintf("%s: %d mutants, %d survived", base, len(opt.Mutants), survivors))
		}
		if survivors > 0 {
			worst = max(worst, exitFailed)
		}
		if all {
			_ = nested.Close() // it sticks to w
			status := ktap.Pass
			if err != nil || survivors > 0 {
				status = ktap.Fail
			}
			w.Result(base, status, "")
		}
	}
	if worst != exitPassed {
		return &statusError{code: worst}
	}
	return nil
}

func (env *environment) listMutants(mutants []mutants.Mutant) error {
	said := map[string]bool{}
	for _, m := range mutants {
		if said[m.Name] {
			continue // it is for several bases
		}
		said[m.Name] = true
		if _, err := fmt.Fprintf(env.stdout, "%s\t%s\n", m.Name, m.Title); err != nil {
			return fmt.Errorf("print the list: %w", err)
		}
	}
	return nil
}
