// SPDX-License-Identifier: GPL-2.0-only OR MIT

package bpf_test

import (
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
