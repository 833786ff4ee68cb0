// SPDX-License-Identifier: GPL-2.0-only OR MIT

package verdict

import (
	"slices"
	"testing"

	"xpsgen/vmtest/ktap"
)

func TestFailed(t *testing.T) {
	report := &ktap.Report{Tests: []ktap.Test{{Name: "g", Status: ktap.Fail, Subtests: []ktap.Test{
		{Name: "a", Status: ktap.Fail}, {Name: "b", Status: ktap.Pass}, {Name: "c", Status: ktap.Skip}, {Name: "stray", Status: ktap.Fail},
	}}}}
	o := &Outcome{Planned: []string{"g/a", "g/b", "g/c"}, Report: report}
	if got := o.Failed(); !slices.Equal(got, []string{"g/a"}) {
		t.Errorf("failed: %q, want g/a", got)
	}
}
