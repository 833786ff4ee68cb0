// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// kvmMachine returns a machine on a host whose KVM device can be opened.
func kvmMachine(t *testing.T, scenario, cache string, accel Accel, notices *[]string) *Machine {
	t.Helper()
	m := machine(t, scenario)
	m.KVMDevice, m.Accel, m.AccelCache = "/dev/null", accel, cache
	m.Timeouts.KVM = long
	if scenario == "no-kvm" {
		m.Timeouts.KVM = 300 * time.Millisecond
	}
	m.Notice = func(s string) { *notices = append(*notices, s) }
	return m
}

// TestFallsBackToTCG runs some guests on a host where KVM cannot be used. Each
// result has the reason; the notice appears once.
func TestFallsBackToTCG(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scenario, device, reason string
	}{
		"silent": {"no-kvm", "/dev/null", "the guest stayed silent for 300ms"},
		"dies":   {"kvm-dies", "/dev/null", "failed to set MSR 0x10a"},
		"absent": {"good", "/nonexistent/kvm", "/nonexistent/kvm does not exist"},
		"closed": {"good", t.TempDir(), "is a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var notices []string
			m := kvmMachine(t, c.scenario, t.TempDir(), Auto, &notices)
			m.KVMDevice = c.device
			notice := m.Notice
			for i := range 4 {
				// The first run has no callback to report it
				// to.
				if m.Notice = notice; i == 0 {
					m.Notice = nil
				}
				r, err := m.Run(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if r.Accel != TCG || !strings.Contains(r.Fallback, c.reason) {
					t.Errorf("run %d: accel %s, fallback %q, want %q", i, r.Accel, r.Fallback, c.reason)
				}
			}
			if len(notices) != 1 || !strings.Contains(notices[0], c.reason) {
				t.Errorf("notices %q, want one", notices)
			}
		})
	}
}

// TestKVMThatAppears: a device that could not be opened is looked at again.
func TestKVMThatAppears(t *testing.T) {
	t.Parallel()
	var notices []string
	m := kvmMachine(t, "good", t.TempDir(), Auto, &notices)
	m.KVMDevice = filepath.Join(t.TempDir(), "kvm")
	for _, want := range []Accel{TCG, KVM} {
		r, err := m.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if r.Accel != want {
			t.Errorf("accel %s, want %s", r.Accel, want)
		}
		if err := os.WriteFile(m.KVMDevice, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestUnreadableKVM opens the device as a user who may not. Root may: it tries as
// another user, in a child.
func TestUnreadableKVM(t *testing.T) {
	const variable = "XPS_TEST_KVM_DEVICE"
	if device := os.Getenv(variable); device != "" {
		fmt.Println(openKVM(device))
		return
	}
	dir, err := os.MkdirTemp("/tmp", "xpsgen-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	device := filepath.Join(dir, "kvm")
	if err := os.WriteFile(device, nil, 0); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestUnreadableKVM$")
	cmd.Env, cmd.Dir = append(os.Environ(), variable+"="+device), "/"
	if os.Geteuid() == 0 {
		const nobody = 65534
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	out, err := cmd.CombinedOutput()
	if want := "no permission to open " + device; err != nil || !strings.Contains(string(out), want) {
		t.Errorf("%v: %s, want %q", err, out, want)
	}
}

func TestForcedKVM(t *testing.T) {
	t.Parallel()
	var notices []string
	m := kvmMachine(t, "no-kvm", t.TempDir(), KVM, &notices)
	if _, err := m.Run(t.Context()); !errors.Is(err, ErrKVMUnusable) || !strings.Contains(err.Error(), "silent for 300ms") {
		t.Errorf("error %v", err)
	}
	m.KVMDevice = "/nonexistent/kvm"
	if _, err := m.Run(t.Context()); !errors.Is(err, ErrKVMUnusable) || !strings.Contains(err.Error(), "/nonexistent/kvm does not exist") {
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

// TestUsageErrorUnderKVM: an error that QEMU also reports under TCG is not
// blamed on KVM.
func TestUsageErrorUnderKVM(t *testing.T) {
	t.Parallel()
	var notices []string
	m := kvmMachine(t, "usage", "", Auto, &notices)
	var q *QEMUError
	if _, err := m.Run(t.Context()); !errors.As(err, &q) {
		t.Errorf("error %v", err)
	}
}

// TestPanicUnderKVM: a guest that prints anything proves that KVM works.
func TestPanicUnderKVM(t *testing.T) {
	t.Parallel()
	var notices []string
	m := kvmMachine(t, "panic", t.TempDir(), Auto, &notices)
	var p *PanicError
	if r, err := m.Run(t.Context()); !errors.As(err, &p) || r.Accel != KVM {
		t.Errorf("accel %s, error %v", r.Accel, err)
	}
}
