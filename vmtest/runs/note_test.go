// SPDX-License-Identifier: GPL-2.0-only OR MIT

package runs

import (
	"slices"
	"testing"
)

// Notes come back from a directory as they were written, in the order of the patches.
func TestNotes(t *testing.T) {
	all := []Note{{Patch: "b", Line: 1}, {Patch: "a", Line: 2, Mark: MarkRun}, {Patch: "a", Line: 1, Text: "x"}, {Patch: "a", Line: 2, Text: "y"}}
	SortNotes(all)
	want := []Note{{Patch: "a", Line: 1, Text: "x"}, {Patch: "a", Line: 2, Mark: MarkRun}, {Patch: "a", Line: 2, Text: "y"}, {Patch: "b", Line: 1}}
	dir := t.TempDir()
	if err := WriteNotes(dir, all); err != nil {
		t.Fatal(err)
	}
	got, err := (&Record{Dir: dir}).Notes()
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestBetter(t *testing.T) {
	order := []string{"", MarkNever, MarkRun, MarkKilled}
	for i, a := range order {
		for j, b := range order {
			if Better(a, b) != (i > j) {
				t.Errorf("Better(%q, %q) = %v", a, b, Better(a, b))
			}
		}
	}
}
