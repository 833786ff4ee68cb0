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

	"xpsgen/gen/series"
	"xpsgen/gen/series/check"
	"xpsgen/vmtest/tree"
	"xpsgen/vmtest/tree/manifest"
)

func seriesCheckCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "hold the series against what netdev's CI and its readers want",
		ArgsUsage: "[BASE]...",
		Description: "Makes every check of netdev's CI that needs no network, and some of its\n" +
			"reviewers', on every patch of every base that is submitted, with the scripts of\n" +
			"the target tree. A base is net-next or linux/net-next.\n\n" +
			"A warning does not fail the run: whoever signs off decides. What was found is\n" +
			"remembered, so that an unchanged series is checked in seconds.\n\n" +
			"Examples:\n" +
			"  xpsgen series check\n" +
			"  xpsgen series check --fast net-next            nothing is compiled\n" +
			"  xpsgen series check --only checkpatch --patch 2 net-next\n" +
			"  xpsgen series check --list",
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "only", Usage: "make only the check `NAME`; may be repeated"},
			&cli.IntFlag{Name: "patch", Usage: "look only at patch `N` of the base"},
			&cli.BoolFlag{Name: "fast", Usage: "leave out what compiles"},
			&cli.BoolFlag{Name: "full", Usage: "build the whole tree, not only the directories touched (hours)"},
			&cli.BoolFlag{Name: "json", Usage: "print JSON instead of a table"},
			&cli.StringFlag{Name: "junit", Usage: "write JUnit XML to `FILE`, too"},
			&cli.BoolFlag{Name: "list", Usage: "name the checks and do nothing"},
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
		return usage("--patch wants one base: %s", strings.Join(threadNames(threads), " or "))
	}
	_, cacheDir, err := env.paths(c)
	if err != nil {
		return err
	}
	s := &seriesChecker{env: env, cache: cacheDir}
	var rows []check.Row
	for _, t := range threads {
		some, err := s.check(c.Context, t, check.Options{
			Checks: checks, Patch: c.Int("patch"), Full: c.Bool("full"), Jobs: c.Int("jobs"),
		})
		if err != nil {
			return err
		}
		rows = append(rows, some...)
	}
	return env.checkReport(c, rows)
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
	env.ui.Verdict(n.Failed == 0, n.String())
	if n.Failed > 0 {
		return &statusError{code: exitFailed}
	}
	return nil
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

// thread is a series on one base.
type thread struct {
	series *manifest.Series
	base   *manifest.Base
}

func (t thread) name() string { return t.series.Project + "/" + t.base.Name }

func threadNames(threads []thread) (names []string) {
	for _, t := range threads {
		names = append(names, t.name())
	}
	return names
}

// allThreads are both series on all their bases.
func allThreads(root string) (threads []thread, err error) {
	for _, dir := range []string{series.KernelDir, series.IPRoute2Dir} {
		m, err := manifest.Load(filepath.Join(root, dir))
		if err != nil {
			return nil, err
		}
		for i := range m.Bases {
			threads = append(threads, thread{m, &m.Bases[i]})
		}
	}
	return threads, nil
}

// threads are those that the arguments name, or all that are submitted.
func (env *environment) threads(c *cli.Context) (threads []thread, err error) {
	root, _, err := env.paths(c)
	if err != nil {
		return nil, err
	}
	all, err := allThreads(root)
	if err != nil {
		return nil, err
	}
	if c.Args().Len() == 0 {
		for _, t := range all {
			if t.base.Role == manifest.Submit {
				threads = append(threads, t)
			}
		}
		if len(threads) == 0 {
			return nil, errors.New("no base has the role submit; name one")
		}
		return threads, nil
	}
	for _, a := range c.Args().Slice() {
		if strings.HasPrefix(a, "-") {
			return nil, &usageError{text: fmt.Sprintf("unexpected argument %q: flags stand before arguments", a), command: c.Command.HelpName}
		}
		found := false
		for _, t := range all {
			if t.name() == a || t.base.Name == a {
				threads, found = append(threads, t), true
			}
		}
		if !found {
			return nil, &usageError{text: fmt.Sprintf("no base %q (there is %s)", a, strings.Join(threadNames(all), ", ")), command: c.Command.HelpName}
		}
	}
	return threads, nil
}

// completeThreads offers bases.
func (env *environment) completeThreads(c *cli.Context) {
	cli.DefaultCompleteWithFlags(c.Command)(c)
	root, _, err := env.paths(c)
	if err != nil {
		return
	}
	all, err := allThreads(root)
	if err != nil {
		return
	}
	for _, t := range all {
		fmt.Fprintln(env.stdout, t.base.Name)
	}
}

// seriesChecker checks threads, and remembers the kernel's for the scripts.
type seriesChecker struct {
	env    *environment
	cache  string
	kernel *check.Thread
}

func (s *seriesChecker) load(ctx context.Context, t thread) (*check.Thread, error) {
	return check.Load(ctx, check.LoadOptions{
		Series: t.series, Base: t.base.Name,
		Tree: tree.Options{Cache: s.cache, Progress: s.env.ui.Progress()},
	})
}

func (s *seriesChecker) check(ctx context.Context, t thread, opt check.Options) ([]check.Row, error) {
	opt, err := s.options(ctx, t, opt)
	if err != nil {
		return nil, err
	}
	return check.Run(ctx, opt)
}

// options completes opt with what belongs to a thread.
func (s *seriesChecker) options(ctx context.Context, t thread, opt check.Options) (check.Options, error) {
	var err error
	if opt.Thread, err = s.load(ctx, t); err != nil {
		return opt, err
	}
	if t.series.Project != "linux" {
		if opt.Kernel, err = s.scripts(ctx, t); err != nil {
			return opt, err
		}
	}
	opt.Cache, opt.Progress = s.cache, s.env.ui.Progress()
	opt.To, opt.Cc = t.series.Recipients.To, t.series.Recipients.Cc
	return opt, nil
}

// scripts is the kernel thread whose scripts look at t.
func (s *seriesChecker) scripts(ctx context.Context, t thread) (*check.Thread, error) {
	if s.kernel != nil {
		return s.kernel, nil
	}
	m, err := manifest.Load(filepath.Join(filepath.Dir(t.series.Dir), series.KernelDir))
	if err != nil {
		return nil, err
	}
	s.kernel, err = s.load(ctx, thread{m, &m.Bases[0]})
	return s.kernel, err
}
