// SPDX-License-Identifier: GPL-2.0-only OR MIT

package run

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"xpsgen/vmtest/prepare"
)

// mustBuild builds a Go program for an architecture.
func mustBuild(t *testing.T, path, goarch string) string {
	t.Helper()
	source := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, source)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOOS=linux", "GOARCH="+goarch)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

func TestFindForeign(t *testing.T) {
	dir := t.TempDir()
	static := mustBuild(t, filepath.Join(dir, "static"), "s390x")
	script := filepath.Join(dir, "script")
	if err := os.WriteFile(script, []byte("#!/xpsgen/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ arch, program, want, fails string }{
		"a tool of the guest":   {"s390x", "uname", "/xpsgen/bin/uname", ""},
		"static":                {"s390x", static, static, ""},
		"script":                {"s390x", script, script, ""},
		"of this machine":       {"s390x", "/bin/sh", "", "it is for amd64, the guest is s390x (build it with GOARCH=s390x"},
		"of the other one":      {"arm64", static, "", "it is for s390x, the guest is arm64"},
		"missing":               {"arm64", dir + "/nowhere", "", "no such program"},
		"amd64":                 {"amd64", "/bin/sh", "/bin/sh", ""},
		"the default":           {"", script, script, ""},
		"unknown architecture":  {"vax", "/bin/sh", "", "unknown architecture"},
		"a tool by its default": {"", "ip", "/xpsgen/bin/ip", ""},
	} {
		opt := GuestOptions{Source: prepare.Source{Arch: c.arch}}
		got, err := opt.find(c.program)
		switch {
		case c.fails == "" && (err != nil || got != c.want):
			t.Errorf("%s: got %q, %v; want %q", name, got, err, c.want)
		case c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)):
			t.Errorf("%s: got %v, want %q", name, err, c.fails)
		case strings.Contains(c.fails, "it is for") != errors.Is(err, ErrForeign):
			t.Errorf("%s: got %v", name, err)
		}
	}
	if shell := (&GuestOptions{Source: prepare.Source{Arch: "arm64"}}).shell(); shell != "/xpsgen/bin/sh" {
		t.Errorf("shell %s", shell)
	}
	if shell := (&GuestOptions{}).shell(); shell != "/bin/sh" {
		t.Errorf("shell %s", shell)
	}
}
