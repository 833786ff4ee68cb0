// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ktap

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// nipaReport has results of a suite and of the checks of a series.
var nipaReport = &Report{Plan: 3, Tests: []Test{
	{Name: "control", Status: Fail, Duration: 3 * time.Second, Subtests: []Test{
		{Name: "a01-attach", Status: Pass, Duration: 1700 * time.Millisecond},
		{Name: "a02-detach # twice", Status: Fail, Reason: "no \"link\"", Diag: []string{"not ok 9 in a diagnostic", "ok 1 too"}},
		{Name: "a03-tun", Status: Skip, Reason: "no tun # here"},
		{Name: "groups", Status: Pass, Subtests: []Test{{Name: "deep", Status: Pass}}},
	}},
	{Name: "2-rtnetlink", Status: Pass, Subtests: []Test{
		{Name: "checkpatch", Status: Pass, Diag: []string{"warn: total: 0 errors", "", "# TAP version 13"}},
	}},
	{Name: "alone", Status: Skip, Reason: "nothing to do"},
}}

var nipaOptions = NIPA{Executor: "xpsgen", Branch: "net-next-2026-11-29--21-00", Group: "xps", Link: "https://example.org/logs/1",
	Start: time.Date(2026, 11, 29, 21, 0, 0, 0, time.UTC), End: time.Date(2026, 11, 29, 21, 0, 9, 5e8, time.UTC)}

// nipaParsed has the results that NIPA's parsers read from nipaReport.
const nipaParsed = `a01-attach pass 2
a02-detach-twice fail -
a03-tun skip -
groups-deep pass -
checkpatch pass -
`

func nipaForms(t *testing.T) (results, tap []byte) {
	var j, k bytes.Buffer
	if err := nipaReport.WriteNIPA(&j, nipaOptions); err != nil {
		t.Fatal(err)
	}
	if err := nipaReport.WriteKselftest(&k, "xps"); err != nil {
		t.Fatal(err)
	}
	return j.Bytes(), k.Bytes()
}

func TestNIPAForms(t *testing.T) {
	results, tap := nipaForms(t)
	for name, have := range map[string][]byte{"nipa.json": results, "nipa.tap": tap} {
		golden := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(golden, have, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(have)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
	var run struct {
		Results []struct {
			Group, Test, Result string
			Results             []struct{ Test, Result string }
		}
	}
	if err := json.Unmarshal(results, &run); err != nil || len(run.Results) != 3 || len(run.Results[0].Results) != 4 {
		t.Errorf("%v: %+v", err, run)
	}
}

// A report that ended early never looks complete.
func TestNIPAProblem(t *testing.T) {
	r := &Report{Plan: 2, Tests: nipaReport.Tests[2:], Problems: []Problem{{Text: "truncated"}}}
	var b strings.Builder
	if err := r.WriteNIPA(&b, nipaOptions); err != nil || !strings.Contains(b.String(), `"test": "report"`) {
		t.Errorf("%v: %s", err, b.String())
	}
}

// NIPA's own code reads the same results, where XPS_TEST_NIPA names its source:
// https://github.com/linux-netdev/nipa.
func TestNIPAReads(t *testing.T) {
	nipa := os.Getenv("XPS_TEST_NIPA")
	if nipa == "" {
		if strings.Contains(os.Getenv("XPS_TEST_REQUIRE"), "nipa") {
			t.Fatal("XPS_TEST_NIPA names no source of NIPA")
		}
		t.Skip("XPS_TEST_NIPA names no source of NIPA; TestNIPAForms compares with what its code read")
	}
	results, tap := nipaForms(t)
	dir := t.TempDir()
	for name, data := range map[string][]byte{"results.json": results, "results.tap": tap} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const script = `
import ast, importlib.util, json, os, re, sys
nipa, dir = sys.argv[1:]
def functions(path, *names):
    # The files import what only netdev's servers have: take the functions alone.
    tree = ast.parse(open(os.path.join(nipa, path)).read())
    space = {"re": re, "os": os}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name in names:
            exec(compile(ast.Module([node], []), path, "exec"), space)
    return [space[n] for n in names]
(flatten,) = functions("contest/results-collector.py", "result_flatten")
(nested,) = functions("contest/remote/lib/results.py", "parse_nested_tests")
split, prefix = functions("contest/remote/vmksft.py", "ktap_split", "ktap_extract_pfx")
(namify,) = functions("contest/remote/lib/fetcher.py", "namify")
full = json.load(open(os.path.join(dir, "results.json")))
tap = open(os.path.join(dir, "results.tap")).read()
print("nested")
for t in nested(tap, namify):
    print(t["test"], t["result"], t.get("time", "-"))
print("split")
tests = split(tap, False)
print(prefix(tests))
for t in tests:
    print(t["name"], t["result"])
print("split nested")
for t in split(tap, True):
    print(t["name"], t["result"])
print("flat")
for t in flatten(full):
    print(t["group"], t["test"], t["subtest"], t["result"])
print(full["branch"], full["executor"], full["link"], full["results"][0]["link"])
import datetime
print(datetime.datetime.fromisoformat(full["end"]) - datetime.datetime.fromisoformat(full["start"]))
`
	out, err := exec.Command("python3", "-c", script, nipa, dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := "nested\n" + nipaParsed + `split
selftests: xps:
control fail
2-rtnetlink pass
alone skip
split nested
a01-attach pass
a02-detach-twice fail
a03-tun skip
groups-deep pass
selftests: xps: control fail
checkpatch pass
selftests: xps: 2-rtnetlink pass
selftests: xps: alone skip
flat
xps control None False
xps control a01-attach True
xps control a02-detach-twice False
xps control a03-tun False
xps control groups-deep True
xps 2-rtnetlink None True
xps 2-rtnetlink checkpatch True
xps alone None False
net-next-2026-11-29--21-00 xpsgen https://example.org/logs/1 https://example.org/logs/1
0:00:09.500000
`
	if diff := cmp.Diff(want, string(out)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
