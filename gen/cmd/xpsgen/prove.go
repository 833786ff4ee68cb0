// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/litmus"
	"xpsgen/vmtest/prove"
	"xpsgen/vmtest/runs"
)

// Limits of --depth: each operation multiplies the time.
const (
	defaultDepth = 3
	maxDepth     = 6
)

type proveOptions struct {
	sources sourceOptions
	sampleOptions
	depth           int // 0 means the default
	mutants, litmus bool
}

func proveCommand(env suiteCommands) *command.Command {
	var o proveOptions
	return &command.Command{
		Name:  "prove",
		Short: "check the functions of the series in a model",
		Long: "Extracts the functions of the series from the patched kernel tree, adds a model of the functions that they call, and checks " +
			"both with CBMC, a model checker. CBMC comes from a Debian package that is unpacked in the cache. The model has two devices, two programs " +
			"and two links, and operations by netlink, by links and by the core. CBMC tries all arguments and all failures " +
			"of one operation in any state that satisfies the model's invariants. It also tries all sequences of --depth operations from " +
			"the initial state. Boots nothing.\n\n" +
			"Writes KTAP to stdout with one test per property. Before the result of a property that fails, it prints the operations that lead to the failure.\n\n" +
			"With --mutants it generates mutants of the lines that the series adds to these functions, as xpsgen mutate does, and checks " +
			"each. A mutant that no property refutes must be listed in vmtest/prove/equivalent.toml with the reason.\n\n" +
			"With --litmus it checks memory ordering, which the model leaves out: it runs the litmus tests in vmtest/litmus with herd7 and the memory model " +
			"of the patched tree. A test fails if its outcome is possible, if the outcome stays impossible without the barriers, or if the " +
			"functions that it models have changed.",
		Args: []command.Arg{{Name: "NAME", Optional: true, Repeat: true,
			Help: "with --mutants or --litmus: check mutants or litmus tests whose name contains NAME; default all", Values: litmus.Names}},
		Flags: append([]command.Flag{
			o.sources.baseFlag(env.environment, true),
			{Name: "mutants", To: command.Bool(&o.mutants), Help: "check mutants instead of the series: a property must refute each"},
			{Name: "litmus", To: command.Bool(&o.litmus), Help: "run the litmus tests instead of the model"},
			{Name: "depth", Arg: "N", To: command.Int(&o.depth, 1, maxDepth), Help: fmt.Sprintf("number of operations in the sequences; default %d", defaultDepth)},
			{Name: "jobs", Letter: "j", Arg: "N", To: command.Count(&o.sources.jobs), Help: "number of checkers that run at the same time; default one per CPU"},
		}, o.sampleOptions.flags()...),
		Examples: []command.Example{
			{Line: "prove"},
			{Line: "prove --base all --depth 2", Note: "seconds instead of minutes"},
			{Line: "prove --mutants --sample 20", Note: "twenty mutants, chosen at random"},
			{Line: "prove --mutants bpf_xps_link_update", Note: "the mutants of one function"},
			{Line: "prove --litmus --base all", Note: "memory ordering, in seconds"},
		},
		Exits: []command.Exit{{Code: 1, Meaning: "a property or a litmus test fails, a mutant survives or is not reached, a listed mutant does not exist, or a function of the series is neither in the model nor listed as excluded"}},
		Needs: []string{"vmtest", "prove"},
		Valid: func(names []string) error { return o.valid(names) },
		Run:   func(ctx context.Context, names []string) error { return env.prove(ctx, &o, names) },
	}
}

func (o *proveOptions) valid(names []string) error {
	switch {
	case !o.mutants && o.sample > 0:
		return command.Usagef("--sample selects mutants: add --mutants")
	case o.mutants && o.litmus:
		return command.Usagef("--mutants and --litmus are mutually exclusive")
	case o.mutants && o.depth > 0:
		return command.Usagef("--depth does not apply to --mutants")
	case o.litmus && o.depth > 0:
		return command.Usagef("--depth is for the model: leave it out with --litmus")
	case o.litmus:
		if _, err := litmus.Select(names); err != nil {
			return command.Usagef("%v", err)
		}
	case !o.mutants && len(names) > 0:
		return command.Usagef("unexpected argument %q: only --mutants and --litmus take names", names[0])
	}
	return nil
}

func (env suiteCommands) prove(ctx context.Context, o *proveOptions, names []string) error {
	bases, all, err := o.sources.bases(env.environment)
	if err != nil {
		return err
	}
	src, err := o.sources.anySource(env.environment)
	if err != nil {
		return err
	}
	o.draw()
	o.depth = cmp.Or(o.depth, defaultDepth)
	return env.eachBaseKTAP(ctx, bases, all, func(base string, results io.Writer) error {
		if o.litmus {
			src := src
			src.Base = base
			return env.litmus(ctx, litmus.Options{Source: src, Names: names, Jobs: o.sources.jobs}, results)
		}
		opt := prove.Options{Source: src, Depth: o.depth, Jobs: o.sources.jobs}
		opt.Source.Base = base
		rec, err := recordSource(runs.Prove, &opt.Source)
		if err != nil {
			return err
		}
		if o.mutants {
			return env.proveMutants(ctx, o, opt, names, rec, results)
		}
		rec.link = filepath.Join("prove", opt.Source.Name())
		return env.recordKTAP(ctx, rec, results, func(r *runs.Run, results io.Writer) error {
			opt.KTAP, opt.Out = results, r.Dir()
			result, err := prove.Run(ctx, opt)
			if errors.Is(err, prove.ErrMissing) {
				env.ui.Error(err.Error())
				r.Record.Reasons = append(r.Record.Reasons, err.Error())
				return &statusError{code: exitFailed}
			}
			if err != nil {
				return err
			}
			return env.judgeProof(base, o, result, r)
		})
	})
}

// judgeProof prints the result and turns it into the exit status.
func (env suiteCommands) judgeProof(base string, o *proveOptions, result *prove.Result, r *runs.Run) error {
	for _, p := range result.Properties {
		if p.Failed {
			for _, line := range p.Explain() {
				env.ui.Printf("      %s", line)
			}
		}
	}
	for _, f := range result.Uncovered {
		env.ui.Printf("note  prove: %s is not in the model; add it to vmtest/prove/functions.go, or the reason why not", f)
	}
	failed := result.Failed()
	ok := failed == 0 && len(result.Uncovered) == 0
	env.ui.Verdict(ok, fmt.Sprintf(
		"%s: %d functions, %d properties (%d checks), %d failed; any number of operations, sequences of %d; %d functions of the series are not in the model",
		base, result.Functions, len(result.Properties), result.Checks(), failed, o.depth, len(result.Uncovered)+len(result.Outside)))
	if ok {
		return nil
	}
	r.Record.Reasons = append(r.Record.Reasons, fmt.Sprintf("%d properties failed, %d functions are neither in the model nor listed as excluded",
		failed, len(result.Uncovered)))
	return &statusError{code: exitFailed}
}
