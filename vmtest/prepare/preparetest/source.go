// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package preparetest gives tests the bases of the workbench that they are in.
package preparetest

import (
	"testing"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/workbench"
)

// Bases returns the names of the kernel bases.
func Bases(tb testing.TB) []string {
	tb.Helper()
	all, err := prepare.Bases(Source(tb, "").Root, prepare.AllBases)
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

// Source returns a base. The test's log shows the steps of preparing it.
func Source(tb testing.TB, base string) prepare.Source {
	tb.Helper()
	root, err := workbench.Find("", "")
	if err != nil {
		tb.Fatal(err)
	}
	dir, err := cache.Dir()
	if err != nil {
		tb.Fatal(err)
	}
	return prepare.Source{Root: root, Cache: dir, Base: base, Progress: func(e progress.Event) {
		if e.State == progress.Started || e.State == progress.Failed {
			tb.Logf("%s: %v %s", e.Step, e.State, e.Text)
		}
	}}
}
