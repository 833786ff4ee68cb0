// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"errors"
	"fmt"
)

// ErrKVMUntested is returned where KVM can be opened and no guest was tried
// yet: the device alone proves nothing.
var ErrKVMUntested = errors.New("kvm is not tested yet")

// KVMStatus tells what is known of KVM on this host without booting anything:
// nil if a guest has reported in under it since the host was booted, an error
// wrapping [ErrKVMUntested], or why it is no good, wrapping [ErrKVMUnusable].
// accelCache and device are [Machine.AccelCache] and [Machine.KVMDevice].
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
