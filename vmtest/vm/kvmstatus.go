// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"errors"
	"fmt"
)

// ErrKVMUntested is returned if KVM can be opened but no guest has booted under it yet.
// The device alone proves nothing.
var ErrKVMUntested = errors.New("kvm is not tested yet")

// KVMStatus returns the state of KVM on this host. It boots nothing. It returns
// nil if a guest has said hello under KVM since the host booted. Otherwise it
// returns an error that wraps [ErrKVMUntested] or [ErrKVMUnusable]. accelCache
// and device are [Machine.AccelCache] and [Machine.KVMDevice].
func KVMStatus(accelCache, device string) error {
	if device == "" {
		device = DefaultKVMDevice
	}
	if err := openKVM(device); err != nil {
		return fmt.Errorf("%w: %w", ErrKVMUnusable, err)
	}
	m := &Machine{QEMU: DefaultQEMU, Type: MicroVM, AccelCache: accelCache, KVMDevice: device}
	switch v := m.recall(); v.Verdict {
	case verdictGood:
		return nil
	case verdictBad:
		return fmt.Errorf("%w: %s", ErrKVMUnusable, v.Reason)
	}
	return ErrKVMUntested
}
