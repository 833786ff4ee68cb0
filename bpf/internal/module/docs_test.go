// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const page = "../../../docs/steering.md"

// blocks returns the fenced blocks of the page that are marked with info.
func blocks(t *testing.T, info string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, part := range strings.Split(string(text), "\n```"+info+"\n")[1:] {
		body, _, ok := strings.Cut(part, "\n```")
		if !ok {
			t.Fatalf("a block %q is not closed", info)
		}
		all = append(all, body+"\n")
	}
	if len(all) == 0 {
		t.Fatalf("no block is marked %q", info)
	}
	return all
}

// bash runs a script and returns what it prints.
func bash(t *testing.T, dir, script string, env ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-eu")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin = strings.NewReader(script)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, script, out)
	}
	return string(out)
}

// TestSteeringForeign runs what docs/steering.md says to do in another module.
func TestSteeringForeign(t *testing.T) {
	requireTools(t)
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	const source = "package main\n\nimport (\n\t\"fmt\"\n\n\t\"xpsgen/bpf/xps\"\n)\n\n" +
		"func main() { fmt.Println(xps.Dial(nil)) }\n"
	first := blocks(t, "sh foreign")[0]
	for i, block := range blocks(t, "sh foreign") {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(source), 0o644); err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			// Ways to go on after the first line.
			block = strings.SplitAfterN(first, "\n", 2)[0] + block
		}
		bash(t, dir, block+"go build -o steer .\n", "MODULE="+root, "GOFLAGS=", "GOWORK=")
	}
}

// TestSteeringGuest runs the commands of docs/steering.md in the shell of the
// guest.
func TestSteeringGuest(t *testing.T) {
	if !slices.Contains(strings.Split(os.Getenv("XPS_TEST_REQUIRE"), ","), "vm") {
		t.Skip("boots the patched kernel: XPS_TEST_REQUIRE=vm")
	}
	root := "../../.."
	xpsgen := filepath.Join(t.TempDir(), "xpsgen")
	bash(t, root, "go build -o "+xpsgen+" ./gen/cmd/xpsgen\n")
	for _, block := range blocks(t, "sh guest") {
		script := "set -e\nip link add d0 numtxqueues 8 numrxqueues 8 type dummy\n" + block + "echo done\n"
		cmd := exec.CommandContext(t.Context(), xpsgen, "-q", "vm", "shell")
		cmd.Dir = root
		cmd.Stdin = strings.NewReader(script)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.HasSuffix(string(out), "done\n") {
			t.Errorf("%v\n%s\n%s", err, script, out)
		}
	}
}

// TestDocProgram compiles the program of the documentation of bpf/xps, as somebody
// writes it who has read nothing else.
func TestDocProgram(t *testing.T) {
	requireTools(t)
	text, err := os.ReadFile("../../xps/doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, body, ok := strings.Cut(string(text), "# A program that attaches\n//\n")
	if !ok {
		t.Fatal("the documentation has no program")
	}
	var lines []string
	for line := range strings.Lines(body) {
		code, ok := strings.CutPrefix(line, "//\t")
		if !ok {
			break
		}
		lines = append(lines, code)
	}
	dir := t.TempDir()
	source := "package main\n\nimport (\n\t\"context\"\n\t\"net\"\n\n\t\"github.com/cilium/ebpf\"\n" +
		"\t\"github.com/cilium/ebpf/asm\"\n\n\t\"xpsgen/bpf/xps\"\n)\n\n" +
		"func attach(ctx context.Context) error {\n" + strings.Join(lines, "") + "}\n\n" +
		"func main() { _ = attach(context.Background()) }\n"
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	bash(t, dir, blocks(t, "sh foreign")[0]+"go vet .\n", "MODULE="+root, "GOFLAGS=", "GOWORK=off")
}

// requireTools skips the test where there is no compiler: in the guest.
func requireTools(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"go", "bash", "git", "make"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
}
