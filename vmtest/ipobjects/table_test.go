// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ipobjects

import (
	"slices"
	"strings"
	"testing"

	"xpsgen/vmtest/guest/objects/record"
)

func value(v uint32) *uint32 { return &v }

// Faults names results that are wrong even if the golden table has them.
func TestFaults(t *testing.T) {
	objects := []record.Object{{Name: "other"}, {Name: "seven", Value: value(7)}, {Name: "none"}, {Name: "off"}}
	for _, tt := range []struct {
		r    record.Result
		want string
	}{
		{record.Result{Object: "seven", Tag: "t", Value: value(7)}, ""},
		{record.Result{Object: "none", Exit: 1, Output: "no"}, ""},
		{record.Result{Object: "off"}, ""},
		{record.Result{Object: "seven", Signal: "SIGSEGV"}, "b/c/seven: ip ended by signal: SIGSEGV"},
		{record.Result{Object: "none", Tag: "t", Value: value(3)}, "b/c/none: attached a program that returns 3, expected none"},
		{record.Result{Object: "seven", Tag: "t", Value: value(3)}, "b/c/seven: attached a program that returns 3, expected 7"},
		{record.Result{Object: "seven", Tag: "t", Value: value(7), Exit: 2}, "b/c/seven: attached a program, exit code 2"},
		{record.Result{Object: "none", Exit: 1, Output: " \n"}, "b/c/none: exit code 1 without a message"},
		{record.Result{Object: "none"}, "b/c/none: exit code 0 without a program"},
		{record.Result{Object: "none", Exit: 1, Output: "name (null)"}, "b/c/none: message with (null)"},
		{record.Result{Context: record.Manual, Object: "ip x"}, ""},
		{record.Result{Context: record.Manual, Object: "ip x", Exit: 1}, "b: example of the manual page: ip x: exit code 1: "},
		{record.Result{Context: record.Manual, Object: "ip x", Output: "o"}, "b: example of the manual page: ip x: exit code 0: o"},
	} {
		tt.r.Build = "b"
		if tt.r.Context == "" {
			tt.r.Context = "c"
		}
		got := (&Table{objects: objects, results: []record.Result{tt.r}}).Faults()
		if tt.want == "" && got != nil || tt.want != "" && !slices.Equal(got, []string{tt.want}) {
			t.Errorf("%+v: %q, expected %q", tt.r, got, tt.want)
		}
	}
}

// The table of a build has its results only, and contexts that end alike share a row.
func TestTable(t *testing.T) {
	table := &Table{
		examples: []string{"ip x"},
		objects: []record.Object{
			{Name: "one", Args: []string{"object", "a b", ""}}, {Name: "two", Args: []string{"off"}, Builds: []string{"x"}},
			{Name: "three", Builds: []string{"y"}},
		},
		results: []record.Result{
			{Build: "x", Object: "one", Context: "c", Exit: 1, Output: "no\n"},
			{Build: "x", Object: "one", Context: "d", Tag: "t", Value: value(1<<32 - 1), Pins: []string{"p", "q"}},
			{Build: "x", Object: "one", Context: "e", Exit: 1, Output: "no"},
			{Build: "y", Object: "one", Context: "c", Signal: "SIGABRT"},
			{Build: "x", Object: "two", Context: "c"},
			{Build: "x", Object: "ip x", Context: record.Manual},
			{Build: "y", Object: "ip x", Context: record.Manual, Exit: 9},
		},
	}
	for build, want := range map[string]string{
		"x": "== example: ip x\nmanual: exit code 0\n== one: object \"a b\" \"\"\nc, e: exit code 1\n  no\n" +
			"d: exit code 0, program t returns -1, pins p q\n== two: off\nc: exit code 0\n",
		"y": "== example: ip x\nmanual: exit code 9\n== one: object \"a b\" \"\"\nc: signal SIGABRT\n== three: \n",
	} {
		if got := table.String(build); got != want {
			t.Errorf("%s:\n%s\nexpected\n%s", build, got, want)
		}
	}
}

// A cell has at most maxLines lines, none longer than 200 bytes, and nothing that differs
// between two runs.
func TestCell(t *testing.T) {
	for _, tt := range []struct{ output, want string }{
		{"\n a  \n\nb\n", "exit code 0\n  a\n  b\n"},
		{"open /tmp/objects123/a.o in objects45: verification time 17 usec \x1b\xff", "exit code 0\n  open a.o in NETNS: verification time N usec ??\n"},
		{strings.Repeat("x", 200), "exit code 0\n  " + strings.Repeat("x", 200) + "\n"},
		{strings.Repeat("x", 201), "exit code 0\n  " + strings.Repeat("x", 200) + "...\n"},
		{strings.Repeat("l\n", 12), "exit code 0\n" + strings.Repeat("  l\n", 12)},
		{strings.Repeat("l\n", 13), "exit code 0\n" + strings.Repeat("  l\n", 12) + "  ...\n"},
	} {
		if got := cell(&record.Result{Output: tt.output}); got != tt.want {
			t.Errorf("%q:\n%q, expected\n%q", tt.output, got, tt.want)
		}
	}
}

func TestQuoted(t *testing.T) {
	got := quoted([]string{"plain", "", "a b", "~", "\x7f", "é"})
	if want := []string{"plain", `""`, `"a b"`, "~", `"\x7f"`, `"é"`}; !slices.Equal(got, want) {
		t.Errorf("%q, expected %q", got, want)
	}
}
