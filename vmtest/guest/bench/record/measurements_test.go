// SPDX-License-Identifier: GPL-2.0-only OR MIT

package record

import (
	"strings"
	"testing"
)

func TestValidPattern(t *testing.T) {
	for pattern, ok := range map[string]bool{
		"": true, "none/xmit": true, "xps-*/xmit": true, "*/*": true,
		"nosuch": false, "nosuch/*": false, "[": false, "none/*/x": false,
	} {
		if err := ValidPattern(pattern); (err == nil) != ok {
			t.Errorf("%q: %v", pattern, err)
		}
	}
}

func TestSelects(t *testing.T) {
	for _, c := range []struct {
		pattern, contender string
		want               bool
	}{
		{"", "tcx-kfunc", true}, {"", "nosuch", false}, {"xps-*/xmit", "tcx-kfunc", false},
		{"tcx-kfunc/xmit", "tcx-kfunc", true}, {"tcx-kfunc/pick", "tcx-kfunc", false}, {"*/pick", "struct-ops", true},
	} {
		if got := Selects(c.pattern, c.contender); got != c.want {
			t.Errorf("Selects(%q, %q) = %v", c.pattern, c.contender, got)
		}
	}
}

// The caller owns the list. An error names a measurement that exists.
func TestMeasurements(t *testing.T) {
	list := Measurements()
	first := list[0]
	list[0] = "other"
	if Measurements()[0] != first {
		t.Error("a change of the returned list changes the measurements")
	}
	if err := ValidPattern("nosuch"); err == nil || !strings.HasSuffix(err.Error(), first) {
		t.Errorf("got %v, want %s named", err, first)
	}
}
