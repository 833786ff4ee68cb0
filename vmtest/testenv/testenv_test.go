// SPDX-License-Identifier: GPL-2.0-only OR MIT

package testenv

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"xpsgen/vmtest/tree"
)

// recorded is a testing.TB that records calls.
type recorded struct {
	testing.TB
	dir     string
	skipped string
	helper  bool
	failed  bool
	name    string
}

func (r *recorded) Name() string                      { return r.name }
func (r *recorded) Fatalf(format string, args ...any) { r.failed = true; runtime.Goexit() }

func (r *recorded) Helper()                          { r.helper = true }
func (r *recorded) Skipf(format string, args ...any) { r.skipped = format }
func (r *recorded) TempDir() string                  { return r.dir }
func (r *recorded) Fatal(...any)                     { r.failed = true; runtime.Goexit() }

func TestRequire(t *testing.T) {
	for value, want := range map[string]bool{"": false, "vm": true, "xps,vm": true, "vmx": false, "xps": false} {
		t.Setenv(Variable, value)
		r := &recorded{TB: t, name: "TestGuestBoots"}
		Require(r, "vm", "boots a guest")
		if Offers("vm") != want || (r.skipped == "") != want || !r.helper {
			t.Errorf("%q offers vm: %v, skipped: %q", value, Offers("vm"), r.skipped)
		}
	}
}

// TestNamesOfGuestTests: a test that make faults would not find fails.
func TestNamesOfGuestTests(t *testing.T) {
	for name, want := range map[string]bool{"TestBoots": true, "TestGuest": false, "TestGuestBoots/hello": false} {
		r := &recorded{TB: t, name: name}
		done := make(chan struct{})
		go func() { defer close(done); Require(r, "vm", "boots a guest") }()
		<-done
		if r.failed != want {
			t.Errorf("%s failed: %v, expected %v", name, r.failed, want)
		}
	}
}

// Root makes a workbench that the project itself can read.
func TestRoot(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	root := Root(t)
	for dir, want := range map[string]string{"kernel-patches": "net-next 6.12", "iproute2-patches": "6.1"} {
		path := filepath.Join(root, dir, tree.ManifestName)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		parent, err := os.Stat(filepath.Dir(path))
		if err != nil || info.Mode() != 0o644 || parent.Mode().Perm() != 0o755 {
			t.Errorf("%s: modes %v, %v, %v", path, info, parent, err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for line := range strings.Lines(string(text)) {
			if name, ok := strings.CutPrefix(strings.TrimSpace(line), "name = "); ok {
				names = append(names, strings.Trim(name, `"`))
			}
		}
		if got := strings.Join(names[1:], " "); got != want {
			t.Errorf("%s: bases %q, want %q", dir, got, want)
		}
	}
}

// A workbench that cannot be made fails the test that asks for it.
func TestRootFails(t *testing.T) {
	for name, spoil := range map[string]func(root string) error{
		"no directory": func(root string) error { return os.WriteFile(root, nil, 0o644) },
		"no manifest": func(root string) error {
			return errors.Join(
				os.MkdirAll(filepath.Join(root, "kernel-patches", tree.ManifestName), 0o755),
				os.MkdirAll(filepath.Join(root, "iproute2-patches", tree.ManifestName), 0o755))
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := &recorded{TB: t, dir: filepath.Join(t.TempDir(), "root")}
			if err := spoil(r.dir); err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			go func() { defer close(done); Root(r) }()
			<-done
			if !r.failed || !r.helper {
				t.Errorf("failed: %v, helper: %v", r.failed, r.helper)
			}
		})
	}
}
