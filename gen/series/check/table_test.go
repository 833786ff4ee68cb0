// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"bytes"
	"strings"
	"testing"
)

// Every row that did not pass is in the table, also if only some rows are equal.
func TestWriteTableGroups(t *testing.T) {
	row := func(n int, summary, log string) Row {
		return Row{Result: Result{Code: Warning, Summary: summary, Log: log}, Series: "hook", Base: "net-next", Check: "checkpatch", Patch: n, Key: "hook/k", Command: "run"}
	}
	for _, tt := range []struct {
		name string
		rows []Row
		want []string
	}{
		{"all equal", []Row{row(1, "a", ""), row(2, "a", "")}, []string{"2 patches: a"}},
		{"the first two", []Row{row(1, "a", ""), row(2, "a", ""), row(3, "b", "")}, []string{"patches 1, 2: a", "patch 3 (hook/k): b"}},
		{"the last two", []Row{row(1, "b", ""), row(2, "a", ""), row(4, "a", "")}, []string{"patch 1 (hook/k): b", "patches 2, 4: a"}},
		{"none", []Row{row(1, "a", ""), row(2, "b", ""), row(3, "a", "")}, []string{"patch 1 (hook/k): a", "patch 2 (hook/k): b", "patch 3 (hook/k): a"}},
		{"with a log", []Row{row(1, "a", ""), row(2, "a", "why")}, []string{"patch 1 (hook/k): a", "patch 2 (hook/k): a", "why"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := WriteTable(&b, tt.rows, TableOptions{}); err != nil {
				t.Fatal(err)
			}
			for _, want := range tt.want {
				if strings.Count(b.String(), want+"\n") != 1 {
					t.Errorf("want one line %q in\n%s", want, b.String())
				}
			}
			if got := strings.Count(b.String(), "checkpatch"); got != len(tt.want) && tt.name != "with a log" {
				t.Errorf("%d lines, want %d:\n%s", got, len(tt.want), b.String())
			}
		})
	}
}
