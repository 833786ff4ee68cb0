// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package suite has the tests that run inside the guest. Their names begin with their
// origin:
//   - aNN: behaviour that a maintainer would require of the XPS hook,
//   - bNN: behaviour that must hold without the hook, too,
//   - cNN: the demonstration of the 2019 RFC,
//   - dNN: a decision of the series,
//   - eNN: a result of the selftest that the series adds to the kernel tree,
//   - fNN: behaviour of ip.
//
// [Run] needs root, two CPUs, and a kernel with veth, dummy, tun, packet sockets and
// tracing. Nothing else may change XPS settings meanwhile. Package plan has the names
// of the tests for the host.
package suite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"xpsgen/vmtest/guest/suite/check"
	"xpsgen/vmtest/guest/suite/rtnl"
	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/plan"
)

// Options says how to run the suite. The zero value runs all tests, without the check of
// large program ids (Long), and expects the hook.
type Options struct {
	// Run selects tests, as [plan.ParseFilter] reads it. Empty selects all.
	Run string
	// Unpatched says that the kernel must not have the hook. If it does not, tests of
	// the hook are skipped.
	Unpatched bool
	// Races says that the kernel has checkers that find races. Tests then repeat more
	// often what may race.
	Races bool
	// Seed is the seed of random choices.
	Seed int64
	// Long allows tests that take a minute or more.
	Long bool
	// Loader is the key of an alternative to the hook by which programs are
	// attached. Empty means the hook.
	Loader string
	// Selftest is the program of the kernel's selftests. Empty means that
	// there is none.
	Selftest string
	// YNL is the program that reads links with code generated from the netlink
	// specification. Empty or absent means that there is none.
	YNL string
	// IP is the patched ip. Empty means /usr/bin/ip.
	IP string
	// Bpftool is the patched bpftool. Empty means /usr/bin/bpftool.
	Bpftool string
	// Counts receives the line counts of gcov, see [wire.Config.Counts]. Nil means that
	// nothing counts.
	Counts io.Writer
	// Scratch is an empty directory to write to. Empty means a new temporary directory,
	// which is removed at the end.
	Scratch string
	// TimeoutScale multiplies timeouts. Zero means 1.
	TimeoutScale float64
}

// groups is the plan. NB: the test of a06 must come first: it can only fail
// until something writes to xps_cpus or xps_rxqs for the first time since boot.
func groups(t *tools) []check.Group {
	all := []check.Group{
		hookTests{t.lab, t.effort}.list(),
		baselineTests{t.lab, t.effort}.list(),
		demoTests{t.lab, t.ip}.list(),
		queryTests{t.lab, t.ip, t.bpftool, t.ynl, t.effort}.list(),
		controlTests{t.lab, t.ip}.list(),
		ipTests{t.lab, t.ip}.list(),
		negativeTests{t.lab, t.ip, t.effort}.list(),
		fixTests{t.lab}.list(),
		linkTests{t.lab, t.ip, t.bpftool}.list(),
		raceTests{t.lab, t.effort}.list(),
		t.selftest.list(),
		lifetimeTests{t.lab, t.effort, t.leaks}.list(),
	}
	for i, g := range all {
		all[i] = g.Need(needsRtnetlink)
	}
	return all
}

func selectTests(t *tools, run string) ([]check.Group, error) {
	f, err := plan.ParseFilter(run)
	if err != nil {
		return nil, err
	}
	selected := check.Select(groups(t), f)
	if len(selected) == 0 {
		return nil, fmt.Errorf("%w %q", plan.ErrNoTests, run)
	}
	return selected, nil
}

// Run runs the selected tests, writes their report to w, and returns the number of
// failed tests. An error means that the suite could not run and the report is
// incomplete.
func Run(ctx context.Context, w *ktap.Writer, opt Options) (failed int, err error) {
	g, selected, restore, err := setUp(opt)
	if err != nil {
		return 0, err
	}
	defer restore()
	r := g.runner(w)
	if opt.Counts != nil {
		c, err := newCounts(opt.Counts)
		if err != nil {
			return 0, err
		}
		r.After = c.take
		defer func() { err = errors.Join(err, c.close()) }()
	}
	failed, err = r.Run(withLoader(ctx, opt.Loader), selected)
	if err != nil || failed > 0 { // a failed test may have left programs
		return failed, err
	}
	return 0, g.leaks.leftovers(ctx)
}

