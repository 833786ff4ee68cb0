// SPDX-License-Identifier: GPL-2.0-only OR MIT

package bisect

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xpsgen/vmtest/build"
	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/plan"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/run"
	"xpsgen/vmtest/testenv"
	"xpsgen/vmtest/tree"
	"xpsgen/vmtest/verdict"
)

// addLine is a patch that adds a second line to a file of one line.
const addLine = `From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
From: xpsgen <xpsgen@workbench.invalid>
Date: Sun, 22 Nov 2026 12:00:00 +0000
Subject: [PATCH] net: %[1]s

Why.
---
diff --git a/%[1]s b/%[1]s
--- a/%[1]s
+++ b/%[1]s
@@ -1 +1,2 @@
 first
+second
`

// fakeBisect is a workbench with two kernel patches and one iproute2 patch in temporary
// directories. The test names are those of the real suite.
func fakeBisect(t *testing.T) (opt Options, notices *[]string) {
	t.Helper()
	root := testenv.Root(t)
	write := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kernel, iproute2 := t.TempDir(), t.TempDir()
	write(filepath.Join(kernel, "Kbuild"), "#\n")
	write(filepath.Join(iproute2, "ip", "iplink.c"), "#\n")
	for _, f := range []string{"hook", "rtnetlink"} {
		write(filepath.Join(kernel, f), "first\n")
	}
	write(filepath.Join(iproute2, "xps"), "first\n")
	manifest := filepath.Join(root, "iproute2-patches", tree.ManifestName)
	data, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	write(manifest, string(data)+"on = ['queue']\n")
	write(filepath.Join(root, "kernel-patches", "queue", "6.12", "0001-hook.patch"), fmt.Sprintf(addLine, "hook"))
	write(filepath.Join(root, "kernel-patches", "queue", "6.12", "0002-rtnetlink.patch"), fmt.Sprintf(addLine, "rtnetlink"))
	write(filepath.Join(root, "iproute2-patches", "ip", "6.1", "0001-xps.patch"), fmt.Sprintf(addLine, "xps"))
	notices = new([]string)
	opt = Options{
		Source: prepare.Source{Root: root, Cache: t.TempDir(), Base: "6.12", KernelDir: kernel, IPDir: iproute2,
			Progress: func(e progress.Event) {
				if e.State == progress.Cached {
					*notices = append(*notices, e.Step)
				}
			}},
		Out:    t.TempDir(),
		memo:   &memory{dir: t.TempDir(), same: "x"},
		builds: func(context.Context, prepare.Source) error { return nil },
	}
	return opt, notices
}

// passing is a run in which all selected tests pass.
func passing(_ context.Context, opt run.SuiteOptions) (*verdict.Outcome, error) {
	names, err := plan.Names(opt.Run)
	if err != nil {
		return nil, err
	}
	o := &verdict.Outcome{Report: &ktap.Report{}, Planned: names}
	for _, n := range names {
		o.Report.Tests = append(o.Report.Tests, ktap.Test{Name: n, Status: ktap.Pass})
	}
	return o, nil
}

