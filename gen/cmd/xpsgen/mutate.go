// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/mutate"
	"xpsgen/vmtest/mutate/schema"
	"xpsgen/vmtest/runs"
)

// mutateOptions are the options of mutate.
type mutateOptions struct {
	sources  sourceOptions
	machines machineOptions
	sampleOptions
	guests int
	list   bool
}

func mutateCommand(env suiteCommands) *command.Command {
	var o mutateOptions
	return &command.Command{
		Name:  "mutate",
		Short: "check that the suite notices generated mutants of every added line",
		Long: "Generates mutants of each line that the series adds to the C files of the kernel and ip: a statement removed, a " +
			"condition negated, a constant off by one, and so on. Builds all of them into one kernel and one ip, which select a mutant at run " +
			"time. Runs the tests that reach the mutated line. For mutants of ip, it also loads objects with ip. A mutant that nothing notices must be listed in " +
			"vmtest/mutants/equivalent.toml with the reason. Writes KTAP to stdout with one test per mutant, and mutate.json " +
			"to out/mutate/BASE.",
		Args: []command.Arg{{Name: "NAME", Optional: true, Repeat: true, Help: "run mutants whose name contains NAME; default all"}},
		Flags: slices.Concat([]command.Flag{o.sources.baseFlag(env.environment, true)}, o.sources.buildFlags(), o.machines.flags(), o.sampleOptions.flags(), []command.Flag{
			{Name: "guests", Arg: "N", To: command.Count(&o.guests), Help: "number of guests that run at the same time; default one per CPU, at most 4"},
			{Name: "list", To: command.Bool(&o.list), Help: "list the mutants and exit"},
		}),
		Examples: []command.Example{
			{Line: "mutate"},
			{Line: "mutate --sample 20", Note: "twenty mutants, chosen at random"},
			{Line: "mutate net/core/xps_link.c", Note: "the mutants of one file"},
			{Line: "mutate --list"},
		},
		Exits: []command.Exit{{Code: 1, Meaning: "a mutant that is not listed survived or was not reached, an entry of the list matches no mutant, or a function could not be parsed"}},
		Needs: []string{"vmtest"},
		Run:   func(ctx context.Context, args []string) error { return env.mutate(ctx, &o, args) },
	}
}

func (env suiteCommands) mutate(ctx context.Context, o *mutateOptions, names []string) error {
	bases, all, err := o.sources.bases(env.environment)
	if err != nil {
		return err
	}
	src, err := o.sources.anySource(env.environment)
	if err != nil {
		return err
	}
	listed, err := mutate.ReadListed(filepath.Join(src.Root, "vmtest", "mutants", "equivalent.toml"))
	if err != nil {
		return err
	}
	o.draw()
	if o.list {
		return env.listMutations(ctx, o, bases)
	}
	return env.eachBaseKTAP(ctx, bases, all, func(base string, results io.Writer) error {
		opt := mutate.Options{Source: src, Machine: o.machines.machine(), Names: names, Sample: o.sample, Seed: o.seed,
			Guests: o.guests, Listed: listed.For(base)}
		opt.Source.Base = base
		rec, err := recordSource(runs.Mutate, &opt.Source)
		if err != nil {
			return err
		}
		rec.link = filepath.Join("mutate", opt.Source.Name())
		switch {
		case o.sample > 0:
			rec.seed = o.seed
			rec.selection = fmt.Sprintf("--sample %d", o.sample)
		case len(names) > 0:
			rec.selection = strings.Join(names, " ")
		}
		return env.recordKTAP(ctx, rec, results, func(r *runs.Run, results io.Writer) error {
			opt.KTAP, opt.Out = results, r.Dir()
			result, err := mutate.Run(ctx, opt)
			if errors.Is(err, mutate.ErrUnknown) || errors.Is(err, mutate.ErrSource) {
				return command.Usagef("%v", err)
			}
			if err != nil {
				return err
			}
			if err := writeMutate(r.Dir(), result); err != nil {
				return err
			}
			return env.judgeGenerated(&generated{
				command: "mutate", killed: "killed", base: base, chosen: result.Chosen, all: result.All, bad: result.Bad(), sample: o.sampleOptions,
				unread: result.Unread, stale: result.Stale, count: result.Count,
			}, r)
		})
	})
}

// writeMutate writes mutate.json, and the notes for the report.
func writeMutate(dir string, result *mutate.Result) error {
	type row struct {
		*schema.Mutant
		mutate.Verdict
	}
	var rows []row
	for _, m := range result.Mutants {
		if v, ok := result.Verdicts[m.ID]; ok {
			rows = append(rows, row{m, v})
		}
	}
	data, err := json.MarshalIndent(rows, "", "\t")
	if err != nil {
		return fmt.Errorf("render mutate.json: %w", err)
	}
	if err := cache.WriteFile(filepath.Join(dir, "mutate.json"), append(data, '\n'), 0o644); err != nil {
		return err
	}
	return runs.WriteNotes(dir, result.Notes)
}

func (env suiteCommands) listMutations(ctx context.Context, o *mutateOptions, bases []string) error {
	for _, base := range bases {
		src, err := o.sources.anySource(env.environment)
		if err != nil {
			return err
		}
		src.Base = base
		all, _, err := mutate.Programs(ctx, &src)
		if err != nil {
			return err
		}
		for _, m := range all {
			after := m.After
			if m.Kind == schema.Delete {
				after = "(left out)"
			}
			if _, err := fmt.Fprintf(env.stdout, "%s\t%s\t%s\t%s\n", base, m.Name(), m.Before, after); err != nil {
				return fmt.Errorf("print the list: %w", err)
			}
		}
	}
	return nil
}
