// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xpsgen/gen/cmd/xpsgen/command"
)

// TestEveryFlag gives each flag of each command a value that it cannot take, or
// none. xpsgen must exit with 2, print one line on stderr that names the flag,
// and not touch the cache.
func TestEveryFlag(t *testing.T) {
	cache := filepath.Join(t.TempDir(), "cache")
	t.Setenv("XPSGEN_CACHE", cache)
	tried := 0
	refused := func(c *command.Command, flag string, words ...string) {
		t.Helper()
		tried++
		args := strings.Fields(c.Path())
		for _, a := range c.Args {
			if !a.Optional && !c.Program {
				args = append(args, "x")
			}
		}
		args = append(args, words...)
		if c.Program && strings.Contains(flag, "=") {
			args = append(args, "x")
		}
		var stdout, stderr bytes.Buffer
		code := xpsgen(args, os.Stdin, &stdout, &stderr)
		if code != exitUsage || stdout.Len() > 0 || strings.Count(stderr.String(), "\n") != 1 || !strings.Contains(stderr.String(), strings.TrimSuffix(flag, "=")) {
			t.Errorf("%q: exit %d, stdout %q, stderr %q", args, code, stdout.String(), stderr.String())
		}
	}
	testRoot().Walk(func(c *command.Command) {
		if c.Run == nil {
			refused(c, "nosuch", "nosuch")
			return
		}
		refused(c, "--nosuch-flag", "--nosuch-flag")
		for _, f := range c.Flags {
			name := "--" + f.Name
			if f.Arg != "" {
				refused(c, name, name)
			}
			// A flag that takes any text takes this one.
			if f.To.Set("no such value") != nil {
				refused(c, name+"=", name+"=no such value")
			}
		}
	})
	if tried < 200 {
		t.Errorf("only %d command lines tried", tried)
	}
	if _, err := os.Stat(cache); err == nil {
		t.Error("the cache directory exists")
	}
}
