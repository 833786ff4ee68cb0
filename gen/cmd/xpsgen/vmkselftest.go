// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/run"
	"xpsgen/vmtest/runs"
)

// fullFragment is the fragment of vmtest/config for tests that others wrote.
const fullFragment = "full"

// kselftestOptions are the options of vm kselftest.
type kselftestOptions struct {
	guestOptions
	compare bool
	out     string
}

func vmKselftestCommand(env *environment) *command.Command {
	var o kselftestOptions
	return &command.Command{
		Name:  "kselftest",
		Short: "run the kernel's own selftests in the patched guest",
		Long: "Builds and installs the collections from the patched tree. Boots a kernel with --config (default full), merged " +
			"with the config files of the collections. Runs the tests with the kernel's own runner. Writes KTAP to stdout. " +
			"Keeps the run in out/runs/ID; the link out/kselftest/BASE names the last run.\n\n" +
			"The config files are merged as scripts/kconfig/merge_config.sh -y does. Symbols whose value differs from " +
			"the requested one are listed. The guest sets KSFT_MACHINE_SLOW=yes; --env overrides it.",
		Args: []command.Arg{{Name: "TEST", Help: "test to run: COLLECTION:TEST, or COLLECTION for all of its tests", Repeat: true}},
		Flags: append(o.flags(env),
			command.Flag{Name: "compare", To: command.Bool(&o.compare),
				Help: "also run the tests on the base kernel; fail only if the results differ"},
			command.Flag{Name: "out", Arg: "DIR", To: command.String(&o.out), Help: "directory for the results and the record of the run, instead of out/runs/ID"},
		),
		Examples: []command.Example{
			{Line: "vm kselftest net:rtnetlink.sh net:netdevice.sh"},
			{Line: "vm kselftest --compare net:reuseport_bpf", Note: "compared with the base kernel"},
			{Line: "vm kselftest --config base size", Note: "a whole collection, on the smallest kernel"},
		},
		Exits: []command.Exit{{Code: 1, Meaning: "a test failed, no test passed, or the kernel panicked or warned; with --compare, a result differs"}},
		Needs: []string{"vmtest", "kselftest"},
		Valid: func(tests []string) error {
			if o.compare && o.unpatched {
				return command.Usagef("--compare and --unpatched are mutually exclusive")
			}
			for _, t := range tests {
				if strings.HasPrefix(t, ":") || strings.HasSuffix(t, ":") || strings.Count(t, ":") > 1 {
					return command.Usagef("%q is neither COLLECTION:TEST nor COLLECTION", t)
				}
			}
			return nil
		},
		Run: func(ctx context.Context, tests []string) error { return env.kselftest(ctx, &o, tests) },
	}
}

func (env *environment) kselftest(ctx context.Context, o *kselftestOptions, tests []string) error {
	env.ui.Patient()
	opt, err := o.fullGuest(env)
	if err != nil {
		return err
	}
	opt.Source.Selftests = tests
	rec, err := recordSelftests(&opt.Source, strings.Join(tests, " "), o.out)
	if err != nil {
		return err
	}
	return env.recordKTAP(ctx, rec, env.results(), func(r *runs.Run, results io.Writer) error {
		return env.runKselftest(ctx, o, opt, r.Dir(), results)
	})
}

// fullGuest returns a guest with the kernel that selftests need, unless the user names
// another configuration.
func (o *guestOptions) fullGuest(env *environment) (run.GuestOptions, error) {
	opt, err := o.guest(env)
	if err == nil && len(opt.Source.Fragments) == 0 {
		opt.Source.Fragments = []string{fullFragment}
	}
	return opt, err
}

// recordSelftests describes the record of a run of the selected selftests. out is the
// directory that the user names; empty means the store of runs.
func recordSelftests(src *prepare.Source, selection, out string) (recording, error) {
	rec, err := recordSource(runs.Kselftest, src)
	rec.selection, rec.dir, rec.link = selection, out, filepath.Join("kselftest", src.Name())
	return rec, err
}

// runKselftest runs the tests, on the base kernel first if the results are to be compared.
func (env *environment) runKselftest(ctx context.Context, o *kselftestOptions, opt run.GuestOptions, dir string, results io.Writer) error {
	if !o.compare {
		return env.judgeSelftests(ctx, func() ([]ktap.Test, error) { return env.selftestsIn(ctx, o, opt, results) })
	}
	base := opt
	base.Source.Unpatched = true
	f, err := os.Create(filepath.Join(dir, "base.ktap"))
	if err != nil {
		return fmt.Errorf("keep the results: %w", err)
	}
	env.ui.Printf("note  kselftest: the base kernel first")
	before, err := env.selftestsIn(ctx, o, base, f)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("run the selftests on the base kernel: %w", err)
	}
	after, err := env.selftestsIn(ctx, o, opt, results)
	if err != nil {
		return env.selftestsError(ctx, err)
	}
	differences := run.CompareSelftests(before, after)
	env.ui.Verdict(len(differences) == 0, fmt.Sprintf("%s; %d differences from the base kernel", countTests(after), len(differences)))
	for _, d := range differences {
		env.ui.Printf("      %s", d)
	}
	if len(differences) > 0 {
		return &statusError{code: exitFailed}
	}
	return nil
}

// selftestsIn runs the tests in one guest.
func (env *environment) selftestsIn(ctx context.Context, o *kselftestOptions, opt run.GuestOptions, results io.Writer) (reported []ktap.Test, err error) {
	finish, err := o.start(env, &opt)
	if err != nil {
		return nil, err
	}
	reported, err = run.Kselftest(ctx, run.KselftestOptions{GuestOptions: opt, KTAP: results, Stderr: env.stderr})
	if errors.Is(err, prepare.ErrSelftest) {
		err = command.Usagef("%v", err)
	}
	return reported, finish(run.Ending{}, err)
}

// countTests counts results of selftests.
func countTests(tests []ktap.Test) (c runs.Counts) {
	for _, t := range tests {
		c.Planned++
		switch t.Status {
		case ktap.Pass:
			c.Pass++
		case ktap.Skip:
			c.Skip++
		default:
			c.Fail++
		}
	}
	return c
}
