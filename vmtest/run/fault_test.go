// SPDX-License-Identifier: GPL-2.0-only OR MIT

package run

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"xpsgen/vmtest/boot"
	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/testenv"
	"xpsgen/vmtest/verdict"
	"xpsgen/vmtest/vm"
	"xpsgen/vmtest/workbench"
)

// requireVM skips a test that boots, unless the environment promises that
// guests can be booted: where it does, nothing is skipped.
func requireVM(t testing.TB) prepare.Source {
	t.Helper()
	testenv.Require(t, "vm", "boots the patched kernel")
	root, err := workbench.Find("", "")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := cache.Dir()
	if err != nil {
		t.Fatal(err)
	}
	return prepare.Source{Root: root, Cache: dir}
}

// TestFaults boots a guest that goes wrong in each way there is. None may end
// as passed, and each must be called by its name.
func TestFaults(t *testing.T) {
	src := requireVM(t)
	// Under TCG these are stretched; a hang is then known after 8 s.
	timeouts := vm.Timeouts{Boot: 4 * time.Second, Idle: 2 * time.Second, Whole: 20 * time.Second}
	cases := []struct {
		fault wire.Fault
		want  string // piece of the first reason
		frame string // a function that must be in a splat, if there is to be one
	}{
		{wire.FaultPanic, "kernel panic", ""},
		{wire.FaultOops, "the kernel complained", "lkdtm"},
		{wire.FaultWarn, "the kernel complained: WARNING", "lkdtm"},
		{wire.FaultHang, "guest hangs: silent", ""},
		{wire.FaultSpin, "guest hangs", ""},
		{wire.FaultFlood, "floods its console", ""},
		{wire.FaultPoweroff, "guest stopped early", ""},
		{wire.FaultHalf, "2 of 4 planned tests not reported: test-3, test-4", ""},
		{wire.FaultTwice, "a second report begins", ""},
		{wire.FaultLost, "4 of 4 planned tests not reported", ""},
		{wire.FaultInitDies, "kernel panic", ""},
		{wire.FaultMute, "did not boot", ""},
	}
	for _, c := range cases {
		t.Run(string(c.fault), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
			defer cancel()
			out := t.TempDir()
			o, err := Suite(ctx, SuiteOptions{
				Source:   src,
				Machine:  boot.Machine{Accel: "tcg"},
				Fault:    c.fault,
				Out:      out,
				Timeouts: timeouts,
			})
			if err != nil {
				t.Fatal(err)
			}
			if o.Passed() {
				t.Fatal("passed")
			}
			if !strings.Contains(strings.Join(o.Reasons, "\n"), c.want) {
				t.Errorf("reasons %q, want %q", o.Reasons, c.want)
			}
			if c.frame != "" {
				text := ""
				for _, s := range o.Splats {
					text += strings.Join(s.Text, "\n")
				}
				if !strings.Contains(text, c.frame) || !strings.Contains(text, ".c:") {
					t.Errorf("no decoded frame of %s in %s", c.frame, text)
				}
			}
			for _, name := range []string{verdict.KTAPFile, verdict.JSONFile, verdict.JUnitFile, verdict.ConsoleFile, verdict.ConfigFile} {
				info, err := os.Stat(filepath.Join(out, name))
				if err != nil {
					t.Error(err)
				} else if info.Size() > 20<<20 {
					t.Errorf("%s has %d bytes", name, info.Size())
				}
			}
			t.Log(o.Reasons)
		})
	}
}

// TestForcedKVM is only about how the answer is given: either KVM works here,
// or the error says so by name, within 15 s.
func TestForcedKVM(t *testing.T) {
	src := requireVM(t)
	start := time.Now()
	_, err := Suite(context.Background(), SuiteOptions{
		Source:  src,
		Machine: boot.Machine{Accel: "kvm"},
		NoTests: true,
		Out:     t.TempDir(),
	})
	if err == nil {
		t.Logf("KVM works here")
		return
	}
	if !errors.Is(err, vm.ErrKVMUnusable) {
		t.Errorf("error %v, want ErrKVMUnusable", err)
	}
	if prepare.IsVerdict(err) {
		t.Errorf("%v is called the tree's fault", err)
	}
	if d := time.Since(start); d > 15*time.Second {
		t.Errorf("took %s", d)
	}
}
