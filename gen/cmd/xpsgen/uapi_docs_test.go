// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"xpsgen/vmtest/testenv"
)

// docsBlock matches a fenced block of a page: its language, a word after it, and
// the text.
var docsBlock = regexp.MustCompile("(?ms)^```(\\w+)(?: (\\S+))?\n(.*?)^```$")

// TestDocsBindings runs docs/bindings.md outside of the workbench, as a reader
// would. It writes the files of the page and runs the commands of blocks marked
// "sh stranger" in order. A block for a target is run where its headers are
// installed, and always if XPS_TEST_REQUIRE has uapi.
func TestDocsBindings(t *testing.T) {
	page, err := os.ReadFile("../../../docs/bindings.md")
	if err != nil {
		t.Fatal(err)
	}
	var script, files strings.Builder
	commands := 0
	for _, m := range docsBlock.FindAllStringSubmatch(string(page), -1) {
		language, word, text := m[1], m[2], m[3]
		switch {
		case language == "sh" && word == "":
			// TestDocsCommands checks these, since they need a
			// workbench.
		case language != "sh":
			fmt.Fprintf(&files, "-- %s --\n%s", word, text)
		case word == "arm64" && !isDirectory("/usr/aarch64-linux-gnu/include/asm") && !testenv.Offers("uapi"):
		default:
			for line := range strings.Lines(text) {
				// Which headers fail to compile depends on the machine.
				if line = strings.TrimSpace(line); strings.Contains(line, "--keep-going") {
					line = "sh -c '" + line + " || test $? = 1'"
				}
				fmt.Fprintf(&script, "exec %s\n", line)
				commands++
			}
		}
	}
	if commands < 10 {
		t.Fatalf("found only %d commands", commands)
	}
	dir := t.TempDir()
	text := script.String() + "exists if_link_uapi.go names/if_link_uapi.go all/if_link_uapi.go\n" +
		"-- go.mod --\nmodule example.com/bindings\n\ngo 1.26\n" + files.String()
	if err := os.WriteFile(filepath.Join(dir, "bindings.txtar"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:   dir,
		Setup: func(e *testscript.Env) error { e.Setenv("GOCACHE", goCache(t)); return nil },
	})
}

// goCache returns the build cache of the go command.
func goCache(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
