// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package testenv tells tests what the environment offers, and makes small
// workbenches for them.
package testenv

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"xpsgen/vmtest/tree"
)

// Variable is a list, separated by commas, of what the environment offers. make
// test sets it. Then a test that needs an offered thing fails instead of being
// skipped.
const Variable = "XPS_TEST_REQUIRE"

// Offers reports whether the environment offers what.
func Offers(what string) bool {
	return slices.Contains(strings.Split(os.Getenv(Variable), ","), what)
}

// GuestPrefix begins the names of the tests that boot the patched kernel. make faults
// selects them by it, so that it does not repeat all others.
const GuestPrefix = "TestGuest"

// Require skips the test unless the environment offers what. reason says why
// the test needs it.
func Require(tb testing.TB, what, reason string) {
	tb.Helper()
	if what == "vm" && !strings.HasPrefix(tb.Name(), GuestPrefix) {
		tb.Fatalf("%s: %s: rename the test to %s..., so that make faults runs it", tb.Name(), reason, GuestPrefix)
	}
	if !Offers(what) {
		tb.Skipf("%s: %s does not contain %s (make test sets it)", reason, Variable, what)
	}
}

// Root makes a workbench that has two kernel bases, one iproute2 base and no
// patches, and returns its directory.
func Root(t testing.TB) string {
	t.Helper()
	root := t.TempDir()
	const kernel = `[project]
name = "linux"
build = "kbuild"
guest = "kernel"
mark = "Kbuild"
`
	const ip = `[project]
name = "iproute2"
build = "iproute2"
guest = "ip"
mark = "ip/iplink.c"
`
	const series = `[[series]]
key = %q
title = "t"
`
	const base = `[[base]]
name = %q
role = %q
%s[[base.source]]
kind = "git"
url = "file:///nowhere"
ref = "v1"
`
	for dir, text := range map[string]string{
		"kernel-patches":   kernel + fmt.Sprintf(base, "net-next", "submit", "") + fmt.Sprintf(base, "6.12", "carry", "") + fmt.Sprintf(series, "queue"),
		"iproute2-patches": ip + fmt.Sprintf(base, "6.1", "carry", "for = ['net-next', '6.12']\n") + fmt.Sprintf(series, "ip"),
	} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, dir, tree.ManifestName), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}
