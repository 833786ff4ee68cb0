// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ktap

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// runnerOutput is output of run_kselftest.sh: a test with output, one that reports in
// TAP, one that is skipped, one that fails and one that times out.
const runnerOutput = `TAP version 13
1..5
# timeout set to 3600
# selftests: net: rtnetlink.sh
# PASS: policy routing
# SKIP: macsec not supported
ok 1 selftests: net: rtnetlink.sh
# timeout set to 3600
# selftests: net: tls
# before the report
# TAP version 13
# 1..2
# # Starting 2 tests
# ok 1 global.one
# words without a mark
# not ok 2 global.two # SKIP no cipher
# # Totals: pass:1 fail:1
# after the report
# TAP version 13
ok 2 selftests: net: tls
# timeout set to 3600
# selftests: net: skipped.sh
# no such device
ok 3 selftests: net: skipped.sh # SKIP
# timeout set to 3600
# selftests: net/forwarding: broken.sh
#
# TEST: ping                                    [FAIL]
not ok 4 selftests: net/forwarding: broken.sh # exit=1
# timeout set to 3600
# selftests: net: slow.sh
not ok 5 selftests: net: slow.sh # TIMEOUT 3600 seconds
`

const wantKTAP = `KTAP version 1
1..5
# timeout set to 3600
# PASS: policy routing
# SKIP: macsec not supported
ok 1 net:rtnetlink.sh
# timeout set to 3600
# before the report
  KTAP version 1
  # Subtest: net:tls
  1..2
  # Starting 2 tests
  ok 1 global.one
  # words without a mark
  not ok 2 global.two # SKIP no cipher
  # Totals: pass:1 fail:1
# after the report
# TAP version 13
ok 2 net:tls
# timeout set to 3600
# no such device
ok 3 net:skipped.sh # SKIP
# timeout set to 3600
#
# TEST: ping                                    [FAIL]
not ok 4 net/forwarding:broken.sh # exit=1
# timeout set to 3600
not ok 5 net:slow.sh # TIMEOUT 3600 seconds
`

func TestKselftest(t *testing.T) {
	// However the output is cut, it reads the same.
	for _, size := range []int{1, 7, len(runnerOutput)} {
		var out bytes.Buffer
		k := NewKselftest(NewWriter(&out))
		for text := []byte(runnerOutput); len(text) > 0; text = text[min(size, len(text)):] {
			if _, err := k.Write(text[:min(size, len(text))]); err != nil {
				t.Fatal(err)
			}
		}
		tests, err := k.Close()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(wantKTAP, out.String()); diff != "" {
			t.Fatalf("size %d:\n%s", size, diff)
		}
		var got []string
		for _, r := range tests {
			got = append(got, r.Status.String()+" "+r.Name+" "+r.Reason)
		}
		if diff := cmp.Diff([]string{"pass net:rtnetlink.sh ", "pass net:tls ", "skip net:skipped.sh ",
			"fail net/forwarding:broken.sh exit=1", "fail net:slow.sh TIMEOUT 3600 seconds"}, got); diff != "" {
			t.Error(diff)
		}
		for i, want := range []string{"PASS: policy routing|SKIP: macsec not supported",
			"not ok 2 global.two # SKIP no cipher|ok 1 global.one", "", "TEST: ping [FAIL]", ""} {
			if got := strings.Join(tests[i].Verdicts(), "|"); got != want {
				t.Errorf("%s: verdicts %q, want %q", tests[i].Name, got, want)
			}
		}
	}
}

// A runner that does not report all tests fails.
func TestKselftestShort(t *testing.T) {
	for text, want := range map[string]string{
		"": "planned no tests",
		"TAP version 13\n1..2\nok 1 selftests: net: a\n":                                   "1 of 2",
		"TAP version 13\n1..1\nok 1 selftests: net: a\nok 2 selftests: net: b\n":           "2 of 1",
		"./run_kselftest.sh: 12: Syntax error\n":                                           "planned no tests",
		"TAP version 13\n1..1\n# selftests: net: a\n# ok 1 selftests: not of the runner\n": "0 of 1",
	} {
		k := NewKselftest(NewWriter(new(bytes.Buffer)))
		if _, err := k.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if _, err := k.Close(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
