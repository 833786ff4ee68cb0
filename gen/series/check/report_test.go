// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var someRows = []Row{
	{Project: "linux", Series: "hook", Base: "net-next", Check: "cover", Result: Result{Code: Pass, Summary: "present"}},
	{Project: "linux", Series: "hook", Base: "net-next", Check: "checkpatch", Patch: 1, Key: "hook", Result: Result{Code: Pass, Summary: "total: 0"}},
	{Project: "linux", Series: "hook", Base: "net-next", Check: "verify_signedoff", Patch: 1, Key: "hook", Result: Result{Code: Warning, Summary: "awaits"},
		Command: "xpsgen series check --only verify_signedoff --patch 1 hook/net-next"},
	{Project: "linux", Series: "hook", Base: "net-next", Check: "checkpatch", Patch: 2, Key: "tun", Result: Result{Code: Fail, Summary: "total: 1 errors", Log: strings.Repeat("ERROR: bad\n", 10)},
		Command: "xpsgen series check --only checkpatch --patch 2 hook/net-next"},
	{Project: "linux", Series: "hook", Base: "net-next", Check: "verify_signedoff", Patch: 2, Key: "tun", Result: Result{Code: Warning, Summary: "awaits"},
		Command: "xpsgen series check --only verify_signedoff --patch 2 hook/net-next"},
	{Project: "linux", Series: "hook", Base: "net-next", Check: "sparse", Patch: 2, Key: "tun", Result: Result{Code: Blocked, Summary: "does not pass build_gcc"}},
	{Project: "iproute2", Series: "ip", Base: "iproute2-next", Check: "cover", Result: Result{Code: 7, Summary: "none"}, Command: "xpsgen series check --only cover ip/iproute2-next"},
}

func TestReports(t *testing.T) {
	for name, write := range map[string]func(b *bytes.Buffer) error{
		"table.golden": func(b *bytes.Buffer) error { return WriteTable(b, someRows, TableOptions{}) },
		"junit.golden": func(b *bytes.Buffer) error { return WriteJUnit(b, someRows) },
		"json.golden":  func(b *bytes.Buffer) error { return WriteJSON(b, someRows) },
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), b.String()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	var got struct{ Failed, Warned int }
	var b bytes.Buffer
	if err := WriteJSON(&b, someRows); err != nil {
		t.Fatal(err)
	}
	// Any unknown code counts as failed, as in netdev's runner.
	if err := json.Unmarshal(b.Bytes(), &got); err != nil || got.Failed != 2 || got.Warned != 2 {
		t.Errorf("%+v, %v", got, err)
	}
}
