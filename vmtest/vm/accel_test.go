// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// kvmMachine returns a machine on a host whose KVM device can be opened.
func kvmMachine(t *testing.T, scenario, cache string, accel Accel, notices *[]string) *Machine {
	t.Helper()
	m := machine(t, scenario)
	m.kvmDevice, m.Accel, m.AccelCache = "/dev/null", accel, cache
	m.QEMU = fakeQEMU(t, scenario)
	m.Timeouts.KVM = 300 * time.Millisecond
	m.Notice = func(s string) { *notices = append(*notices, s) }
	return m
}

func TestSilentKVMFallsBackOnce(t *testing.T) {
	t.Parallel()
	for scenario, reason := range map[string]string{
		"no-kvm":   "the guest stayed silent for 300ms",
		"kvm-dies": "failed to set MSR 0x10a",
	} {
		var notices []string
		m := kvmMachine(t, scenario, t.TempDir(), Auto, &notices)
		for i := range 2 {
			r, err := m.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if r.Accel != TCG || !strings.Contains(r.Fallback, reason) {
				t.Errorf("%s: run %d: accel %s, fallback %q", scenario, i, r.Accel, r.Fallback)
			}
			if i == 1 && r.Total > m.Timeouts.KVM && scenario == "no-kvm" {
				t.Logf("second run took %v", r.Total)
			}
		}
		if len(notices) != 1 || !strings.Contains(notices[0], reason) {
			t.Errorf("%s: notices %q", scenario, notices)
		}
	}
}

func TestForcedKVM(t *testing.T) {
	t.Parallel()
	var notices []string
	m := kvmMachine(t, "no-kvm", t.TempDir(), KVM, &notices)
	if _, err := m.Run(t.Context()); !errors.Is(err, ErrKVMUnusable) || !strings.Contains(err.Error(), "silent for 300ms") {
		t.Errorf("error %v", err)
	}
	m.kvmDevice = "/nonexistent/kvm"
	if _, err := m.Run(t.Context()); !errors.Is(err, ErrKVMUnusable) || !strings.Contains(err.Error(), "there is no /nonexistent/kvm") {
		t.Errorf("error %v", err)
	}
	if len(notices) != 0 {
		t.Errorf("notices %q", notices)
	}
}

func TestGoodKVMIsRemembered(t *testing.T) {
	t.Parallel()
	var notices []string
	m := kvmMachine(t, "good", t.TempDir(), Auto, &notices)
	m.Timeouts.KVM = 10 * time.Second
	if r, err := m.Run(t.Context()); err != nil || r.Accel != KVM || len(notices) != 0 {
		t.Errorf("accel %s, notices %q, error %v", r.Accel, notices, err)
	}
	c, err := m.check()
	if err != nil {
		t.Fatal(err)
	}
	if v := c.recall(); v.Verdict != verdictGood {
		t.Errorf("remembered %+v", v)
	}
	c.Type = Q35
	if v := c.recall(); v.Verdict != "" {
		t.Errorf("remembered %+v of another machine", v)
	}
}

// TestUsageErrorUnderKVM: what QEMU refuses under TCG as well is not KVM's
// fault in the end.
func TestUsageErrorUnderKVM(t *testing.T) {
	t.Parallel()
	var notices []string
	m := kvmMachine(t, "usage", "", Auto, &notices)
	var q *QEMUError
	if _, err := m.Run(t.Context()); !errors.As(err, &q) {
		t.Errorf("error %v", err)
	}
}

// TestPanicUnderKVM: a kernel that speaks has been run, whatever it says.
func TestPanicUnderKVM(t *testing.T) {
	t.Parallel()
	var notices []string
	m := kvmMachine(t, "panic", t.TempDir(), Auto, &notices)
	m.Timeouts.KVM = 10 * time.Second
	var p *PanicError
	if r, err := m.Run(t.Context()); !errors.As(err, &p) || r.Accel != KVM {
		t.Errorf("accel %s, error %v", r.Accel, err)
	}
}
