// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/mutate"
	"xpsgen/vmtest/mutate/schema"
	"xpsgen/vmtest/prove"
	"xpsgen/vmtest/runs"
)

// proveMutants checks that a property refutes each mutant of one base.
func (env suiteCommands) proveMutants(ctx context.Context, o *proveOptions, opt prove.Options, names []string, rec recording, results io.Writer) error {
	listed, err := mutate.ReadListed(filepath.Join(opt.Source.Root, "vmtest", "prove", "equivalent.toml"))
	if err != nil {
		return err
	}
	rec.selection = "--mutants"
	if o.sample > 0 {
		rec.seed = o.seed
		rec.selection += fmt.Sprintf(" --sample %d", o.sample)
	}
	if len(names) > 0 {
		rec.selection += " " + strings.Join(names, " ")
	}
	rec.link = filepath.Join("prove", opt.Source.Name()+"-mutants")
	return env.recordKTAP(ctx, rec, results, func(r *runs.Run, results io.Writer) error {
		opt.KTAP, opt.Out = results, r.Dir()
		result, err := prove.RunMutants(ctx, prove.MutantOptions{Options: opt, Names: names, Sample: o.sample, Seed: o.seed,
			Listed: listed.For(opt.Source.Base)})
		if errors.Is(err, mutate.ErrUnknown) {
			return command.Usagef("%v", err)
		}
		if err != nil {
			return err
		}
		if err := writeProvenMutants(r.Dir(), result); err != nil {
			return err
		}
		return env.judgeProvenMutants(opt.Source.Base, o, result, r)
	})
}

// judgeProvenMutants prints the result and turns it into the exit status.
func (env suiteCommands) judgeProvenMutants(base string, o *proveOptions, result *prove.MutantResult, r *runs.Run) error {
	for _, f := range result.Unread {
		env.ui.Printf("note  prove: %s could not be read: no mutants of it", f)
	}
	for _, s := range result.Stale {
		env.ui.Printf("note  prove: equivalent.toml: no mutant matches %q: remove the entry", s)
	}
	for _, m := range result.Mutants {
		if v := result.Verdicts[m.ID]; v.State == mutate.Survived || v.State == mutate.Unreached {
			env.ui.Printf("      %s: %s: %s", v.State, m.Name(), mutate.Describe(m))
		}
	}
	if o.sample > 0 {
		env.ui.Printf("note  prove: %d of %d mutants of %s, seed %d", len(result.Mutants), result.All, base, o.seed)
	}
	bad := result.Bad()
	ok := bad == 0 && len(result.Stale) == 0 && len(result.Unread) == 0
	env.ui.Verdict(ok, fmt.Sprintf("%s: %d mutants: %d refuted, %d listed, %d survived, %d not reached, %d do not compile", base, len(result.Mutants),
		result.Count(mutate.Killed), result.Count(mutate.Excused), result.Count(mutate.Survived), result.Count(mutate.Unreached),
		result.Count(mutate.Refused)))
	if ok {
		return nil
	}
	r.Record.Reasons = append(r.Record.Reasons, fmt.Sprintf("%d mutants survived or were not reached, %d entries of equivalent.toml are stale, %d functions were not read",
		bad, len(result.Stale), len(result.Unread)))
	return &statusError{code: exitFailed}
}

// writeProvenMutants keeps everything that is known of each mutant.
func writeProvenMutants(dir string, result *prove.MutantResult) error {
	type row struct {
		*schema.Mutant
		prove.MutantVerdict
	}
	var rows []row
	for _, m := range result.Mutants {
		rows = append(rows, row{m, result.Verdicts[m.ID]})
	}
	data, err := json.MarshalIndent(rows, "", "\t")
	if err != nil {
		return fmt.Errorf("render mutants.json: %w", err)
	}
	return cache.WriteFile(filepath.Join(dir, "mutants.json"), append(data, '\n'), 0o644)
}
