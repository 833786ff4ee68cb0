// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ktap

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// progsOutput is what test_progs prints. It repeats failures at the end.
const progsOutput = `WARNING! Selftests relying on bpf_testmod.ko will be skipped.
#1/1     xps/attach:OK
test_update:FAIL:update unexpected error: -22 (errno 22)
#1/2     xps/update:FAIL
#1/3     xps/bond:SKIP
#1       xps:FAIL
#2/1     tc_links/basic:SKIP
#2/2     tc_links/more:OK
#2       tc_links:OK (SKIP: 1/2)
#3       other:SKIP (not built)

All error logs:
#1/2     xps/update:FAIL
#1       xps:FAIL
Summary: 1/2 PASSED, 2 SKIPPED, 1 FAILED
`

const wantProgsKTAP = `KTAP version 1
1..3
# WARNING! Selftests relying on bpf_testmod.ko will be skipped.
# test_update:FAIL:update unexpected error: -22 (errno 22)
  KTAP version 1
  # Subtest: bpf:xps
  1..3
  ok 1 attach
  not ok 2 update
  ok 3 bond # SKIP
not ok 1 bpf:xps
  KTAP version 1
  # Subtest: bpf:tc_links
  1..2
  ok 1 basic # SKIP
  ok 2 more
ok 2 bpf:tc_links # 1/2 subtests skipped
ok 3 bpf:other # SKIP not built
# All error logs:
# #1/2     xps/update:FAIL
# #1       xps:FAIL
# Summary: 1/2 PASSED, 2 SKIPPED, 1 FAILED
`

func TestTestProgs(t *testing.T) {
	for _, chunk := range []int{1, 7, len(progsOutput)} {
		var out bytes.Buffer
		p := NewTestProgs(NewWriter(&out), 3)
		for rest := progsOutput; rest != ""; {
			n := min(chunk, len(rest))
			if _, err := p.Write([]byte(rest[:n])); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		tests, err := p.Close()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(wantProgsKTAP, out.String()); diff != "" {
			t.Fatal(diff)
		}
		if len(tests) != 3 || tests[0].Status != Fail || tests[1].Status != Pass || tests[2].Status != Skip || len(tests[0].Subtests) != 3 {
			t.Errorf("%+v", tests)
		}
		report, err := Parse(&out)
		if err != nil || len(report.Problems) > 0 || report.OK() {
			t.Errorf("%v, problems %v, OK %t", err, report.Problems, report.OK())
		}
	}
}

// test_progs dies in a test, or gives up before the first.
func TestTestProgsCutShort(t *testing.T) {
	for _, text := range []string{"", "#1/1     xps/attach:OK\nCaught signal #11!\n", "#1 xps:OK\n"} {
		p := NewTestProgs(NewWriter(&bytes.Buffer{}), 2)
		if _, err := p.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Close(); err == nil || !strings.Contains(err.Error(), "of 2 tests") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
