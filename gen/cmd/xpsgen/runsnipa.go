// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"cmp"
	"context"
	"strings"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/runs"
)

// nipaOptions are the options of runs nipa.
type nipaOptions struct {
	tap                          bool
	executor, branch, group, url string
}

func runsNIPACommand(env runsCommands) *command.Command {
	var o nipaOptions
	return &command.Command{
		Name:  "nipa",
		Short: "print the results of a run in the formats of netdev's CI (NIPA)",
		Long: "Prints JSON as a NIPA executor does: executor, branch, start, end, link and results. Each result has test, group, result " +
			"and the results of its subtests. With --tap it prints kselftest output, which NIPA's parsers read.",
		Flags: []command.Flag{
			{Name: "tap", To: command.Bool(&o.tap), Help: "print TAP with nested subtests instead of JSON"},
			{Name: "executor", Arg: "NAME", To: command.String(&o.executor), Help: "name of the executor; default xpsgen"},
			{Name: "branch", Arg: "BRANCH", To: command.String(&o.branch), Help: "name of the tested branch in the output; default the base"},
			{Name: "group", Arg: "GROUP", To: command.String(&o.group), Help: "group of the results; default the kind of the run and its series"},
			{Name: "link", Arg: "URL", To: command.String(&o.url), Help: "address of the logs of the run; default none"},
		},
		Args: []command.Arg{{Name: "RUN", Optional: true, Values: env.runNames, Help: "run to print; default the last one"}},
		Examples: []command.Example{
			{Line: "runs nipa last"},
			{Line: "runs nipa --tap out/net-next"},
		},
		Run: func(_ context.Context, names []string) error {
			return env.printNIPA(append(names, "last")[0], &o)
		},
	}
}

func (env runsCommands) printNIPA(name string, o *nipaOptions) error {
	root, _, err := env.locate()
	if err != nil {
		return err
	}
	r, err := env.namedRun(root, name)
	if err != nil {
		return err
	}
	report, err := r.Report()
	if err != nil {
		return err
	}
	if r.State != runs.Passed && report.Counts().Fail == 0 {
		// A run that panicked, or was killed, has no test that failed.
		report.Tests = append(report.Tests, ktap.Test{Name: "run", Status: ktap.Fail, Reason: string(r.State), Diag: r.Reasons})
	}
	group := cmp.Or(o.group, groupOf(r))
	if o.tap {
		return report.WriteKselftest(env.stdout, group)
	}
	return report.WriteNIPA(env.stdout, ktap.NIPA{
		Executor: cmp.Or(o.executor, "xpsgen"), Branch: cmp.Or(o.branch, r.Base), Group: group, Link: o.url,
		Start: r.Started, End: r.Started.Add(r.Elapsed()),
	})
}

// groupOf names the tests of a run.
func groupOf(r *runs.Record) string {
	return strings.TrimSuffix(string(r.Kind)+" "+r.Series, " ")
}
