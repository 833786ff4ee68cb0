// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"xpsgen/vmtest/ktap"
)

func TestWriteKTAP(t *testing.T) {
	rows := []Row{
		{Check: "cover", Result: pass("there is one"), Elapsed: time.Second},
		{Check: "checkpatch", Patch: 2, Key: "rtnetlink", Result: warn("1 warning").with("WARNING: long line")},
		{Check: "checkpatch", Patch: 1, Key: "hook", Result: fail("1 error").with("ERROR: # bad"), Command: "xpsgen series check --only checkpatch"},
		{Check: "sparse", Patch: 1, Key: "hook", Result: Result{Code: Blocked, Summary: "build failed"}},
	}
	var out bytes.Buffer
	if err := WriteKTAP(&out, rows); err != nil {
		t.Fatal(err)
	}
	report, err := ktap.Parse(&out)
	if err != nil || len(report.Problems) > 0 {
		t.Fatalf("%v, %v", err, report.Problems)
	}
	var got []string
	for _, test := range report.Flat() {
		if (test.Duration == time.Second) != (test.Name == "series/cover") {
			t.Errorf("%s took %s", test.Name, test.Duration)
		}
		got = append(got, strings.Join(append([]string{test.Name, test.Status.String(), test.Reason}, test.Diag...), "|"))
	}
	want := []string{
		"series/cover|pass||pass: there is one",
		"2-rtnetlink/checkpatch|pass||warn: 1 warning|WARNING: long line",
		"1-hook/checkpatch|fail|1 error|fail: 1 error|ERROR: # bad|rerun: xpsgen series check --only checkpatch",
		"1-hook/sparse|skip|build failed|blocked: build failed",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