// ground is the environment of the tests.
type ground struct {
	opt Options
	*tools
	// present says that the kernel has the hook.
	present bool
	// reproducers says that all selected tests reproduce bugs that the series fixes.
	// They run on the base only then, because they kill the guest.
	reproducers bool
}

func allReproducers(groups []check.Group) bool {
	for _, g := range groups {
		for _, t := range g.Tests {
			if t.Needs != needsFix {
				return false
			}
		}
	}
	return true
}

// setUp selects the tests and prepares the guest for them. restore undoes that.
func setUp(opt Options) (g *ground, selected []check.Group, restore func(), err error) {
	if opt.IP == "" {
		opt.IP = "/usr/bin/ip"
	}
	if opt.Bpftool == "" {
		opt.Bpftool = "/usr/bin/bpftool"
	}
	if _, err := selectTests(newTools(opt), opt.Run); err != nil {
		return nil, nil, nil, err
	}
	var undo []func()
	restore = func() {
		for i := len(undo) - 1; i >= 0; i-- {
			undo[i]()
		}
	}
	defer func() {
		if err != nil {
			restore()
		}
	}()
	if opt.Scratch == "" {
		if opt.Scratch, err = os.MkdirTemp("", "suite"); err != nil {
			return nil, nil, nil, fmt.Errorf("scratch directory: %w", err)
		}
		undo = append(undo, func() { os.RemoveAll(opt.Scratch) })
	}
	g = &ground{opt: opt, tools: newTools(opt)}
	if selected, err = selectTests(g.tools, opt.Run); err != nil {
		return nil, nil, nil, err
	}
	g.reproducers = allReproducers(selected)
	if err := os.MkdirAll(g.lab.sysfs(), 0o755); err != nil {
		return nil, nil, nil, fmt.Errorf("scratch directory: %w", err)
	}
	if err := g.ip.writeObjects(); err != nil {
		return nil, nil, nil, err
	}
	addresses, err := fixAddresses()
	if err != nil {
		return nil, nil, nil, err
	}
	undo = append(undo, addresses)
	if g.leaks.before, err = programs(); err != nil {
		return nil, nil, nil, fmt.Errorf("list BPF programs: %w", err)
	}
	if g.present, err = haveHook(); err != nil {
		return nil, nil, nil, fmt.Errorf("probe for the hook: %w", err)
	}
	return g, selected, restore, nil
}

// runner runs tests and reports to w.
func (g *ground) runner(w *ktap.Writer) *check.Runner {
	return &check.Runner{
		Writer:  w,
		Scale:   g.opt.TimeoutScale,
		Isolate: g.lab.isolate,
		Gate: func(_ string, test check.Test) check.Decision {
			return gate(test.Baseline || g.opt.Unpatched && g.reproducers || g.opt.Loader != "", g.opt.Unpatched, g.present)
		},
		Rerun: rerun,
	}
}

func rerun(name string) string { return fmt.Sprintf("make vmtest RUN='%s'", name) }

// loopback is the index of lo in every network namespace.
const loopback = 1

// haveHook queries lo. A kernel with the hook sends an IFLA_XPS nest for every device,
// with or without a program.
func haveHook() (bool, error) {
	c, err := rtnl.Dial()
	if err != nil {
		return false, err
	}
	defer c.Close()
	info, err := c.Get(loopback)
	if err != nil {
		return false, err
	}
	return info.XPS.Present, nil
}

// Reasons why a test is skipped or fails.
const (
	reasonUnpatched  = plan.NoHook
	reasonHookThere  = "kernel has the XPS hook, expected one without: RTM_GETLINK of lo shows IFLA_XPS"
	reasonByAccident = "passed by accident: " + reasonUnpatched
)

// gate decides whether a test runs, from the expected kernel and the probe for the hook. A
// test of the hook never passes without the hook. If a kernel that should have the hook
// lacks it, the test still runs, because its failure explains the reason. A pass then does
// not count.
func gate(baseline, unpatched, present bool) check.Decision {
	switch {
	case baseline:
		return check.Decision{}
	case unpatched && present:
		return check.Decision{Fail: reasonHookThere}
	case unpatched:
		return check.Decision{Skip: reasonUnpatched}
	case !present:
		return check.Decision{Doubt: reasonByAccident}
	}
	return check.Decision{}
}
