// SPDX-License-Identifier: GPL-2.0-only OR MIT

package nipa

import (
	"testing"

	"xpsgen/gen/series/check"
	"xpsgen/vmtest/tree/manifest"
)

// A test of NIPA is comparable if a check for the target of the series covers it, or none
// does.
func TestComparable(t *testing.T) {
	for _, tt := range []struct {
		test  string
		rules []string
		want  bool
	}{
		{"patch/deprecated_api", []string{manifest.RuleNetdev}, true},
		{"patch/deprecated_api", nil, false},
		{"patch/checkpatch", nil, true},
		{"patch/nosuch", nil, true},
	} {
		th := &check.Thread{Build: manifest.BuildKbuild}
		th.Target.Rules = tt.rules
		if got := Comparable(tt.test, th); got != tt.want {
			t.Errorf("%s with rules %q: %v, want %v", tt.test, tt.rules, got, tt.want)
		}
	}
}
