// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/build"
	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/run"
	"xpsgen/vmtest/runs"
)

func vmTestProgsCommand(env *environment) *command.Command {
	var o guestOptions
	var out string
	return &command.Command{
		Name:  "test-progs",
		Short: "run tests of the kernel's selftests/bpf in the patched guest",
		Long: "Builds test_progs of tools/testing/selftests/bpf with its own Makefile, but only with the named tests: all tests " +
			"take hours to build. The default of --config is full; a fragment given instead must enable BTF. Writes KTAP to " +
			"stdout. Keeps the run in out/runs/ID; the link out/kselftest/BASE names the last run.\n\n" +
			"Tests that need the module bpf_testmod, another program, or a light or linked skeleton are not supported.",
		Args: []command.Arg{{Name: "TEST", Help: "test to run: name of its file in prog_tests, without .c", Repeat: true}},
		Flags: append(o.flags(env),
			command.Flag{Name: "out", Arg: "DIR", To: command.String(&out), Help: "directory for the results and the record of the run, instead of out/runs/ID"},
		),
		Examples: []command.Example{
			{Line: "vm test-progs xps"},
			{Line: "vm test-progs tc_links tc_opts", Note: "other tests of the kernel"},
		},
		Exits: []command.Exit{{Code: 1, Meaning: "a test failed or none passed, or the kernel panicked or warned"}},
		Needs: []string{"vmtest", "kselftest"},
		Run: func(ctx context.Context, tests []string) error {
			env.ui.Patient()
			opt, err := o.fullGuest(env)
			if err != nil {
				return err
			}
			opt.Source.TestProgs = tests
			rec, err := recordSelftests(&opt.Source, "bpf:"+strings.Join(tests, " bpf:"), out)
			if err != nil {
				return err
			}
			return env.recordKTAP(ctx, rec, env.results(), func(_ *runs.Run, results io.Writer) error {
				return env.judgeSelftests(ctx, func() ([]ktap.Test, error) { return env.testProgs(ctx, &o, opt, results) })
			})
		},
	}
}

// testProgs runs the tests in one guest.
func (env *environment) testProgs(ctx context.Context, o *guestOptions, opt run.GuestOptions, results io.Writer) ([]ktap.Test, error) {
	finish, err := o.start(env, &opt)
	if err != nil {
		return nil, err
	}
	reported, err := run.TestProgs(ctx, run.TestProgsOptions{GuestOptions: opt, KTAP: results, Stderr: env.stderr})
	if errors.Is(err, build.ErrTestProgs) {
		err = command.Usagef("%v", err)
	}
	return reported, finish(run.Ending{}, err)
}

// judgeSelftests runs tests and prints the verdict.
func (env *environment) judgeSelftests(ctx context.Context, test func() ([]ktap.Test, error)) error {
	tests, err := test()
	if err != nil {
		return env.selftestsError(ctx, err)
	}
	counts := countTests(tests)
	ok := counts.Fail == 0 && counts.Pass > 0
	env.ui.Verdict(ok, fmt.Sprint(counts))
	if !ok {
		return &statusError{code: exitFailed}
	}
	return nil
}

// selftestsError returns the error of the command. As in the suite, a kernel
// that panics or warns counts as a failed test.
func (env *environment) selftestsError(ctx context.Context, err error) error {
	if errors.As(err, new(*run.KernelError)) && ctx.Err() == nil {
		env.ui.Verdict(false, err.Error())
		return &statusError{code: exitFailed}
	}
	return err
}
