// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"errors"
	"testing"
)

// TestLinkArguments: invalid arguments do not reach the kernel.
func TestLinkArguments(t *testing.T) {
	for _, ifindex := range []int{0, -1, 1 << 31, 1<<32 + 1} {
		if _, err := AttachLink(t.Context(), ifindex, nil, nil); !errors.Is(err, ErrNoDevice) {
			t.Errorf("link %d: %v, want %v", ifindex, err, ErrNoDevice)
		}
	}
	if _, err := AttachLink(t.Context(), 7, nil, nil); !errors.Is(err, ErrBadProgram) {
		t.Errorf("link nil: %v, want %v", err, ErrBadProgram)
	}
	if err := (&Link{}).Update(t.Context(), nil, nil); !errors.Is(err, ErrBadProgram) {
		t.Errorf("update nil: %v, want %v", err, ErrBadProgram)
	}
}
