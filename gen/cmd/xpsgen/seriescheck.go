// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/gen/series/check"
	"xpsgen/vmtest/runs"
	"xpsgen/vmtest/tree"
	"xpsgen/vmtest/tree/manifest"
)

// checkOptions are the options of series check.
type checkOptions struct {
	only, without          []string
	patch, jobs            int
	fast, full, json, list bool
	junit                  string
	// checks and threads are selected by the flags and arguments.
	checks  []check.Check
	threads []manifest.Thread
}

func seriesCheckCommand(env seriesCommands) *command.Command {
	var o checkOptions
	return &command.Command{
		Name:  "check",
		Short: "check the series against the rules of netdev's CI",
		Long: "Runs the checks on every patch of every series to submit, with the scripts of the target tree. Each series " +
			"is checked on top of the series that it depends on.\n\n" +
			"A warning does not fail the run: the person who signs off decides. Results are cached by content, so an unchanged " +
			"series is checked within a second.\n\n" +
			"If a program is missing or too old, its checks are blocked. Their rows name the program and the remedy. If no " +
			"check failed, the exit code is then 69. The check ruff is optional, because few distributions package it.\n\n" +
			nipaHelp(),
		Args: []command.Arg{{Name: "SERIES|SERIES/BASE|BASE", Optional: true, Repeat: true, Values: env.threadNames,
			Help: "series or base to check; default all series to submit"}},
		Flags: []command.Flag{
			{Name: "only", Arg: "NAME", To: command.Choices(&o.only, check.Names()...), Help: "run only this check or group"},
			{Name: "without", Arg: "NAME", To: command.Choices(&o.without, check.Names()...), Help: "skip this check or group"},
			{Name: "patch", Arg: "N", To: command.Count(&o.patch), Help: "check only patch N of the series"},
			{Name: "fast", To: command.Bool(&o.fast), Help: "skip checks that compile"},
			{Name: "full", To: command.Bool(&o.full), Help: "build the whole tree instead of the touched directories (takes hours)"},
			{Name: "json", To: command.Bool(&o.json), Help: "print JSON instead of a table"},
			{Name: "junit", Arg: "FILE", To: command.String(&o.junit), Help: "also write JUnit XML to FILE"},
			{Name: "list", To: command.Bool(&o.list), Help: "list the checks and exit"},
			{Name: "jobs", Letter: "j", Arg: "N", To: command.Count(&o.jobs), Help: "number of parallel build jobs; default one per CPU"},
		},
		Examples: []command.Example{
			{Line: "series check"},
			{Line: "series check --fast hook", Note: "without compiling"},
			{Line: "series check 6.12", Note: "all series on that base"},
			{Line: "series check --only checkpatch --patch 2 hook/net-next"},
			{Line: "series check --list"},
		},
		Exits: []command.Exit{{Code: 1, Meaning: "a check failed"},
			{Code: 69, Meaning: "no check failed, but a check is blocked"}},
		Needs: []string{"series", "series-build"},
		Valid: func(args []string) error { return o.valid(env, args) },
		Run:   func(ctx context.Context, _ []string) error { return env.seriesCheck(ctx, &o) },
	}
}

func (o *checkOptions) valid(env seriesCommands, args []string) (err error) {
	if o.fast && o.full {
		return command.Usagef("--fast and --full are mutually exclusive")
	}
	if o.checks, err = check.Select(o.only); err != nil {
		return command.Usagef("--only: %v", err)
	}
	left, err := check.Select(o.without)
	if err != nil {
		return command.Usagef("--without: %v", err)
	}
	if len(o.without) > 0 {
		o.checks = slices.DeleteFunc(o.checks, func(k check.Check) bool {
			return slices.ContainsFunc(left, func(l check.Check) bool { return l.Name == k.Name })
		})
	}
	if len(o.checks) == 0 {
		return command.Usagef("--without leaves no check")
	}
	if o.fast {
		o.checks = slices.DeleteFunc(o.checks, func(k check.Check) bool { return !k.Fast() })
	}
	if o.list {
		return nil
	}
	if o.threads, err = env.threads(args); err != nil {
		return err
	}
	if o.patch > 0 && len(o.threads) != 1 {
		return command.Usagef("--patch wants one series on one base: %s", strings.Join(manifest.Names(o.threads), " or "))
	}
	return nil
}

func (env seriesCommands) seriesCheck(ctx context.Context, o *checkOptions) error {
	if o.list {
		for _, k := range check.All() {
			if _, err := fmt.Fprintf(env.stdout, "%-18s %s\n", k.Name, k.About); err != nil {
				return fmt.Errorf("print the list: %w", err)
			}
		}
		return nil
	}
	root, cacheDir, err := env.locate()
	if err != nil {
		return err
	}
	s := &seriesChecker{env: env.environment, cache: cacheDir}
	var rows []check.Row
	for _, t := range o.threads {
		some, err := env.recordCheck(ctx, o, root, s, t)
		if err != nil {
			return err
		}
		rows = append(rows, some...)
	}
	return env.checkReport(o, rows)
}

