// SPDX-License-Identifier: GPL-2.0-only OR MIT

package litmus

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// Each test is complete, its name is that of its file, and its twins differ from it and
// from each other.
func TestTable(t *testing.T) {
	files, err := texts.ReadDir("tests")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(tests) {
		t.Errorf("%d files, %d tests in the table", len(files), len(tests))
	}
	seen := map[string]bool{}
	for i := range tests {
		l := &tests[i]
		if l.Claim == "" || len(l.Code) == 0 || len(l.Twins) == 0 {
			t.Errorf("%s is incomplete", l.Name)
		}
		for _, j := range l.jobs() {
			name, text, err := l.text(j.twin)
			if err != nil {
				t.Error(err)
				continue
			}
			if seen[name] || seen[text] {
				t.Errorf("%s exists twice", name)
			}
			seen[name], seen[text] = true, true
			if !strings.HasPrefix(text, "C "+name+"\n") || !strings.Contains(text, "\nexists (") {
				t.Errorf("%s has another name, or no exists clause", name)
			}
			if j.twin != nil && j.twin.Want != Sometimes && j.twin.Want != DataRace {
				t.Errorf("%s wants %s, as the test does", name, j.twin.Want)
			}
		}
	}
}

func TestEdit(t *testing.T) {
	w := &Twin{Name: "x", Edits: []Edit{{"spin_lock(rtnl);", "hold(rtnl);"}}}
	writers := &tests[slices.Index(Names(), "writers")]
	_, text, err := writers.text(w)
	if err != nil || strings.Count(text, "\n\thold(rtnl);\n") != 2 || strings.Contains(text, "spin_lock") {
		t.Errorf("%v\n%s", err, text)
	}
	w.Edits[0].Line = "spin_lock"
	if _, _, err := writers.text(w); err == nil || !strings.Contains(err.Error(), `writers.litmus has no line "spin_lock"`) {
		t.Errorf("part of a line: %v", err)
	}
}

func TestSelect(t *testing.T) {
	for want, names := range map[string][]string{
		strings.Join(Names(), " "): nil, "replace recheck": {"re"}, "publish key": {"key", "publish", "pub"},
	} {
		var got []string
		all, err := Select(names)
		for _, l := range all {
			got = append(got, l.Name)
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q: %q, %v, want %q", names, got, err, want)
		}
	}
	if _, err := Select([]string{"publish", "nosuch"}); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), `"nosuch"`) {
		t.Errorf("%v", err)
	}
}
