// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// errSilentKVM stops a guest that does not say hello under KVM.
var errSilentKVM = errors.New("no message from the guest under kvm")

// The verdicts on KVM.
const (
	// verdictGood: a guest said hello.
	verdictGood = "good"
	// verdictBad: a guest stayed silent. No other guest is tried under KVM.
	verdictBad = "bad"
	// verdictClosed: the device cannot be opened. Each run tries again, which costs
	// nothing.
	verdictClosed = "closed"
)

// verdict is the state of KVM on a host. It is valid until the host reboots.
type verdict struct {
	Verdict string `json:"verdict"`
	Reason  string `json:"reason,omitempty"`
	// Told is set once the user has been told.
	Told bool `json:"told,omitempty"`
}

// DefaultKVMDevice is the device of KVM.
const DefaultKVMDevice = "/dev/kvm"

// openKVM returns an error that says why the KVM device cannot be opened.
func openKVM(device string) error {
	f, err := os.OpenFile(device, os.O_RDWR, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s does not exist", device)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("no permission to open %s: join its group, usually kvm", device)
	case err != nil:
		return err
	}
	return f.Close()
}

// trial waits for the guest's hello. It returns why KVM cannot be used, or "".
func (r *Running) trial(ctx context.Context) string {
	wait := time.NewTimer(r.limits.KVM)
	defer wait.Stop()
	clock := guestClock{delay: func() time.Duration { return runDelay(r.proc.cmd.Process.Pid) }}
wait:
	select {
	case <-r.helloed:
		return ""
	case <-ctx.Done():
		return "interrupted"
	case <-r.ended:
		if r.result.Hello != nil {
			return ""
		}
		var q *QEMUError
		if errors.As(r.err, &q) && strings.TrimSpace(q.Stderr) != "" {
			return "qemu says: " + oneLine(q.Stderr)
		}
		if r.result.ConsoleBytes > 0 {
			// NB: a kernel that writes to its console runs. If it dies, KVM is not the
			// cause.
			return ""
		}
		return "the guest ended without a message"
	case <-wait.C:
		// Count silence only while the host gives the guest a CPU.
		if left := r.limits.KVM - clock.now(time.Since(r.start)); left > 0 {
			wait.Reset(left)
			goto wait
		}
		if said := oneLine(r.proc.stderr.String()); said != "" {
			return "qemu says: " + said
		}
		return fmt.Sprintf("the guest stayed silent for %s", round(r.limits.KVM))
	}
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	const most = 200
	if len(s) > most {
		s = s[:most] + "..."
	}
	return s
}

// verdictFile returns the file of the verdict for the current boot of this host, or ""
// if verdicts are not kept.
func (m *Machine) verdictFile() string {
	if m.AccelCache == "" {
		return ""
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return ""
	}
	// PATH may have another QEMU of the same name.
	qemu, err := exec.LookPath(m.QEMU)
	if err != nil {
		qemu = m.QEMU
	}
	key := sha256.Sum256([]byte(strings.Join([]string{
		string(boot), unix.ByteSliceToString(u.Nodename[:]), unix.ByteSliceToString(u.Release[:]), qemu, string(m.Type), m.KVMDevice,
	}, "\x00")))
	return filepath.Join(m.AccelCache, "kvm-"+hex.EncodeToString(key[:8])+".json")
}

// recall returns the stored verdict, or the zero value.
func (m *Machine) recall() verdict {
	var v verdict
	file := m.verdictFile()
	if file == "" {
		return v
	}
	// Ignore an unreadable verdict: the next guest finds it again.
	if b, err := os.ReadFile(file); err == nil && json.Unmarshal(b, &v) != nil {
		v = verdict{}
	}
	return v
}

// remember stores v. It ignores errors: the next run tries again.
func (m *Machine) remember(v verdict) {
	file := m.verdictFile()
	if file == "" {
		return
	}
	b, err := json.Marshal(v)
	if err != nil {
		return
	}
	if os.MkdirAll(m.AccelCache, 0o755) != nil {
		return
	}
	f, err := os.CreateTemp(m.AccelCache, ".tmp-kvm-*")
	if err != nil {
		return
	}
	_, err = f.Write(append(b, '\n'))
	if errors.Join(err, f.Close()) != nil || os.Rename(f.Name(), file) != nil {
		_ = os.Remove(f.Name())
	}
}
