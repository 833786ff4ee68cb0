// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/plan"
	"xpsgen/vmtest/run"
	"xpsgen/vmtest/runs"
	"xpsgen/vmtest/verdict"
)

// suiteOptions are the options of vmtest.
type suiteOptions struct {
	sourceOptions
	machineOptions
	run                                  string
	seed                                 int64
	guests                               int
	long, list, unpatched, bisect, watch bool
	reach                                bool
	keepReports                          bool
	out                                  string
}

func vmtestCommand(env suiteCommands) *command.Command {
	var o suiteOptions
	return &command.Command{
		Name:  "vmtest",
		Short: "boot the patched kernel and run the suite in it",
		Long: "Writes KTAP to stdout. Keeps the run in out/runs/ID; the link out/BASE points to the last run. The directory holds " +
			"results.ktap, results.json, junit.xml, console.log, kernel.config and record.json. With --base all there is " +
			"also out/bases.json.",
		Flags: slices.Concat(o.sourceOptions.flags(env.environment, true), o.machineOptions.flags(), []command.Flag{
			o.archFlag(),
			{Name: "run", Arg: "PATTERN", Env: "XPSGEN_RUN", To: command.String(&o.run), Values: testNames,
				Help: "run only tests that match: a regular expression per level, separated by /"},
			{Name: "seed", Arg: "N", Env: "XPSGEN_SEED", To: command.Int64(&o.seed),
				Help: "repeat the random choices of a run that printed this seed; default a new seed"},
			{Name: "guests", Arg: "N", To: command.Int(&o.guests, 1, 2),
				Help: "number of guests that share the suite; default 2 if the host has two CPUs and enough memory"},
			{Name: "long", To: command.Bool(&o.long), Help: "also test program ids above 65535, which takes a minute"},
			{Name: "list", To: command.Bool(&o.list), Help: "list the tests and exit"},
			{Name: "unpatched", To: command.Bool(&o.unpatched),
				Help: "run on the base kernel, as a control: no test of the hook may pass"},
			{Name: "keep-reports", To: command.Bool(&o.keepReports),
				Help: "with --unpatched: store the checkers' reports, and ignore the same reports in runs with the series"},
			{Name: "reach", To: command.Bool(&o.reach),
				Help: "count the lines of C that run: fail for a line of the series that no test runs and that vmtest/reach/unreached.toml does not list"},
			{Name: "out", Arg: "DIR", To: command.String(&o.out), Help: "directory for the results and the record of the run, instead of out/runs/ID"},
			{Name: "bisect", To: command.Bool(&o.bisect),
				Help: "use the exit codes of git bisect run: 125 if the patches do not apply or the tree does not build, 128 if the workbench fails"},
			{Name: "watch", To: command.Bool(&o.watch), Help: "run again whenever patches, BPF programs or the suite change, first the tests that failed, until interrupted"},
		}),
		Examples: []command.Example{
			{Line: "vmtest"},
			{Line: "vmtest --run 'control/a2[4-8]'", Note: "five tests of a group"},
			{Line: "vmtest --base all", Note: "every base in turn"},
			{Line: "vmtest --kernel ~/src/linux", Note: "your own tree"},
			{Line: "vmtest --watch --run hook", Note: "again on each change"},
			{Line: "vmtest --unpatched", Note: "the control run"},
			{Line: "vmtest --reach", Note: "also which lines of the series ran"},
		},
		Exits: []command.Exit{{Code: 1, Meaning: "a test failed, the kernel panicked or warned, a patch does not apply or build, or with --reach a line neither runs nor is listed"}},
		Needs: []string{"vmtest"},
		Valid: func([]string) error {
			if o.watch && o.bisect {
				return command.Usagef("--watch and --bisect are mutually exclusive")
			}
			if o.reach && (o.watch || o.bisect || o.unpatched || o.kernel != "" || o.iproute2 != "" || o.cross()) {
				return command.Usagef("--reach is for a base and its series on amd64: leave out --watch, --bisect, --unpatched, --kernel, --iproute2 and --arch")
			}
			if o.keepReports && (!o.unpatched || o.kernel != "") {
				return command.Usagef("--keep-reports is for a base without the series: give --unpatched, and no --kernel")
			}
			if err := o.suite(); err != nil {
				return err
			}
			// Reject a pattern that selects nothing before a kernel is built.
			if _, err := plan.Names(o.run); err != nil {
				return command.Usagef("--run: %v; xpsgen vmtest --list names all tests", err)
			}
			return nil
		},
		Run: func(ctx context.Context, _ []string) error {
			switch {
			case o.list:
				return env.listTests(o.run)
			case o.watch:
				return env.watchSuite(ctx, &o)
			}
			err := env.runSuite(ctx, &o)
			if o.bisect {
				return bisectStatus(ctx, env.console, err)
			}
			return err
		},
	}
}

