// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/testenv"
)

// repository is the root of the sources, seen from this package.
const repository = "../../.."

// pages are the documents with commands that the tests below run.
func pages(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(repository, "docs", "*.md"))
	if err != nil || len(found) == 0 {
		t.Fatalf("%d pages in docs, %v", len(found), err)
	}
	return append(found, filepath.Join(repository, "README.md"), filepath.Join(repository, "CONTRIBUTING.md"), filepath.Join(repository, "CHANGELOG.md"))
}

// TestCommandsPage compares docs/commands.md with the declarations.
func TestCommandsPage(t *testing.T) {
	var want bytes.Buffer
	if err := command.Markdown(&want, testRoot()); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(repository, "docs", "commands.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("docs/commands.md differs from the declarations: make docs")
	}
}

// block is a fenced block of a page.
type block struct {
	page string
	// info is the text after the fence: "sh", "sh run".
	info  string
	lines []string
}

func blocks(t *testing.T, page string) []block {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var all []block
	open := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		switch info, fence := strings.CutPrefix(line, "```"); {
		case fence && open:
			open = false
		case fence:
			open = true
			all = append(all, block{page: filepath.Base(page), info: info})
		case open:
			last := &all[len(all)-1]
			last.lines = append(last.lines, line)
		}
	}
	if open {
		t.Errorf("%s: a block is not closed", page)
	}
	return all
}

// comment is a comment after a command.
var comment = regexp.MustCompile(`\s+#.*$`)

// inline matches a command in the text of a page.
var inline = regexp.MustCompile("`((?:xpsgen|make) [^`]+)`")

// TestDocsCommands checks that each command in a block of shell or in the text
// exists and takes the flags that it is given.
func TestDocsCommands(t *testing.T) {
	checked := 0
	check := func(page, line string) {
		known, err := checkCommand(line)
		if err != nil {
			t.Errorf("%s: %s: %v", page, line, err)
		}
		if known {
			checked++
		}
	}
	for _, page := range pages(t) {
		for _, b := range blocks(t, page) {
			if b.info == "sh" || b.info == "sh run" {
				for _, line := range b.lines {
					check(b.page, line)
				}
			}
		}
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range inline.FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(m[1], "COMMAND") && !strings.Contains(m[1], "|") {
				line := strings.ReplaceAll(m[1], "...", "")
				if strings.HasPrefix(line, "xpsgen ") {
					line += " --help" // arguments may be left out here
				}
				check(filepath.Base(page), line)
			}
		}
	}
	if checked < 100 {
		t.Errorf("%d commands checked: the pages must have more", checked)
	}
}

// checkCommand checks a line of a page if it is a command of xpsgen or of make.
func checkCommand(line string) (known bool, err error) {
	words := strings.Fields(comment.ReplaceAllString(line, ""))
	if i := slices.IndexFunc(words, func(w string) bool { return strings.HasSuffix(w, "xpsgen") && !strings.HasPrefix(w, "'") }); i >= 0 {
		words = words[i:]
	}
	// What follows is the shell's.
	if i := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, ">") || w == "|" }); i >= 0 {
		words = words[:i]
	}
	if len(words) == 0 {
		return false, nil
	}
	switch filepath.Base(words[0]) {
	case "xpsgen":
		env := newEnvironment(os.Stdin, &bytes.Buffer{}, &bytes.Buffer{})
		env.root = repository
		for i, w := range words {
			words[i] = strings.Trim(w, "'\"")
		}
		return true, command.Dry(rootCommand(env), words)
	case "make":
		if slices.Contains(words, "-C") {
			return false, nil // another directory's Makefile
		}
		cmd := exec.Command("make", append([]string{"-n", "-C", repository}, words[1:]...)...)
		// Do not pass on the flags of the make that runs this test.
		cmd.Env = append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL=")
		if out, err := cmd.CombinedOutput(); err != nil {
			return true, fmt.Errorf("%w\n%s", err, out)
		}
		return true, nil
	}
	return false, nil
}

// TestGuestDocs runs the blocks that are marked "sh run", each in the workbench.
func TestGuestDocs(t *testing.T) {
	testenv.Require(t, "vm", "boots the patched kernel")
	dir := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, "xpsgen"), ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	ran := 0
	for _, page := range pages(t) {
		for _, b := range blocks(t, page) {
			if b.info != "sh run" {
				continue
			}
			ran++
			cmd := exec.CommandContext(t.Context(), "bash", "-e")
			cmd.Dir = repository
			cmd.Stdin = strings.NewReader(strings.Join(b.lines, "\n") + "\n")
			cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "MAKEFLAGS=", "MAKELEVEL=")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s\n%s", b.page, err, strings.Join(b.lines, "\n"), out)
			}
		}
	}
	if ran == 0 {
		t.Error("no block is marked \"sh run\"")
	}
}

// link is a link of Markdown.
var link = regexp.MustCompile(`\]\(([^)]+)\)`)

// TestDocsLinks checks that links within the repository lead somewhere.
func TestDocsLinks(t *testing.T) {
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			file := page
			if target != "" {
				file = filepath.Join(filepath.Dir(page), target)
			}
			linked, err := os.ReadFile(file)
			if err != nil {
				t.Errorf("%s: link to %s: %v", filepath.Base(page), m[1], err)
				continue
			}
			if anchor != "" && !slices.Contains(anchors(string(linked)), anchor) {
				t.Errorf("%s: link to %s: there is no such heading", filepath.Base(page), m[1])
			}
		}
	}
}

// anchors returns the anchors of the headings of a page.
func anchors(text string) (all []string) {
	for line := range strings.Lines(text) {
		title := strings.TrimLeft(line, "#")
		if title == line {
			continue
		}
		var b strings.Builder
		for _, r := range strings.ToLower(strings.TrimSpace(title)) {
			switch {
			case r == ' ':
				b.WriteRune('-')
			case r == '-' || r == '_' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
				b.WriteRune(r)
			}
		}
		all = append(all, b.String())
	}
	return all
}

// TestMakeHelp checks that make help lists every phony target, in lines of at most 80
// columns.
func TestMakeHelp(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(repository, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("make", "-s", "-C", repository, "help")
	cmd.Env = append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL=")
	help, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(help)) {
		if len(line) > 81 {
			t.Errorf("%d columns: %s", len(line)-1, line)
		}
	}
	phony := regexp.MustCompile(`(?m)^\.PHONY: ((?:.*\\\n)*.*)`).FindStringSubmatch(string(makefile))
	if phony == nil {
		t.Fatal("no .PHONY")
	}
	for _, target := range strings.Fields(strings.ReplaceAll(phony[1], "\\", "")) {
		if target == "all" || target == "help" || target == "FORCE" {
			continue
		}
		if !strings.Contains(string(help), "\n  "+target+" ") {
			t.Errorf("make help does not name %s", target)
		}
	}
}

// TestMakeQuotes checks that no quoted word of a recipe continues on another
// line. The shell would keep the backslash at the end of the line in the word.
func TestMakeQuotes(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(repository, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	quotes := 0
	for line := range strings.Lines(string(makefile)) {
		if !strings.HasPrefix(line, "\t") {
			quotes = 0
			continue
		}
		quotes += strings.Count(line, "'")
		switch {
		case !strings.HasSuffix(line, "\\\n"):
			quotes = 0
		case quotes%2 != 0:
			t.Errorf("a quoted word goes on after this line: %s", line)
		}
	}
}
