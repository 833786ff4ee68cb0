// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/gen/series/check"
	"xpsgen/gen/series/export"
	"xpsgen/gen/series/nipa"
	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/tree/manifest"
)

// seriesNIPAOptions are the options of series nipa.
type seriesNIPAOptions struct {
	dir            string
	faults, builds bool
	fast           bool
	seed           int64
	threads        []manifest.Thread
}

func seriesNIPACommand(env seriesCommands) *command.Command {
	var o seriesNIPAOptions
	return &command.Command{
		Name:  "nipa",
		Short: "run NIPA's tests on the mails, and compare with series check",
		Long: "Exports the series, runs NIPA's own series and patch tests on the mails, and compares each result with that of " +
			"series check. --nipa names a clone of https://github.com/linux-netdev/nipa. Tests that compile whole kernel " +
			"trees run only with --builds, and take hours. Tests that need the network do not run.\n\n" +
			"With --faults it also injects faults, one at a time: one into each directory that the series touch, and one for each test of NIPA. " +
			"For each fault, the check that covers it must fail. If NIPA has a test for it, that test must fail, too.",
		Args: []command.Arg{{Name: "SERIES|SERIES/BASE|BASE", Optional: true, Repeat: true, Values: env.threadNames,
			Help: "series or base to test; default all series to submit"}},
		Flags: []command.Flag{
			{Name: "nipa", Arg: "DIR", To: command.String(&o.dir), Help: "clone of NIPA; required"},
			{Name: "faults", To: command.Bool(&o.faults), Help: "also inject faults, one at a time: the checks and NIPA must report each"},
			{Name: "fast", To: command.Bool(&o.fast), Help: "skip faults whose check compiles"},
			{Name: "builds", To: command.Bool(&o.builds), Help: "also run NIPA's tests that compile (takes hours)"},
			{Name: "seed", Arg: "N", To: command.Int64(&o.seed), Help: "repeat the faults of a run that printed this seed; default a new seed"},
		},
		Examples: []command.Example{
			{Line: "series nipa --nipa ~/src/nipa"},
			{Line: "series nipa --nipa ~/src/nipa --faults --seed 7 hook"},
		},
		Exits: []command.Exit{{Code: 1, Meaning: "a result differs without a known reason, or a fault is not reported"},
			{Code: 69, Meaning: "no result differs, but the check of a fault could not run"}},
		Needs: []string{"series", "series-build"},
		Valid: func(args []string) (err error) {
			if o.fast && o.builds {
				return command.Usagef("--fast and --builds are mutually exclusive")
			}
			if o.dir == "" {
				return command.Usagef("--nipa DIR is missing (DIR is a clone of NIPA)")
			}
			o.threads, err = env.threads(args)
			return err
		},
		Run: func(ctx context.Context, _ []string) error { return env.seriesNIPA(ctx, &o) },
	}
}

func (env seriesCommands) seriesNIPA(ctx context.Context, o *seriesNIPAOptions) error {
	dir, err := filepath.Abs(o.dir)
	if err != nil {
		return err
	}
	e := &exporter{env: env.environment, now: time.Now()}
	for _, t := range o.threads {
		if t.Series.Sent() && t.Submitted() {
			e.threads = append(e.threads, t)
		}
	}
	if e.root, e.cache, err = env.locate(); err != nil {
		return err
	}
	work := filepath.Join(e.cache, "work", "nipa")
	if err := os.MkdirAll(work, 0o755); err != nil {
		return err
	}
	n := &nipaRun{env: env, exporter: e, runner: &nipa.Runner{Dir: dir, Work: work}, checker: &seriesChecker{env: env.environment, cache: e.cache}, builds: o.builds, fast: o.fast}
	if n.tests, err = n.testNames(); err != nil {
		return err
	}
	lock, err := cache.Acquire(ctx, work+".lock", "run NIPA", env.ui.Progress())
	if err != nil {
		return err
	}
	defer lock.Release()
	if err := n.export(ctx); err != nil {
		return err
	}
	defer os.RemoveAll(n.mails)
	for _, t := range e.threads {
		if t.Project.Build != manifest.BuildKbuild {
			env.ui.Printf("      %s: NIPA tests kernel trees only", t.Name())
			continue
		}
		if err := n.compare(ctx, t); err != nil {
			return err
		}
	}
	if o.faults {
		if o.seed == 0 {
			o.seed = int64(rand.Uint32())
		}
		if err := n.faults(ctx, uint64(o.seed)); err != nil {
			return err
		}
	}
	env.ui.Verdict(n.wrong == 0 && n.notRun == 0, fmt.Sprintf("%d agree, %d differ for a known reason, %d differ; %d faults, %d not noticed or not agreed, %d not run",
		n.agree, n.known, n.differ, n.tried, n.missed, n.notRun))
	if n.leftOut > 0 {
		env.ui.Important(fmt.Sprintf("      PARTIAL: --fast leaves out %d faults whose check compiles", n.leftOut))
	}
	switch {
	case n.wrong > 0:
		return &statusError{code: exitFailed}
	case n.notRun > 0:
		return &statusError{code: exitBreakdown}
	}
	return nil
}

// nipaRun runs NIPA and the checks, and counts.
type nipaRun struct {
	env      seriesCommands
	exporter *exporter
	runner   *nipa.Runner
	checker  *seriesChecker
	builds   bool
	fast     bool
	tests    []string
	mails    string

	agree, known, differ, tried, missed, notRun, leftOut, wrong int
}

