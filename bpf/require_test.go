// SPDX-License-Identifier: GPL-2.0-only OR MIT

package bpf_test

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// skipUnlessRequired skips the test because the machine lacks what. If
// XPS_TEST_REQUIRE, a comma-separated list, contains what, the test fails
// instead.
func skipUnlessRequired(tb testing.TB, what, reason string) {
	tb.Helper()
	if slices.Contains(strings.Split(os.Getenv("XPS_TEST_REQUIRE"), ","), what) {
		tb.Fatalf("XPS_TEST_REQUIRE has %q, but %s", what, reason)
	}
	tb.Skip(reason)
}

// requireSources skips the test where only the test binary exists. A guest may have the
// sources, but has no go command.
func requireSources(tb testing.TB) {
	tb.Helper()
	_, err := os.Stat("gen.go")
	if err == nil {
		_, err = exec.LookPath("go")
	}
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, exec.ErrNotFound) {
		skipUnlessRequired(tb, "sources", "the sources of this package are not here (go test runs tests in their directory)")
	}
}
