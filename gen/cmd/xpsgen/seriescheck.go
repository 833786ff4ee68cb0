// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/urfave/cli/v2"

	"xpsgen/gen/series/check"
	"xpsgen/vmtest/runs"
	"xpsgen/vmtest/tree"
	"xpsgen/vmtest/tree/manifest"
)

func seriesCheckCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "check the series against the rules of netdev's CI",
		ArgsUsage: "[SERIES | SERIES/BASE | BASE]...",
		Description: "Runs the checks on every patch of every series that is sent, with the scripts of\n" +
			"the target tree. Each series is checked on the series that it depends on.\n\n" +
			"A warning does not fail the run: whoever signs off decides. Results are kept by\n" +
			"content, so an unchanged series is checked within a second. A check whose program is\n" +
			"missing or too old is not run: its row names the program and the remedy, the others\n" +
			"run, and the exit code is 69 if nothing failed.\n\n" + nipaHelp() + "\n" +
			"Examples:\n" +
			"  xpsgen series check\n" +
			"  xpsgen series check --fast hook                nothing is compiled\n" +
			"  xpsgen series check 6.12                       all series on that base\n" +
			"  xpsgen series check --only checkpatch --patch 2 hook/net-next\n" +
			"  xpsgen series check --list",
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "only", Usage: "make only the check `NAME`; may be repeated"},
			&cli.IntFlag{Name: "patch", Usage: "look only at patch `N` of the series"},
			&cli.BoolFlag{Name: "fast", Usage: "leave out what compiles"},
			&cli.BoolFlag{Name: "full", Usage: "build the whole tree, not only the directories touched (hours)"},
			&cli.BoolFlag{Name: "json", Usage: "print JSON instead of a table"},
			&cli.StringFlag{Name: "junit", Usage: "write JUnit XML to `FILE`, too"},
			&cli.BoolFlag{Name: "list", Usage: "list the checks and exit"},
			&cli.IntFlag{Name: "jobs", Aliases: []string{"j"}, Value: runtime.NumCPU(), Usage: "`N` jobs of a build"},
		},
		Action:       env.seriesCheck,
		BashComplete: env.completeThreads,
	}
}

func (env *environment) seriesCheck(c *cli.Context) error {
	if c.Bool("list") {
		for _, k := range check.All() {
			if _, err := fmt.Fprintf(env.stdout, "%-18s %s\n", k.Name, k.About); err != nil {
				return fmt.Errorf("print the list: %w", err)
			}
		}
		return nil
	}
	usage := func(format string, a ...any) error {
		return &usageError{text: fmt.Sprintf(format, a...), command: "xpsgen series check"}
	}
	checks, err := check.Select(c.StringSlice("only"))
	if err != nil {
		return usage("--only: %v", err)
	}
	switch {
	case c.Bool("fast") && c.Bool("full"):
		return usage("--fast and --full exclude each other")
	case c.Int("patch") < 0 || c.IsSet("patch") && c.Int("patch") == 0:
		return usage("--patch: %d: patches count from 1", c.Int("patch"))
	case c.Int("jobs") < 1:
		return usage("--jobs: %d is less than 1", c.Int("jobs"))
	}
	if c.Bool("fast") {
		var fast []check.Check
		for _, k := range checks {
			if k.Fast() {
				fast = append(fast, k)
			}
		}
		checks = fast
	}
	threads, err := env.threads(c)
	if err != nil {
		return err
	}
	if c.Int("patch") > 0 && len(threads) != 1 {
		return usage("--patch wants one series on one base: %s", strings.Join(manifest.Names(threads), " or "))
	}
	root, cacheDir, err := env.paths(c)
	if err != nil {
		return err
	}
	s := &seriesChecker{env: env, cache: cacheDir}
	var rows []check.Row
	for _, t := range threads {
		some, err := env.recordCheck(c, root, s, t, check.Options{
			Checks: checks, Patch: c.Int("patch"), Full: c.Bool("full"), Jobs: c.Int("jobs"),
		})
		if err != nil {
			return err
		}
		rows = append(rows, some...)
	}
	return env.checkReport(c, rows)
}

// recordCheck checks one thread and keeps a record.
func (env *environment) recordCheck(c *cli.Context, root string, s *seriesChecker, t manifest.Thread, opt check.Options) (rows []check.Row, err error) {
	rec := recording{
		kind: runs.Check, root: root, subject: runs.Subject{Base: t.Base.Name, Series: t.Series.Key},
		link: filepath.Join("check", t.Series.Key+"-"+t.Base.Name),
	}
	var parts []string
	for _, name := range c.StringSlice("only") {
		parts = append(parts, "--only "+name)
	}
	if c.Bool("fast") {
		parts = append(parts, "--fast")
	}
	if opt.Patch > 0 {
		parts = append(parts, fmt.Sprintf("--patch %d", opt.Patch))
	}
	if len(parts) > 0 {
		rec.selection = fmt.Sprintf("%s (%d of %d checks)", strings.Join(parts, " "), len(opt.Checks), len(check.All()))
	}
	err = env.record(c.Context, rec, func(r *runs.Run) (err error) {
		if rows, err = s.check(c.Context, t, opt); err != nil {
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

// checkReport prints rows and turns them into an exit code.
func (env *environment) checkReport(c *cli.Context, rows []check.Row) error {
	if file := c.String("junit"); file != "" {
		if err := writeWith(file, func(f *os.File) error { return check.WriteJUnit(f, rows) }); err != nil {
			return fmt.Errorf("write JUnit: %w", err)
		}
	}
	var err error
	if c.Bool("json") {
		err = check.WriteJSON(env.stdout, rows)
	} else {
		alone := c.Int("patch") > 0 && len(c.StringSlice("only")) > 0
		err = check.WriteTable(env.results(), rows, check.TableOptions{Paint: env.paintCode(), Logs: alone || env.verbose > 0})
	}
	if err != nil {
		return fmt.Errorf("print the results: %w", err)
	}
	n := check.Count(rows)
	env.ui.Verdict(n.Failed == 0 && n.Lacking == 0, n.String())
	switch {
	case n.Failed > 0:
		return &statusError{code: exitFailed}
	case n.Lacking > 0:
		return &statusError{code: exitBreakdown}
	}
	return nil
}

// nipaHelp says which tests of netdev's CI the checks cover.
func nipaHelp() string {
	var b strings.Builder
	group := func(title string, made check.Made) {
		b.WriteString(title + "\n")
		for _, t := range check.NIPA() {
			if t.Made != made {
				continue
			}
			_, name, _ := strings.Cut(t.Name, "/")
			as := strings.Join(t.Checks, ", ")
			if as == name {
				as = ""
			}
			for _, note := range []string{as, t.Note} {
				if note != "" {
					name += ": " + note
				}
			}
			b.WriteString("  " + name + "\n")
		}
	}
	group("Tests of netdev's CI (NIPA) that it makes, and what differs:", check.Here)
	group("Tests of NIPA that need the network, and are not made:", check.Network)
	group("Other tests of NIPA that are not made:", check.NotMade)
	return b.String()
}

func writeWith(file string, write func(f *os.File) error) (err error) {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// paintCode colours a table that goes to a terminal.
func (env *environment) paintCode() func(check.Code, string) string {
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

// options completes opt with what belongs to a thread.
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
