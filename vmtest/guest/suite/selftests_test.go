// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"xpsgen/vmtest/ktap"
)

// Output of the harness: two tests that ran, one of which failed, and one
// that was skipped.
const harnessOutput = `TAP version 13
1..3
# Starting 3 tests from 1 test cases.
#  RUN           xps_bpf.link ...
#            OK  xps_bpf.link
ok 1 xps_bpf.link
#  RUN           xps_bpf.noexist ...
# xps_bpf.c:690:noexist:Expected 0 (0) == -EBUSY (-16)
# noexist: Test failed
#          FAIL  xps_bpf.noexist
not ok 2 xps_bpf.noexist
#  RUN           xps_bpf.replace ...
#      SKIP      kernel without XPS programs
ok 3 xps_bpf.replace # SKIP kernel without XPS programs
# FAILED: 2 / 3 tests passed.
# Totals: pass:1 fail:1 xfail:0 xpass:0 skip:1 error:0
`

func TestSelftestParse(t *testing.T) {
	r := &selftestRun{text: harnessOutput}
	r.parse()
	if r.err != nil {
		t.Error(r.err)
	}
	for name, want := range map[string]ktap.Status{
		"link": ktap.Pass, "noexist": ktap.Fail, "replace": ktap.Skip,
	} {
		got, ok := r.results[name]
		if !ok || got.Status != want {
			t.Errorf("%s: %v %v, want %v", name, ok, got.Status, want)
		}
	}
	if len(r.results) != 3 {
		t.Errorf("%d results, want 3", len(r.results))
	}
	if diag := strings.Join(r.results["noexist"].Diag, "\n"); !strings.Contains(diag, "xps_bpf.c:690") {
		t.Errorf("the line that failed is not in %q", diag)
	}
	if reason := r.results["replace"].Reason; reason != "kernel without XPS programs" {
		t.Errorf("reason %q", reason)
	}
}

// TestSelftestCutShort: a report that lacks announced results is an error, as after a crash
// of the program.
func TestSelftestCutShort(t *testing.T) {
	text, _, _ := strings.Cut(harnessOutput, "not ok 2")
	for name, text := range map[string]string{"cut": text, "empty": ""} {
		r := &selftestRun{text: text}
		r.parse()
		if r.err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestSelftestExplained: a failed test explains that the program exits with 1. It explains
// neither a signal nor a report that does not parse.
func TestSelftestExplained(t *testing.T) {
	failed := map[string]ktap.Test{"a": {Status: ktap.Pass}, "b": {Status: ktap.Fail}}
	passed := map[string]ktap.Test{"a": {Status: ktap.Pass}}
	exit := exec.Command("sh", "-c", "exit 1").Run()
	signal := exec.Command("sh", "-c", "kill -SEGV $$").Run()
	for name, tt := range map[string]struct {
		run  *selftestRun
		want bool
	}{
		"exit code, a test failed":      {&selftestRun{err: exit, results: failed}, true},
		"exit code, all tests passed":   {&selftestRun{err: exit, results: passed}, false},
		"signal, a test failed":         {&selftestRun{err: signal, results: failed}, false},
		"exit code and a broken report": {&selftestRun{err: errors.Join(exit, errors.New("cut")), results: failed}, false},
	} {
		if got := tt.run.explained(); got != tt.want {
			t.Errorf("%s (%v): %v, want %v", name, tt.run.err, got, tt.want)
		}
	}
}
