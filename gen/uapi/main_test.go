// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"flag"
	"os/exec"
	"testing"
)

var update = flag.Bool("update", false, "rewrite golden files")

// requireCompiler skips a test if the compiler is not installed.
func requireCompiler(tb testing.TB, name string) {
	tb.Helper()
	if _, err := exec.LookPath(name); err != nil {
		tb.Skipf("no %s in PATH: install the package of that name", name)
	}
}

// mustConfig parses a configuration.
func mustConfig(tb testing.TB, text string) *Config {
	tb.Helper()
	cfg, err := ParseConfig("test.toml", []byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return cfg
}
