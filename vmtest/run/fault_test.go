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

// TestGuestFaults boots a guest that goes wrong in each way there is. None may end
// as passed, and each must be called by its name.
func TestGuestFaults(t *testing.T) {
	src := requireVM(t)
	// Only the limit that the guest is to run into is short, so that a busy host
	// does not make it run into another one. TCG stretches them fourfold.
	const long = 5 * time.Minute
	idle := vm.Timeouts{Boot: long, Idle: 2 * time.Second, Whole: long}
	start := vm.Timeouts{Boot: 4 * time.Second, Idle: long, Whole: long}
	stuck := vm.Timeouts{Boot: long, Idle: long, Whole: long, Oops: time.Second}
	cases := []struct {
		fault  wire.Fault
		want   string // piece of the first reason
		frame  string // a function that must be in a splat, if there is to be one
		limits vm.Timeouts
	}{
		{fault: wire.FaultPanic, want: "kernel panic"},
		{fault: wire.FaultOops, want: "the kernel reported", frame: "lkdtm"},
		{fault: wire.FaultWarn, want: "the kernel reported: WARNING", frame: "lkdtm"},
		{fault: wire.FaultHang, want: "guest hangs: silent", limits: idle},
		{fault: wire.FaultSpin, want: "guest hangs", limits: idle},
		{fault: wire.FaultFlood, want: "floods its console"},
		{fault: wire.FaultPoweroff, want: "guest stopped early: the machine powered off"},
		{fault: wire.FaultReboot, want: "guest stopped early: the machine restarted"},
		{fault: wire.FaultHalt, want: "guest stopped early: the machine halted"},
		{fault: wire.FaultSoft, want: "guest is stuck (soft lockup - CPU#)", limits: stuck},
		{fault: wire.FaultOOM, want: "the kernel reported: Out of memory: Killed process"},
		{fault: wire.FaultHalf, want: "2 of 4 planned tests not reported: test-3, test-4"},
		{fault: wire.FaultTwice, want: "a second report begins"},
		{fault: wire.FaultLost, want: "4 of 4 planned tests not reported"},
		{fault: wire.FaultInitDies, want: "kernel panic"},
		{fault: wire.FaultMute, want: "did not boot", limits: start},
	}
	for _, c := range cases {
		t.Run(string(c.fault), func(t *testing.T) {
			t.Parallel()
			limits := c.limits
			if limits == (vm.Timeouts{}) {
				limits = vm.Timeouts{Boot: long, Idle: long, Whole: long}
			}
			out := t.TempDir()
			o, err := Suite(t.Context(), SuiteOptions{
				Source:   src,
				Machine:  boot.Machine{Accel: "tcg"},
				Fault:    c.fault,
				Out:      out,
				Timeouts: limits,
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

// TestGuestForcedKVM: either KVM works here, or the error says that it does not.
func TestGuestForcedKVM(t *testing.T) {
	src := requireVM(t)
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
}
