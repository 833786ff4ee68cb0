// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"
	"path/filepath"

	"xpsgen/vmtest/plan"
	"xpsgen/vmtest/run"
	"xpsgen/vmtest/verdict"

	"github.com/urfave/cli/v2"
)

func vmtestCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:  "vmtest",
		Usage: "boot the patched kernel and run the suite inside",
		Description: "KTAP on stdout; results.ktap, results.json, junit.xml, console.log and\n" +
			"kernel.config under out/BASE; with --base all also out/bases.json.\n\n" +
			"Examples:\n" +
			"  xpsgen vmtest\n" +
			"  xpsgen vmtest --run 'control/a2[4-8]'\n" +
			"  xpsgen vmtest --base all\n" +
			"  xpsgen vmtest --kernel ~/src/linux\n" +
			"  xpsgen vmtest --watch --run hook\n" +
			"  xpsgen vmtest --unpatched",
		Flags: append(append(sourceFlags(), machineFlags()...),
			&cli.StringFlag{
				Name: "run", EnvVars: []string{"XPSGEN_RUN"},
				Usage: "only tests that match `PATTERN`: a regular expression per level, split by /",
			},
			&cli.Int64Flag{
				Name: "seed", EnvVars: []string{"XPSGEN_SEED"},
				Usage: "repeat what a run drew by lot: `N` is the seed that it printed; default a new one",
			},
			&cli.IntFlag{
				Name:  "guests",
				Usage: "`N` guests share the whole suite, 1 or 2; default 2 where there are two CPUs and the memory",
			},
			&cli.BoolFlag{
				Name:  "long",
				Usage: "also what takes a minute or more: ids of programs that do not fit into 16 bits",
			},
			&cli.BoolFlag{
				Name:  "list",
				Usage: "name the tests and do nothing",
			},
			&cli.BoolFlag{
				Name:  "unpatched",
				Usage: "the suite on the base kernel, as a control: passes if no check of the hook does",
			},
			&cli.StringFlag{
				Name:  "out",
				Usage: "`DIR` for the results; default out/BASE in the workbench",
			},
			&cli.BoolFlag{
				Name:  "bisect",
				Usage: "exit codes for git bisect run: 125 when the tree does not apply or build, 128 when the workbench fails",
			},
			&cli.BoolFlag{
				Name:  "watch",
				Usage: "again whenever patches, programs or the suite change, until interrupted",
			},
		),
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			if c.Bool("list") {
				return env.listTests(c)
			}
			if c.Bool("watch") {
				if c.Bool("bisect") {
					return &usageError{text: "--watch and --bisect exclude each other", command: "xpsgen vmtest"}
				}
				return env.watchSuite(c)
			}
			err := env.runSuite(c)
			if c.Bool("bisect") {
				return bisectStatus(c.Context, env, err)
			}
			return err
		},
	}
}

func (env *environment) listTests(c *cli.Context) error {
	names, err := plan.Names(c.String("run"))
	if err != nil {
		return &usageError{text: err.Error(), command: "xpsgen vmtest"}
	}
	for _, name := range names {
		if _, err := fmt.Fprintln(env.stdout, name); err != nil {
			return fmt.Errorf("print the list: %w", err)
		}
	}
	return nil
}

func (env *environment) runSuite(c *cli.Context) error {
	// A pattern that names nothing is found before a kernel is built for it.
	if _, err := plan.Names(c.String("run")); err != nil {
		return &usageError{text: err.Error() + " (xpsgen vmtest --list names all)", command: "xpsgen vmtest"}
	}
	bases, all, err := env.bases(c)
	if err != nil {
		return err
	}
	src, err := env.anySource(c)
	if err != nil {
		return err
	}
	src.Unpatched = c.Bool("unpatched")
	machine, err := env.machine(c)
	if err != nil {
		return err
	}
	opt := run.SuiteOptions{
		Source:  src,
		Machine: machine,
		Run:     c.String("run"),
		Seed:    c.Int64("seed"),
		Long:    c.Bool("long"),
		Out:     c.String("out"),
		KTAP:    env.results(),
		Guests:  c.Int("guests"),
	}
	if opt.Guests < 0 || opt.Guests > 2 {
		return &usageError{text: fmt.Sprintf("--guests %d: must be 1 or 2", opt.Guests), command: "xpsgen vmtest"}
	}
	if all {
		return env.runBases(c, opt, bases)
	}
	if opt.Out == "" {
		opt.Out = filepath.Join(src.Root, "out", src.Name())
	}
	outcome, err := run.Suite(c.Context, opt)
	if err != nil {
		return err
	}
	env.summary(outcome, opt.Out)
	if !outcome.Passed() {
		return &statusError{code: exitFailed}
	}
	return nil
}

// summary is the last word on stderr: the verdict, why, and where to look.
func (env *environment) summary(o *verdict.Outcome, out string) {
	env.ui.Verdict(o.Passed(), o.Summary())
	for _, reason := range o.Reasons {
		env.ui.Printf("      %s", reason)
	}
	env.ui.Printf("      results in %s", relative(out))
}
