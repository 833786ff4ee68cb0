// SPDX-License-Identifier: GPL-2.0-only OR MIT

package known

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/vm"
)

// Load returns the reports of the same base, version and configuration only.
func TestLoad(t *testing.T) {
	files := fstest.MapFS{
		"reports/6.12-debug-rt.json": {Data: []byte(`{"kernel":"6.12.1","runs":3,"reports":[{"pattern":"BUG: ","functions":["f"]}]}`)},
		"reports/bad.json":           {Data: []byte(`{`)},
		"reports/dir.json/x":         {},
	}
	stored := &Reports{Kernel: "6.12.1", Runs: 3, Reports: []Report{{Pattern: "BUG: ", Functions: []string{"f"}}}}
	for name, tt := range map[string]struct {
		base, kernel string
		fragments    []string
		want         *Reports
		err          string
	}{
		"stored, fragments in any order": {"6.12", "6.12.1", []string{"rt", "debug"}, stored, ""},
		"another version":                {"6.12", "6.12.2", []string{"rt", "debug"}, &Reports{Kernel: "6.12.2"}, ""},
		"another configuration":          {"6.12", "6.12.1", []string{"rt"}, &Reports{Kernel: "6.12.1"}, ""},
		"not JSON":                       {"bad", "1", nil, &Reports{Kernel: "1"}, "read the known reports: unexpected end"},
		"not readable":                   {"dir", "1", nil, nil, "read the known reports: read "},
	} {
		got, err := load(files, tt.base, tt.kernel, tt.fragments)
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %v, expected %q", name, err, tt.err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Add stores reports in the order of their titles. It does not store a splat without a
// stack, nor the same splat twice.
func TestAddOrders(t *testing.T) {
	dir := t.TempDir()
	r, added, err := Add(dir, "b", "1", nil, []vm.Splat{
		*splat("WARNING: ", "WARNING: w", "z"), *splat("BUG: ", "BUG: x", "b"), *splat("BUG: ", "BUG: none"),
		*splat("BUG: ", "BUG: x", "a"), *splat("BUG: ", "BUG: x", "b"),
	})
	want := &Reports{Kernel: "1", Runs: 1, Reports: []Report{
		{"BUG: ", []string{"a"}}, {"BUG: ", []string{"b"}}, {"WARNING: ", []string{"z"}},
	}}
	if err != nil || added != 3 {
		t.Errorf("added %d: %v", added, err)
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, read(t, dir, "b.json")); diff != "" {
		t.Errorf("stored: %s", diff)
	}
}

// Add leaves a file alone that it cannot read, and reports a directory it cannot write to.
func TestAddFails(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"bad.json": "{", "dir.json/x": ""} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, base := range []string{"bad", "dir"} {
		if r, _, err := Add(dir, base, "1", nil, nil); err == nil || !strings.HasPrefix(err.Error(), "read the known reports: ") || r != nil {
			t.Errorf("%s: %v, %v", base, r, err)
		}
	}
	if text, err := os.ReadFile(filepath.Join(dir, "bad.json")); err != nil || string(text) != "{" {
		t.Errorf("the unreadable file changed: %q, %v", text, err)
	}
	if _, _, err := Add(filepath.Join(dir, "bad.json"), "b", "1", nil, nil); err == nil {
		t.Error("a directory that is a file: no error")
	}
}

// A line of the diff may have up to 1 MiB; a longer one is an error.
func TestReadOursLongLine(t *testing.T) {
	long := func(n int) []byte {
		return []byte("@@ -1 +1 @@\n int f(void)\n {\n+" + strings.Repeat("x", n) + "\n }\n")
	}
	ours, err := ReadOurs(long(1 << 19))
	if err != nil || !ours["f"] {
		t.Errorf("%v, %v", ours, err)
	}
	if _, err := ReadOurs(long(1 << 20)); err == nil || !strings.HasPrefix(err.Error(), "functions of the series: ") {
		t.Errorf("too long: %v", err)
	}
}

// A function is identified without the suffix that the compiler gave its copy.
func TestIdentify(t *testing.T) {
	for title, want := range map[string][]string{
		"BUG: KCSAN: data-race in f.isra.0.cold / a.part.1": {"a", "f"},
		"BUG: KCSAN: assert: race in f":                     {"f"},
		"nothing of KCSAN":                                  {"frame"},
	} {
		if diff := cmp.Diff(want, identify(splat("KCSAN: ", title, "frame")).Functions); diff != "" {
			t.Errorf("%s: %s", title, diff)
		}
	}
}

func TestDir(t *testing.T) {
	if got := Dir("/w"); got != "/w/vmtest/known/reports" {
		t.Error(got)
	}
}
