// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/netlink"
)

// TestTCMessage compares messages with the bytes that a little-endian kernel reads.
func TestTCMessage(t *testing.T) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the bytes below are little-endian")
	}
	header := []byte{0, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0}
	kind := []byte{7, 0, 1, 0, 'm', 'q', 0, 0}
	options := []byte{12, 0, 2, 0x80, 8, 0, 5, 0, 9, 0, 0, 0}
	got, err := tcMessage(7, 1, 2, 3, "mq", nil)
	if diff := cmp.Diff(append(header[:20:20], kind...), got); err != nil || diff != "" {
		t.Errorf("without options: %v (-want +got)\n%s", err, diff)
	}
	got, err = tcMessage(7, 1, 2, 3, "mq", func(ae *netlink.AttributeEncoder) error { ae.Uint32(5, 9); return nil })
	if diff := cmp.Diff(append(append(header[:20:20], kind...), options...), got); err != nil || diff != "" {
		t.Errorf("with options: %v (-want +got)\n%s", err, diff)
	}
}
