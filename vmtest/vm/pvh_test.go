// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"encoding/binary"
	"testing"
)

func TestHasNote(t *testing.T) {
	gnu := "\x04\x00\x00\x00\x05\x00\x00\x00\x12\x00\x00\x00GNU\x00abcde\x00\x00\x00"
	xen := "\x04\x00\x00\x00\x08\x00\x00\x00\x12\x00\x00\x00Xen\x00\x00\x10\x00\x01\x00\x00\x00\x00"
	for name, c := range map[string]struct {
		notes string
		want  bool
	}{
		"there":            {gnu + xen, true},
		"another's":        {gnu, false},
		"another kind":     {"\x04\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00Xen\x00", false},
		"empty":            {"", false},
		"cut":              {xen[:len(xen)-1], false},
		"sizes that lie":   {"\xff\xff\xff\xff\xff\xff\xff\xff\x12\x00\x00\x00Xen\x00", false},
		"after one cut":    {gnu[:len(gnu)-4] + xen, false},
		"name without end": {"\x03\x00\x00\x00\x00\x00\x00\x00\x12\x00\x00\x00Xenx", false},
	} {
		if got := hasNote([]byte(c.notes), binary.LittleEndian, "Xen", pvhNote); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestNotBootable(t *testing.T) {
	for _, name := range []string{"", "/nonexistent", "pvh_test.go", "/proc/self/exe"} {
		if canBootDirectly(name) {
			t.Errorf("%q can be booted", name)
		}
	}
}