// testNames completes --run.
func testNames() []string {
	names, _ := plan.Names("")
	return names
}

func (env suiteCommands) listTests(run string) error {
	names, err := plan.Names(run)
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := fmt.Fprintln(env.stdout, name); err != nil {
			return fmt.Errorf("print the list: %w", err)
		}
	}
	return nil
}

func (env suiteCommands) runSuite(ctx context.Context, o *suiteOptions) error {
	_, err := env.runTests(ctx, o)
	return err
}

// runTests runs the suite and returns the names of the tests that failed on a single base.
func (env suiteCommands) runTests(ctx context.Context, o *suiteOptions) (failed []string, err error) {
	bases, all, err := o.bases(env.environment)
	if err != nil {
		return nil, err
	}
	src, err := o.anySource(env.environment)
	if err != nil {
		return nil, err
	}
	src.Unpatched = o.unpatched
	opt := run.SuiteOptions{
		Source:  src,
		Machine: o.machine(),
		Run:     o.run,
		Seed:    o.seed,
		Long:    o.long,
		Out:     o.out,
		KTAP:    env.results(),
		Guests:  o.guests,

		KeepReports: o.keepReports,
	}
	if o.reach {
		return nil, env.runReach(ctx, opt, bases, all)
	}
	if all {
		return nil, env.runBases(ctx, opt, bases)
	}
	outcome, out, err := env.recordSuite(ctx, opt)
	if outcome == nil {
		return nil, err
	}
	env.summary(outcome, out)
	if err != nil || outcome.Passed() {
		return nil, err
	}
	return outcome.Failed(), &statusError{code: exitFailed}
}

// recordSuite runs the suite on one base and keeps a record. out is the directory of
// the results: opt.Out, out/BASE, or the run's own below --runs.
func (env suiteCommands) recordSuite(ctx context.Context, opt run.SuiteOptions) (o *verdict.Outcome, out string, err error) {
	rec, err := recordSource(runs.Suite, &opt.Source)
	if err != nil {
		return nil, "", err
	}
	planned, err := plan.Names(opt.Run)
	if err != nil {
		return nil, "", err
	}
	if opt.Run != "" {
		rec.selection = partOf("--run", opt.Run, len(planned), len(plan.All()), "tests")
	}
	if opt.Seed == 0 {
		opt.Seed = run.DrawSeed()
	}
	rec.seed, rec.dir, rec.link = opt.Seed, opt.Out, opt.Source.Name()
	err = env.record(ctx, rec, func(r *runs.Run) (err error) {
		opt.Out, out = r.Dir(), r.Dir()
		r.Record.Counts.Planned = len(planned)
		o, err = run.Suite(ctx, opt)
		if o == nil {
			return err
		}
		r.Record.Reasons, r.Record.Versions = o.Reasons, versions(&o.Inputs)
		if err == nil && !o.Passed() {
			err = &statusError{code: exitFailed}
		}
		return err
	})
	if env.own(rec) && out != "" {
		out = filepath.Join(opt.Source.Root, "out", rec.link)
	}
	return o, out, reported(err)
}

// versions are the versions of the inputs in the record of a run.
func versions(in *verdict.Inputs) map[string]string {
	all := map[string]string{
		"kernel":   strings.Trim(in.KernelRelease+", "+in.KernelSource, ", "),
		"iproute2": strings.Trim(in.IPRoute2Version+", "+in.IPRoute2Source, ", "),
		"compiler": in.Compiler,
		"qemu":     in.QEMU,
		"go":       in.Go,
	}
	maps.DeleteFunc(all, func(_, v string) bool { return v == "" })
	return all
}

// summary prints the last lines on stderr: the verdict, its reasons, and the directory
// of the results.
func (env suiteCommands) summary(o *verdict.Outcome, out string) {
	env.ui.Verdict(o.Passed(), o.Summary())
	for _, reason := range o.Reasons {
		env.ui.Printf("      %s", reason)
	}
	for _, s := range o.Splats {
		if s.Known {
			env.ui.Printf("      the base has this, too: %s", s.Reason())
		}
	}
	env.ui.Printf("      results in %s", relative(out))
}
