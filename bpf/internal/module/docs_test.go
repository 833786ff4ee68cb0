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

// bash runs a script and returns its output.
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
			// The other blocks continue after the first line of the first block.
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

// docProgram returns the program in the documentation of bpf/xps.
func docProgram(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../xps/doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, body, ok := strings.Cut(string(text), "//\tpackage main\n")
	if !ok {
		t.Fatal("the documentation has no program")
	}
	program := "package main\n"
	for line := range strings.Lines(body) {
		if line != "//\n" && !strings.HasPrefix(line, "//\t") {
			break
		}
		program += strings.TrimPrefix(strings.TrimPrefix(line, "//"), "\t")
	}
	return strings.TrimRight(program, "\n") + "\n"
}

// docModule returns the commands in the documentation of bpf/xps that make a module,
// for the source in root.
func docModule(t *testing.T, root string) string {
	t.Helper()
	text, err := os.ReadFile("../../xps/doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, body, ok := strings.Cut(string(text), "//\tgo mod init ")
	body, _, end := strings.Cut(body, "//\n")
	if !ok || !end {
		t.Fatal("the documentation does not make a module")
	}
	return "go mod init " + strings.ReplaceAll(strings.ReplaceAll(body, "//\t", ""), "=DIR", "="+root)
}

// TestDocProgram compiles the program in the documentation of bpf/xps with the commands
// there. If XPS_TEST_REQUIRE has the word vm, it runs the program in the guest, and
// interrupts it.
func TestDocProgram(t *testing.T) {
	requireTools(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(docProgram(t)), 0o644); err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	bash(t, dir, docModule(t, root)+"test -z \"$(gofmt -l .)\"\ngo vet .\n", "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0")
	if out := bash(t, dir, "./steer nosuch 2>&1 || true\n"); !strings.Contains(out, "no such network interface") {
		t.Errorf("on a device that does not exist: %s", out)
	}
	if !slices.Contains(strings.Split(os.Getenv("XPS_TEST_REQUIRE"), ","), "vm") {
		return
	}
	xpsgen := filepath.Join(t.TempDir(), "xpsgen")
	bash(t, root, "go build -o "+xpsgen+" ./gen/cmd/xpsgen\n")
	const script = `set -e
ip link add d0 numtxqueues 4 type dummy
./steer d0 &
while ! xps show d0 | grep queue1; do sleep 0.1; done
kill -INT $!
wait $!
xps show d0
`
	out := bash(t, dir, xpsgen+" -q vm run -- sh -c '"+script+"'\n", "XPSGEN_ROOT="+root)
	if !strings.Contains(out, "d0: attached program ") || strings.Count(out, "queue1") != 1 {
		t.Errorf("in the guest:\n%s", out)
	}
}

// requireTools skips the test if tools are missing, as in the guest.
func requireTools(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"go", "bash", "git", "make"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
}
