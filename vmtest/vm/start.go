// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"context"
	"fmt"
	"net"
)

// Start starts the guest. Under [Auto], if KVM can be opened but was not tried yet,
// Start returns after the guest's hello under KVM, or under TCG after a notice.
//
// Returns an error wrapping [ErrKVMUnusable] if KVM is forced and does not
// work, and a [*QEMUError] if QEMU cannot be run at all. Cancelling ctx kills
// the guest.
func (m *Machine) Start(ctx context.Context) (*Running, error) {
	m, err := m.check()
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("vm: %w", context.Cause(ctx))
	}
	port := 0
	if m.Debugger {
		if port, err = freePort(); err != nil {
			return nil, err
		}
	}
	if m.Accel == TCG {
		return begin(ctx, m, TCG, port, "")
	}
	return m.startKVM(ctx, port)
}

// startKVM starts m with KVM, forced or tried.
func (m *Machine) startKVM(ctx context.Context, port int) (*Running, error) {
	known := m.recall()
	var bad verdict // why it is not KVM
	closed := openKVM(m.KVMDevice)
	switch {
	case m.Accel == Auto && m.Debugger && known.Verdict != verdictGood:
		// A guest that waits for a debugger does not say hello, so KVM cannot be tried.
		return begin(ctx, m, TCG, port, "a debugger will connect")
	case closed != nil:
		bad = verdict{Verdict: verdictClosed, Reason: closed.Error()}
	case m.Accel == Auto && known.Verdict == verdictBad:
		bad = known
	}
	if bad.Verdict == "" {
		r, err := begin(ctx, m, KVM, port, "")
		if err != nil {
			return nil, err
		}
		if m.Debugger || (m.Accel == Auto && known.Verdict == verdictGood) {
			return r, nil
		}
		reason := r.trial(ctx)
		if reason == "" {
			m.remember(verdict{Verdict: verdictGood})
			return r, nil
		}
		if ctx.Err() != nil {
			_, err := r.Wait()
			return nil, err
		}
		r.fail(errSilentKVM)
		_, _ = r.Wait()
		bad = verdict{Verdict: verdictBad, Reason: reason}
	}
	if m.Accel == KVM {
		return nil, fmt.Errorf("vm: %w: %s", ErrKVMUnusable, bad.Reason)
	}
	bad.Told = known.Told && known.Verdict == bad.Verdict && known.Reason == bad.Reason
	if m.Notice != nil && !bad.Told {
		m.Notice("KVM cannot be used (" + bad.Reason + "): QEMU emulates with TCG, which is slower")
		bad.Told = true
	}
	if bad != known {
		m.remember(bad)
	}
	return begin(ctx, m, TCG, port, bad.Reason)
}

// freePort returns a port for the debugger: the usual one, or any free one.
func freePort() (int, error) {
	for _, addr := range []string{"127.0.0.1:1234", "127.0.0.1:0"} {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		port := l.Addr().(*net.TCPAddr).Port
		if err := l.Close(); err != nil {
			return 0, fmt.Errorf("vm: port for the debugger: %w", err)
		}
		return port, nil
	}
	return 0, fmt.Errorf("vm: no free port for the debugger on 127.0.0.1")
}
