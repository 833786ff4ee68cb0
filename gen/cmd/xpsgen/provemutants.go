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
		for _, m := range result.Mutants {
			if v := result.Verdicts[m.ID]; v.State == mutate.Survived || v.State == mutate.Unreached {
				env.ui.Printf("      %s: %s: %s", v.State, m.Name(), mutate.Describe(m))
			}
		}
		return env.judgeGenerated(&generated{
			command: "prove", killed: "refuted", base: opt.Source.Base, chosen: len(result.Mutants), all: result.All, bad: result.Bad(), sample: o.sampleOptions,
			unread: result.Unread, stale: result.Stale, count: result.Count,
		}, r)
	})
}

// writeProvenMutants writes mutants.json.
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