// Each point has the patches up to it, the complete other series, and the tests that can
// pass there. The last step of ip is the same point as the last step of the kernel, and
// does not run again. A second walk runs nothing.
func TestBisectWalk(t *testing.T) {
	opt, notices := fakeBisect(t)
	var ran []string
	opt.run = func(ctx context.Context, s run.SuiteOptions) (*verdict.Outcome, error) {
		ran = append(ran, fmt.Sprintf("%s %d %d %s", filepath.Base(s.Out), s.Source.KernelFirst, s.Source.IPFirst, s.Source.Apart))
		return passing(ctx, s)
	}
	steps, err := Run(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(ran, ", "), "queue-1-hook 1 0 bisect, queue-2-rtnetlink 0 0 "; got != want {
		t.Errorf("ran %s, want %s", got, want)
	}
	first, second := steps[0], steps[1]
	for _, name := range first.Tests {
		if test, _ := plan.Find(name); test.Needs != "" {
			t.Errorf("%s must be planned for the hook alone", name)
		}
	}
	if len(first.Tests) == 0 || len(second.Tests) <= len(first.Tests) || first.Passed != len(first.Tests) || !first.OK() {
		t.Errorf("%d of %d, then of %d tests, %q", first.Passed, len(first.Tests), len(second.Tests), first.Reasons)
	}
	// In this series no patch has the key tun or link.
	if second.OK() || !strings.Contains(second.Reasons[0], "tests need a patch that no series has") {
		t.Errorf("got %q", second.Reasons)
	}
	if len(steps[2].Tests) != len(second.Tests) {
		t.Errorf("%d tests with ip, %d with the kernel", len(steps[2].Tests), len(second.Tests))
	}
	ran = nil
	again, err := Run(t.Context(), opt)
	if err != nil || len(ran) > 0 || !again[0].Cached || again[0].Passed != first.Passed || len(*notices) < 3 {
		t.Errorf("ran %q, %+v, %q, %v", ran, again[0], *notices, err)
	}
}

// A failing patch is recorded in its step, and the walk continues. A breakdown of the
// workbench ends the walk.
func TestBisectFails(t *testing.T) {
	compile := &build.CompileError{Step: "build", Lines: []string{"dev.c:1: error: no"}}
	broken := errors.New("no qemu")
	cases := map[string]struct {
		run    func(context.Context, run.SuiteOptions) (*verdict.Outcome, error)
		builds error
		checks []Check
		proof  Check
		broke  error
		step   int
		want   string
		err    error
	}{
		"does not build": {
			run: func(ctx context.Context, s run.SuiteOptions) (*verdict.Outcome, error) {
				if s.Source.KernelFirst == 1 {
					return nil, compile
				}
				return passing(ctx, s)
			}, want: "build:",
		},
		"a test fails": {
			run: func(ctx context.Context, s run.SuiteOptions) (*verdict.Outcome, error) {
				o, err := passing(ctx, s)
				if s.Source.KernelFirst == 1 {
					o.Reasons = []string{"1 failed: b01"}
				}
				return o, err
			}, want: "1 failed: b01",
		},
		"a new warning": {
			run: passing, checks: []Check{{Name: "sparse", Summary: "1 new: dev.c"}}, want: "sparse: 1 new: dev.c",
		},
		"a property fails": {
			run: passing, proof: Check{Name: "prove", Summary: "a reference leaks"}, want: "prove: a reference leaks",
		},
		"no model checker":        {run: passing, broke: broken, err: broken},
		"does not apply, twice":   {run: passing, broke: compile, builds: compile, step: 1, want: "builds: build:"},
		"not without the network": {run: passing, builds: compile, step: 1, want: "builds: build:"},
		"broken":                  {run: func(context.Context, run.SuiteOptions) (*verdict.Outcome, error) { return nil, broken }, err: broken},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			opt, _ := fakeBisect(t)
			var out strings.Builder
			opt.run, opt.KTAP = c.run, &out
			opt.builds = func(context.Context, prepare.Source) error { return c.builds }
			opt.Checks = func(series string, n int) []Check {
				if series == "queue" && n == 1 {
					return c.checks
				}
				return nil
			}
			opt.Prove = func(_ context.Context, src prepare.Source) (Check, error) {
				if src.KernelFirst == 1 && c.proof.Name != "" {
					return c.proof, c.broke
				}
				return Check{Name: "prove", OK: true}, c.broke
			}
			// These series can pass all tests.
			steps, err := Run(t.Context(), opt)
			if !errors.Is(err, c.err) {
				t.Fatal(err)
			}
			if c.err != nil {
				return
			}
			if len(steps) != 3 || steps[c.step].OK() || !strings.Contains(strings.Join(steps[c.step].Reasons, "\n"), c.want) {
				t.Errorf("%d steps, %q, want %q", len(steps), steps[c.step].Reasons, c.want)
			}
			if !steps[2].OK() || !strings.Contains(out.String(), "ok 3 ip-1-xps") {
				t.Errorf("%q\n%s", steps[2].Reasons, out.String())
			}
			if n := len(steps[2].Checks); n > 0 {
				t.Errorf("ip has %d checks: the model is one of the kernel", n)
			}
			if c.step == 0 && !strings.Contains(out.String(), "not ok 1 queue-1-hook") {
				t.Error(out.String())
			}
		})
	}
}