// recordCheck checks one thread and keeps a record.
func (env seriesCommands) recordCheck(ctx context.Context, o *checkOptions, root string, s *seriesChecker, t manifest.Thread) (rows []check.Row, err error) {
	opt := check.Options{Checks: o.checks, Patch: o.patch, Full: o.full, Jobs: cmp.Or(o.jobs, runtime.NumCPU())}
	rec := recording{
		kind: runs.Check, root: root, subject: runs.Subject{Base: t.Base.Name, Series: t.Series.Key},
		link: filepath.Join("check", t.Series.Key+"-"+t.Base.Name),
	}
	var parts []string
	for _, name := range o.only {
		parts = append(parts, "--only "+name)
	}
	for _, name := range o.without {
		parts = append(parts, "--without "+name)
	}
	if o.fast {
		parts = append(parts, "--fast")
	}
	if opt.Patch > 0 {
		parts = append(parts, fmt.Sprintf("--patch %d", opt.Patch))
	}
	if len(parts) > 0 {
		rec.selection = fmt.Sprintf("%s (%d of %d checks)", strings.Join(parts, " "), len(opt.Checks), len(check.All()))
	}
	err = env.record(ctx, rec, func(r *runs.Run) (err error) {
		if rows, err = s.check(ctx, t, opt); err != nil {
			return err
		}
		err = writeWith(filepath.Join(r.Dir(), runs.KTAPFile), func(f *os.File) error { return check.WriteKTAP(f, rows) })
		if err != nil {
			return fmt.Errorf("keep the results: %w", err)
		}
		n := check.Count(rows)
		code := exitFailed
		if n.Failed == 0 {
			code = exitBreakdown
		}
		if n.Failed > 0 || n.Lacking > 0 {
			r.Record.Reasons = append(r.Record.Reasons, n.String())
			return &statusError{code: code}
		}
		return nil
	})
	return rows, reported(err)
}

// checkReport prints rows and returns an error if one failed or is blocked.
func (env seriesCommands) checkReport(o *checkOptions, rows []check.Row) error {
	if file := o.junit; file != "" {
		if err := writeWith(file, func(f *os.File) error { return check.WriteJUnit(f, rows) }); err != nil {
			return fmt.Errorf("write JUnit: %w", err)
		}
	}
	var err error
	if o.json {
		err = check.WriteJSON(env.stdout, rows)
	} else {
		alone := o.patch > 0 && len(o.only) > 0
		err = check.WriteTable(env.results(), rows, check.TableOptions{Paint: env.paintCode(), Logs: alone || env.verbose > 0})
	}
	if err != nil {
		return fmt.Errorf("print the results: %w", err)
	}
	n := check.Count(rows)
	if n.Failed == 0 && n.Lacking > 0 {
		env.ui.Incomplete(n.String())
	} else {
		env.ui.Verdict(n.Failed == 0, n.String())
	}
	switch {
	case n.Failed > 0:
		return &statusError{code: exitFailed}
	case n.Lacking > 0:
		return &statusError{code: exitBreakdown}
	}
	return nil
}

// nipaHelp lists which tests of netdev's CI the checks cover.
func nipaHelp() string {
	group := func(title string, coverage check.Coverage) string {
		var items [][2]string
		for _, t := range check.NIPA() {
			if t.Coverage != coverage {
				continue
			}
			_, name, _ := strings.Cut(t.Name, "/")
			var notes []string
			if as := strings.Join(t.Checks, ", "); as != "" && as != name {
				notes = append(notes, "checks "+as)
			}
			if t.Note != "" {
				notes = append(notes, t.Note)
			}
			items = append(items, [2]string{name, strings.Join(notes, "; ")})
		}
		return title + ":\n\n" + command.List(items)
	}
	return group("Tests of netdev's CI (NIPA) that the checks cover, and differences", check.Covered) + "\n\n" +
		group("Tests of NIPA that need the network and do not run", check.Network) + "\n\n" +
		group("Other tests of NIPA that do not run", check.NotCovered)
}

func writeWith(file string, write func(f *os.File) error) (err error) {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// paintCode returns the function that colours a table on a terminal.
func (env *console) paintCode() func(check.Code, string) string {
	if !env.colourResults() {
		return nil
	}
	return func(c check.Code, word string) string {
		colour := map[check.Code]string{check.Pass: "\x1b[32m", check.Warning: "\x1b[33m", check.Blocked: "\x1b[2m"}[c]
		if colour == "" {
			colour = "\x1b[31m"
		}
		return colour + word + "\x1b[0m"
	}
}

// seriesChecker checks threads, and remembers the trees whose scripts it ran.
type seriesChecker struct {
	env     *environment
	cache   string
	scripts map[string]*check.Thread
}

func (s *seriesChecker) check(ctx context.Context, t manifest.Thread, opt check.Options) ([]check.Row, error) {
	opt, err := s.options(ctx, t, opt)
	if err != nil {
		return nil, err
	}
	return check.Run(ctx, opt)
}

// options completes opt for a thread.
func (s *seriesChecker) options(ctx context.Context, t manifest.Thread, opt check.Options) (check.Options, error) {
	var err error
	trees := tree.Options{Cache: s.cache, Progress: s.env.ui.Progress()}
	if opt.Thread, err = check.Load(ctx, check.LoadOptions{Thread: t, Tree: trees}); err != nil {
		return opt, err
	}
	if name := t.Project.Scripts; name != "" && name != t.Project.Name && name != manifest.NoScripts {
		if s.scripts[name] == nil {
			project, err := manifest.LoadChange(filepath.Dir(t.Project.Dir))
			if err != nil {
				return opt, err
			}
			if s.scripts == nil {
				s.scripts = map[string]*check.Thread{}
			}
			if s.scripts[name], err = check.LoadBase(ctx, project.Project(name), trees); err != nil {
				return opt, err
			}
		}
		opt.Kernel = s.scripts[name]
	}
	opt.Cache, opt.Progress = s.cache, s.env.ui.Progress()
	opt.To, opt.Cc = t.Series.Recipients.To, t.Series.Recipients.Cc
	if target := t.Project.Target(t.Series.Target); len(opt.To) == 0 && target != nil && target.List != "" {
		opt.To = []string{target.List}
	}
	return opt, nil
}
