// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/deps"
)

func testRoot() *command.Command {
	return rootCommand(newEnvironment(os.Stdin, &bytes.Buffer{}, &bytes.Buffer{}))
}

// TestDeclarations checks that each declaration of a command is complete.
func TestDeclarations(t *testing.T) {
	root := testRoot()
	if err := root.Check(); err != nil {
		t.Error(err)
	}
	root.Walk(func(c *command.Command) {
		var help bytes.Buffer
		if err := c.Help(&help); err != nil {
			t.Error(err)
		}
		for line := range strings.Lines(help.String()) {
			if len(line) > 81 {
				t.Errorf("help of %s has a line of %d columns: %s", c.Path(), len(line)-1, line)
			}
		}
		for _, n := range c.Needs {
			if len(deps.Of(deps.Group(n))) == 0 {
				t.Errorf("%s needs %q, which deps does not know", c.Path(), n)
			}
		}
	})
}
