// SPDX-License-Identifier: GPL-2.0-only OR MIT

package report

import (
	"testing"

	"xpsgen/vmtest/ktap"
)

// A row needs attention if a cell of it is flaky, or ran and failed.
func TestAttention(t *testing.T) {
	for name, tt := range map[string]struct {
		cells []TestCell
		want  bool
	}{
		"no cell":         {nil, false},
		"passed":          {[]TestCell{{Ran: true, Status: ktap.Pass}}, false},
		"skipped":         {[]TestCell{{Ran: true, Status: ktap.Skip}}, false},
		"not run":         {[]TestCell{{Status: ktap.Fail}}, false},
		"failed":          {[]TestCell{{Ran: true, Status: ktap.Pass}, {Ran: true, Status: ktap.Fail}}, true},
		"flaky":           {[]TestCell{{Ran: true, Status: ktap.Pass, Flaky: true}}, true},
		"flaky, not run":  {[]TestCell{{Flaky: true}}, true},
		"passed, not run": {[]TestCell{{Status: ktap.Pass}}, false},
	} {
		if got := (&TestRow{Cells: tt.cells}).Attention(); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
