// SPDX-License-Identifier: GPL-2.0-only OR MIT

package bpf_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

// skipUnlessRequired skips the test because the machine lacks what, unless
// XPS_TEST_REQUIRE, a list separated by commas, says that it is there: then
// the test fails.
func skipUnlessRequired(tb testing.TB, what, reason string) {
	tb.Helper()
	if slices.Contains(strings.Split(os.Getenv("XPS_TEST_REQUIRE"), ","), what) {
		tb.Fatalf("XPS_TEST_REQUIRE offers %q, but %s", what, reason)
	}
	tb.Skip(reason)
}

// requireSources skips the test where the test binary is all there is, such as
// in a guest.
func requireSources(tb testing.TB) {
	tb.Helper()
	if _, err := os.Stat("gen.go"); errors.Is(err, os.ErrNotExist) {
		skipUnlessRequired(tb, "sources", "the sources of this package are not here (go test runs tests beside them)")
	}
}
