// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/mutants"
	"xpsgen/vmtest/runs"
)

// mutantOptions are the options of mutants.
type mutantOptions struct {
	sourceOptions
	machineOptions
	sampleOptions
	list bool
}

func mutantsCommand(env suiteCommands) *command.Command {
	var o mutantOptions
	return &command.Command{
		Name:  "mutants",
		Short: "check that the suite notices known defects",
		Long: "Each patch in vmtest/mutants is a mutant: a known defect, and the tests that must fail with it. Applies one mutant " +
			"at a time on top of the series, builds, boots, and runs these tests. A mutant that no longer applies or builds counts as " +
			"survived. Writes KTAP to stdout with one test per mutant, and the results to out/mutants/BASE.",
		Args: []command.Arg{{Name: "NAME", Optional: true, Repeat: true, Help: "mutants to run; default all",
			Values: func() []string { return env.mutantNames(&o) }}},
		Flags: slices.Concat(o.sourceOptions.flags(env.environment, true), o.machineOptions.flags(), o.sampleOptions.flags(), []command.Flag{
			{Name: "list", To: command.Bool(&o.list), Help: "list the mutants and exit"},
		}),
		Examples: []command.Example{
			{Line: "mutants"},
			{Line: "mutants --base all"},
			{Line: "mutants --sample 10", Note: "ten mutants, chosen at random"},
			{Line: "mutants off-is-a-bad-fd", Note: "one mutant"},
		},
		Exits: []command.Exit{{Code: 1, Meaning: "a mutant survived"}},
		Needs: []string{"vmtest"},
		Valid: func(args []string) error {
			if o.sample > 0 && len(args) > 0 {
				return command.Usagef("--sample chooses mutants: name none")
			}
			if err := o.suite(); err != nil {
				return err
			}
			lists, bases, err := o.load(env, args)
			if err != nil || len(args) == 0 {
				return err
			}
			for _, base := range bases {
				if _, others := mutants.For(lists[base], o.config); others > 0 {
					return command.Usagef("%s", o.needsConfig(lists[base]))
				}
			}
			return nil
		},
		Run: func(ctx context.Context, args []string) error { return env.runMutants(ctx, &o, args) },
	}
}

// load reads the mutants called names, or all, for each base.
func (o *mutantOptions) load(env suiteCommands, names []string) (lists map[string][]mutants.Mutant, bases []string, err error) {
	bases, _, err = o.bases(env.environment)
	if err != nil {
		return nil, nil, err
	}
	root, _, err := env.locate()
	if err != nil {
		return nil, nil, err
	}
	lists = map[string][]mutants.Mutant{}
	for _, base := range bases {
		list, err := mutants.Load(root, filepath.Join(root, "vmtest", "mutants"), base, names)
		if errors.Is(err, mutants.ErrUnknown) {
			return nil, nil, command.Usagef("%v", err)
		}
		if err != nil {
			return nil, nil, err
		}
		lists[base] = list
	}
	return lists, bases, nil
}

// mutantNames completes the arguments.
func (env suiteCommands) mutantNames(o *mutantOptions) []string {
	lists, bases, err := o.load(env, nil)
	if err != nil {
		return nil
	}
	var names []string
	for _, m := range lists[bases[0]] {
		names = append(names, m.Name)
	}
	return names
}

func (env suiteCommands) runMutants(ctx context.Context, o *mutantOptions, names []string) error {
	lists, bases, err := o.load(env, names)
	if err != nil {
		return err
	}
	if o.list {
		return env.listMutants(lists, bases)
	}
	src, err := o.anySource(env.environment)
	if err != nil {
		return err
	}
	o.draw()
	return env.eachBaseKTAP(ctx, bases, len(bases) > 1, func(base string, results io.Writer) error {
		list, others := mutants.For(lists[base], src.Fragments)
		if others > 0 {
			env.ui.Printf("note  mutants: %d left out for %s: %s", others, base, o.needsConfig(lists[base]))
		}
		opt := mutants.Options{Source: src, Machine: o.machine(), Mutants: list, KTAP: results}
		opt.Source.Base = base
		if o.sample > 0 {
			opt.Mutants = mutants.Sample(list, o.sample, o.seed)
			env.ui.Printf("note  mutants: %d of %d for %s, seed %d", len(opt.Mutants), len(list), base, o.seed)
		}
		rec, err := recordSource(runs.Mutants, &opt.Source)
		if err != nil {
			return err
		}
		rec.link = filepath.Join("mutants", opt.Source.Name())
		switch {
		case o.sample > 0:
			rec.seed = o.seed
			rec.selection = partOf("--sample", fmt.Sprint(o.sample), len(opt.Mutants), len(list), "mutants")
		case len(names) > 0:
			rec.selection = strings.Join(names, " ")
		}
		return env.recordKTAP(ctx, rec, results, func(r *runs.Run, results io.Writer) error {
			opt.KTAP, opt.Out = results, r.Dir()
			survivors, err := mutants.Run(ctx, opt)
			if err != nil {
				return err
			}
			env.ui.Verdict(survivors == 0, fmt.Sprintf("%s: %d mutants, %d survived", base, len(opt.Mutants), survivors))
			if survivors > 0 {
				r.Record.Reasons = append(r.Record.Reasons, fmt.Sprintf("%d of %d mutants survived", survivors, len(opt.Mutants)))
				return &statusError{code: exitFailed}
			}
			return nil
		})
	})
}

// needsConfig lists the mutants that need a configuration which the user did
// not choose.
func (o *mutantOptions) needsConfig(list []mutants.Mutant) string {
	var parts []string
	for _, m := range list {
		if m.Config != "" && !slices.Contains(o.config, m.Config) {
			parts = append(parts, fmt.Sprintf("%s needs --config %s", m.Name, m.Config))
		}
	}
	return strings.Join(parts, ", ")
}

func (env suiteCommands) listMutants(lists map[string][]mutants.Mutant, bases []string) error {
	said := map[string]bool{}
	for _, base := range bases {
		for _, m := range lists[base] {
			if said[m.Name] {
				continue // it is for several bases
			}
			said[m.Name] = true
			if _, err := fmt.Fprintf(env.stdout, "%s\t%s\n", m.Name, m.Title); err != nil {
				return fmt.Errorf("print the list: %w", err)
			}
		}
	}
	return nil
}