// testNames returns the tests of NIPA to run. It prints a notice for each test
// that the table in package check does not have.
func (n *nipaRun) testNames() (names []string, err error) {
	all, err := n.runner.Tests()
	if err != nil {
		return nil, command.Usagef("--nipa: %v", err)
	}
	known := map[string]check.NIPATest{}
	for _, t := range check.NIPA() {
		known[t.Name] = t
	}
	for _, name := range all {
		t, ok := known[name]
		if !ok {
			n.env.ui.Important(fmt.Sprintf("note  NIPA has a test %s, which series check does not know", name))
			continue
		}
		if t.Coverage == check.Covered && (n.builds || !t.Builds) {
			names = append(names, name)
		}
	}
	return names, nil
}

// export writes the mails of all threads.
func (n *nipaRun) export(ctx context.Context) error {
	halves, err := n.exporter.load(ctx, nil)
	if err != nil {
		return err
	}
	if n.mails, err = os.MkdirTemp(n.runner.Work, "export-"); err != nil {
		return err
	}
	return export.Write(n.mails, halves)
}

func (n *nipaRun) mailsOf(t manifest.Thread) string {
	return filepath.Join(n.mails, t.Series.Key+"-"+t.Base.Name, export.MailsDir)
}

// compare runs our checks and NIPA's tests on a thread.
func (n *nipaRun) compare(ctx context.Context, t manifest.Thread) error {
	opt, err := n.checker.options(ctx, t, check.Options{})
	if err != nil {
		return err
	}
	for _, c := range check.All() {
		if n.builds || c.Fast() {
			opt.Checks = append(opt.Checks, c)
		}
	}
	rows, err := check.Run(ctx, opt)
	if err != nil {
		return err
	}
	tests := n.tests
	if !n.builds && !opt.Thread.Touches("Documentation/netlink/specs/", "tools/net/ynl/") {
		// The test builds all of tools/net/ynl, even for a series that does
		// not touch it.
		tests = slices.DeleteFunc(slices.Clone(tests), func(s string) bool { return s == "series/ynl" })
	}
	var leftOut []string
	tests = slices.DeleteFunc(slices.Clone(tests), func(s string) bool {
		if nipa.Comparable(s, opt.Thread) {
			return false
		}
		leftOut = append(leftOut, s)
		return true
	})
	results, err := n.runner.Run(ctx, opt.Thread, opt.Thread.BaseCommit, n.mailsOf(t), tests)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(n.env.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s\n", t.Name())
	for _, s := range leftOut {
		fmt.Fprintf(w, "  %s\tleft out: no rule of the target of this series\n", s)
	}
	all := nipa.Compare(rows, results)
	for _, name := range tests {
		agree, of := 0, 0
		var differ []string
		for _, a := range all {
			if a.Test != name {
				continue
			}
			of++
			switch {
			case a.Agrees():
				agree++
				n.agree++
			case a.Explained():
				n.known++
				differ = append(differ, a.String())
			default:
				n.differ++
				n.wrong++
				differ = append(differ, "NOT EXPECTED: "+a.String())
			}
		}
		fmt.Fprintf(w, "  %s\t%d of %d agree\n", name, agree, of)
		for _, d := range differ {
			fmt.Fprintf(w, "    %s\n", d)
		}
	}
	return w.Flush()
}

// faults puts faults into all threads.
func (n *nipaRun) faults(ctx context.Context, s uint64) error {
	n.env.ui.Printf("      --seed %d repeats the faults", s)
	fmt.Fprintf(n.env.stdout, "faults (seed %d)\n", s)
	for i, t := range n.exporter.threads {
		opt, err := n.checker.options(ctx, t, check.Options{})
		if err != nil {
			return err
		}
		faults, err := nipa.Faults(ctx, opt.Thread, rand.New(rand.NewPCG(s, uint64(i))))
		if err != nil {
			return err
		}
		for _, f := range faults {
			if n.fast && compiles(f.Check) {
				n.leftOut++
				continue
			}
			tried, err := n.runner.Try(ctx, opt, n.mailsOf(t), f, n.builds)
			if err != nil {
				return errors.Join(err, ctx.Err())
			}
			if _, err := fmt.Fprintf(n.env.stdout, "  %s\n", n.line(t, &tried)); err != nil {
				return err
			}
		}
	}
	return nil
}

// line describes the result of a fault, and counts it.
func (n *nipaRun) line(t manifest.Thread, f *nipa.Tried) string {
	n.tried++
	verdict := "noticed"
	switch {
	case f.Blocked():
		verdict = "not run"
		n.notRun++
	case !f.Noticed():
		verdict = "MISSED"
	case !f.Agrees():
		verdict = "DIFFERS"
	}
	if verdict == "MISSED" || verdict == "DIFFERS" {
		n.missed++
		n.wrong++
	}
	theirs := f.Why
	if f.Theirs != nil {
		theirs = fmt.Sprintf("NIPA %s %s (%s)", f.Theirs.Test, f.Theirs.Code, short(f.Theirs.Desc))
	}
	return fmt.Sprintf("%-8s %s patch %d, %s in %s: %s %s (%s); %s", verdict, t.Name(), f.Alteration.Patch, f.Name, f.File, f.Check, f.Row.Code, short(f.Row.Summary), theirs)
}

// compiles reports whether a check compiles.
func compiles(name string) bool {
	some, err := check.Select([]string{name})
	return err == nil && slices.ContainsFunc(some, func(c check.Check) bool { return !c.Fast() })
}

// short cuts a text for a table.
func short(s string) string {
	if s = strings.Join(strings.Fields(s), " "); len(s) > 90 {
		return s[:87] + "..."
	}
	return s
}
