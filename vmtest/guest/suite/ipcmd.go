// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"xpsgen/bpf"
	"xpsgen/vmtest/guest/suite/check"
)

// helloNames are the objects of the RFC's demonstration.
func helloNames() []string { return []string{"hello0", "hello1", "hello2", "hello_neg1"} }

// writeObjects writes the objects of the RFC's demonstration. ip runs in their
// directory, so that the RFC's command lines work unchanged.
func (e ipTool) writeObjects() error {
	if err := os.MkdirAll(e.objects, 0o755); err != nil {
		return fmt.Errorf("BPF objects: %w", err)
	}
	for _, name := range helloNames() {
		elf, err := bpf.Object(name)
		if err != nil {
			return fmt.Errorf("BPF objects: %w", err)
		}
		if err := os.WriteFile(filepath.Join(e.objects, name+".o"), elf, 0o644); err != nil {
			return fmt.Errorf("BPF objects: %w", err)
		}
	}
	return nil
}

// output is the result of an ip command.
type output struct {
	line           string
	stdout, stderr string
	code           int
}

// String formats it like a terminal session.
func (o output) String() string {
	return fmt.Sprintf("$ %s\n%s%s[exit code %d]", o.line, o.stdout, o.stderr, o.code)
}

// ip runs a command line that begins with "ip", in the network namespace of
// the thread.
func (e ipTool) ip(t *check.T, line string) output {
	cmd := e.ipCommand(t, line)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatalf("run %q: %v", line, err)
	}
	out := output{line: line, stdout: stdout.String(), stderr: stderr.String(), code: cmd.ProcessState.ExitCode()}
	t.Logf("%v", out)
	return out
}

// ipCommand prepares an ip command that ends with the test.
func (e ipTool) ipCommand(t *check.T, line string) *exec.Cmd {
	words := strings.Fields(line)
	if len(words) == 0 || words[0] != "ip" {
		t.Fatalf("command %q is not one of ip", line)
	}
	cmd := exec.CommandContext(t.Context(), e.ipPath, words[1:]...)
	cmd.Dir = e.objects
	cmd.Env = append(countsEnv(), "PATH=/usr/bin:/bin:/usr/sbin:/sbin")
	cmd.WaitDelay = t.Scaled(time.Second)
	return cmd
}

// ipOK is ip, and ends the test if the command fails or prints to stderr.
func (e ipTool) ipOK(t *check.T, line string) output {
	out := e.ip(t, line)
	if out.code != 0 || out.stderr != "" {
		t.Fatalf("ip command\n  expected: exit code 0 and nothing on stderr\n  seen:     %v", out)
	}
	return out
}

// Exit codes of ip: the kernel refused the request, or ip did not send one.
const (
	ipRefused = 2
	ipInvalid = 1
)

// ipFails is ip, and fails the test unless the command exits with this code and stderr
// has all of words.
func (e ipTool) ipFails(t *check.T, code int, line string, words ...string) {
	out := e.ip(t, line)
	if out.code != code {
		t.Errorf("ip command\n  expected: exit code %d\n  seen:     %v", code, out)
	}
	for _, w := range words {
		if !strings.Contains(out.stderr, w) {
			t.Errorf("ip command\n  expected: stderr with %q\n  seen:     %v", w, out)
		}
	}
}

// ipLink has the fields of `ip -j link show` that the suite reads.
type ipLink struct {
	Ifname string `json:"ifname"`
	XPS    *struct {
		Prog struct {
			ID uint32 `json:"id"`
		} `json:"prog"`
	} `json:"xps"`
}

// id is the id of the program, or 0.
func (l ipLink) id() uint32 {
	if l.XPS == nil {
		return 0
	}
	return l.XPS.Prog.ID
}

// parseIPLinks reads the output of `ip -j link show` or `ip -j -d link show`.
func parseIPLinks(text string) ([]ipLink, error) {
	var all []*ipLink
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return nil, fmt.Errorf("ip -j: %w", err)
	}
	var links []ipLink
	for _, l := range all {
		if l != nil && l.Ifname != "" {
			links = append(links, *l)
		}
	}
	return links, nil
}

// textXPS is the program of one device in the text output of ip.
type textXPS struct {
	// flagged says that the first line has the word "xps".
	flagged bool
	// id is from the line "prog/xps id N" or the word "xps/id:N".
	id uint32
}

// parseIPText finds the program in the output of `ip link show` for one device, or
// in the lines of one device in the output of `ip monitor link`.
func parseIPText(text string) textXPS {
	var x textXPS
	words := strings.Fields(text)
	for i, w := range words {
		switch {
		case w == "xps":
			x.flagged = true
		case strings.HasPrefix(w, "xps/id:"):
			x.flagged = true
			fmt.Sscanf(w, "xps/id:%d", &x.id)
		case w == "prog/xps" && i+2 < len(words) && words[i+1] == "id":
			fmt.Sscanf(words[i+2], "%d", &x.id)
		}
	}
	return x
}
