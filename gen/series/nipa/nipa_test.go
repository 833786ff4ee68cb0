// SPDX-License-Identifier: GPL-2.0-only OR MIT

package nipa

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"xpsgen/gen/series/check"
)

// source returns the source of NIPA, which XPS_TEST_NIPA names.
func source(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("XPS_TEST_NIPA")
	if dir == "" {
		if strings.Contains(os.Getenv("XPS_TEST_REQUIRE"), "nipa") {
			t.Fatal("XPS_TEST_NIPA names no source of NIPA")
		}
		t.Skip("XPS_TEST_NIPA names no source of NIPA")
	}
	return dir
}

// The table of NIPA's tests is complete.
func TestNIPATable(t *testing.T) {
	have, err := (&Runner{Dir: source(t)}).Tests()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, n := range check.NIPA() {
		want = append(want, n.Name)
	}
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("NIPA has %q, the table %q", have, want)
	}
}

// Every check that the table names exists, and every test is covered or has a reason.
func TestTableOfChecks(t *testing.T) {
	for _, n := range check.NIPA() {
		if _, err := check.Select(n.Checks); err != nil {
			t.Errorf("%s: %v", n.Name, err)
		}
		if (n.Coverage == check.Covered) != (len(n.Checks) > 0) || n.Coverage != check.Covered && n.Note == "" {
			t.Errorf("%s: coverage %v by %q: %q", n.Name, n.Coverage, n.Checks, n.Note)
		}
	}
	for _, d := range differences {
		if d.reason == "" || d.ours.String() == d.theirs.String() {
			t.Errorf("%+v", d)
		}
	}
}

func TestNoSource(t *testing.T) {
	if _, err := (&Runner{Dir: t.TempDir()}).Tests(); !errors.Is(err, ErrSource) {
		t.Errorf("got %v", err)
	}
}

func TestReadResult(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"1/ynl/retcode": "0", "1/ynl/desc": "Generated files up to date;\n fine\n",
		"1/2/checkpatch/retcode": "250",
		"1/3/kdoc/retcode":       "none",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]Result{
		"1/ynl/retcode":          {Test: "series/ynl", Desc: "Generated files up to date; fine"},
		"1/2/checkpatch/retcode": {Test: "patch/checkpatch", Patch: 2, Code: check.Warning},
	} {
		if have, err := readResult(filepath.Join(dir, name)); err != nil || have != want {
			t.Errorf("%s: %+v, %v", name, have, err)
		}
	}
	if _, err := readResult(filepath.Join(dir, "1/3/kdoc/retcode")); err == nil {
		t.Error("a result that is not a number")
	}
}

func TestCompare(t *testing.T) {
	rows := []check.Row{
		{Check: "cover", Result: check.Result{Code: check.Pass}},
		{Check: "tree_tag", Result: check.Result{Code: check.Fail, Summary: "no tree"}},
		{Check: "checkpatch", Patch: 1, Result: check.Result{Code: check.Warning, Summary: "1 warnings", Log: "WARNING:COMMIT_LOG_LONG_LINE: x"}},
		{Check: "checkpatch", Patch: 2, Result: check.Result{Code: check.Warning, Summary: "1 warnings", Log: "WARNING:LINE_SPACING: x"}},
		{Check: "kdoc", Patch: 1, Result: check.Result{Code: check.Pass}},
	}
	results := []Result{
		{Test: "series/series_format", Code: check.Warning},
		{Test: "patch/checkpatch", Patch: 1}, {Test: "patch/checkpatch", Patch: 2},
		{Test: "patch/kdoc", Patch: 1}, {Test: "patch/kdoc", Patch: 2},
	}
	var got []string
	for _, a := range Compare(rows, results) {
		got = append(got, a.Test+" "+map[bool]string{true: "agrees", false: "differs"}[a.Agrees()]+" "+map[bool]string{true: "explained", false: "not"}[a.Explained()])
	}
	want := []string{"series/series_format differs explained", "patch/checkpatch differs explained", "patch/checkpatch differs not",
		"patch/kdoc agrees explained", "patch/kdoc differs not"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// Nonsense is at a place where the file's language does not allow it.
func TestWithNonsense(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for file, text := range map[string]string{
		"net/a.c":        "/* a */\n#include <b.h>\n#if 0\n#include <c.h>\n#endif\nint a;\n",
		"include/a.h":    "#ifndef A\n#define A\n# include <b.h>\n#endif\n",
		"net/Makefile":   "# a\nobj-y := a.o\n",
		"a/.gitignore":   "a\n",
		"man/man8/a.8":   ".TH A\n",
		"doc/a.rst":      "A\n=\n",
		"include/none.h": "struct a;\n",
		"tests/empty.t":  "",
	} {
		for range 10 {
			got := withNonsense(file, text, r)
			if strings.Count(got, Nonsense) != 1 || !strings.Contains(got, Nonsense+"\n") {
				t.Errorf("%s: %q", file, got)
			}
			if i := strings.Index(got, "#if 0"); file == "net/a.c" && i >= 0 && strings.Index(got, Nonsense) > i {
				t.Errorf("%s: in what is not compiled: %q", file, got)
			}
		}
	}
}
