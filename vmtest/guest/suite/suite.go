// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package suite is what runs inside the guest: the demonstration of the 2019
// RFC and one test for each thing a maintainer would want of the XPS hook,
// numbered as in the list the series was written to (a01, a02, ...), plus the
// decisions of the series (d01, ...), what the selftest that the series adds to the
// kernel tree reports (e01, ...), and what holds without the hook (b01, ...).
//
// [Run] wants a kernel with veth, dummy, tun, packet sockets and tracing, root,
// two CPUs, and to be the only one changing XPS settings. Package plan has the
// names of the tests for the host.
package suite

import (
	"context"
	"fmt"
	"os"

	"github.com/cilium/ebpf"

	"xpsgen/vmtest/guest/suite/check"
	"xpsgen/vmtest/guest/suite/rtnl"
	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/plan"
)

// Options says how to run the suite. The zero value runs everything and
// expects the hook.
type Options struct {
	// Run selects tests, as [plan.ParseFilter] reads it. Empty selects all.
	Run string
	// Unpatched says that the kernel is meant to be without the hook: tests
	// of the hook are skipped once the kernel was seen to be without it.
	Unpatched bool
	// Debug says that the kernel is one that notices races and leaks, so that
	// provoking them is worth large counts.
	Debug bool
	// Seed makes what is drawn by lot.
	Seed int64
	// Long has tests take a minute or more that can.
	Long bool
	// Selftest is the program of the kernel's selftests. Empty means that
	// there is none.
	Selftest string
	// YNL is the program that reads links by code that is generated from the
	// specification. Empty, or not there, means that there is none.
	YNL string
	// IP is the patched ip. Empty means /usr/bin/ip.
	IP string
	// Bpftool is the patched bpftool. Empty means /usr/bin/bpftool.
	Bpftool string
	// Scratch is an empty directory to write to. Empty means a new one in
	// the directory for temporary files, which is removed in the end.
	Scratch string
	// TimeoutScale stretches deadlines. Zero means 1.
	TimeoutScale float64
}

// env is what the tests share. It is filled before the first one runs.
type env struct {
	opt Options
	// programsBefore are the BPF programs that the suite found.
	programsBefore map[ebpf.ProgramID]bool
	// selftest runs the program of the kernel's selftests when first asked.
	selftest selftestRun
}

// groups is the plan. NB: the test of a06 must come first: it can only fail
// as long as nothing since boot has written to xps_cpus or xps_rxqs.
func groups(e *env) []check.Group {
	all := []check.Group{
		e.hookTests(),
		e.baselineTests(),
		e.demoTests(),
		e.queryTests(),
		e.controlTests(),
		e.ipTests(),
		e.negativeTests(),
		e.fixTests(),
		e.linkTests(),
		e.raceTests(),
		e.selftests(),
		e.lifetimeTests(),
	}
	for i, g := range all {
		all[i] = g.Need(needsRtnetlink)
	}
	return all
}

func selectTests(e *env, run string) ([]check.Group, error) {
	f, err := plan.ParseFilter(run)
	if err != nil {
		return nil, err
	}
	selected := check.Select(groups(e), f)
	if len(selected) == 0 {
		return nil, fmt.Errorf("%w %q", plan.ErrNoTests, run)
	}
	return selected, nil
}

// Run runs the selected tests, writes their report to w, and returns how many
// failed. An error means that the suite could not do its work, and that the
// report is not complete.
func Run(ctx context.Context, w *ktap.Writer, opt Options) (failed int, err error) {
	if opt.IP == "" {
		opt.IP = "/usr/bin/ip"
	}
	if opt.Bpftool == "" {
		opt.Bpftool = "/usr/bin/bpftool"
	}
	e := &env{opt: opt}
	selected, err := selectTests(e, opt.Run)
	if err != nil {
		return 0, err
	}
	if e.opt.Scratch == "" {
		if e.opt.Scratch, err = os.MkdirTemp("", "suite"); err != nil {
			return 0, fmt.Errorf("scratch directory: %w", err)
		}
		defer os.RemoveAll(e.opt.Scratch)
	}
	if err := os.MkdirAll(e.sysfs(), 0o755); err != nil {
		return 0, fmt.Errorf("scratch directory: %w", err)
	}
	if err := e.writeObjects(); err != nil {
		return 0, err
	}
	restore, err := fixAddresses()
	if err != nil {
		return 0, err
	}
	defer restore()
	if e.programsBefore, err = programs(); err != nil {
		return 0, fmt.Errorf("list BPF programs: %w", err)
	}
	present, err := haveHook()
	if err != nil {
		return 0, fmt.Errorf("probe for the hook: %w", err)
	}
	runner := &check.Runner{
		Writer:  w,
		Scale:   opt.TimeoutScale,
		Isolate: e.isolate,
		Gate: func(_ string, test check.Test) check.Decision {
			return gate(test.Baseline, opt.Unpatched, present)
		},
		Rerun: rerun,
	}
	failed, err = runner.Run(ctx, selected)
	if err != nil || failed > 0 { // what failed may well have left something
		return failed, err
	}
	return 0, e.leftovers(ctx)
}

// rerun is the command that runs one test alone.
func rerun(name string) string { return fmt.Sprintf("make vmtest RUN='%s'", name) }

// loopback is the index of lo in every network namespace.
const loopback = 1

// haveHook asks the kernel about lo: one with the hook answers with an
// IFLA_XPS nest for every device, whether or not a program is attached.
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

// What a test is told that does not get to run, or does not get to pass.
const (
	reasonUnpatched  = plan.NoHook
	reasonHookThere  = "kernel meant to be without the XPS hook has it: RTM_GETLINK of lo shows IFLA_XPS"
	reasonByAccident = "passed by accident: " + reasonUnpatched
)

// gate decides about a test by what the kernel is meant to be and by whether
// the probe found the hook. A test of the hook never passes without it: on a
// kernel that should have it, the test still runs, for what it says of the
// reason, but a pass does not count.
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
