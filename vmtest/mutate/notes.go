// SPDX-License-Identifier: GPL-2.0-only OR MIT

package mutate

import (
	"context"
	"fmt"

	"xpsgen/vmtest/runs"
)

// notes returns a note for each line with mutants: how well it is tested. root
// is the workbench.
func notes(ctx context.Context, root string, programs []*program, verdicts map[int]Verdict) ([]runs.Note, error) {
	var all []runs.Note
	for _, g := range programs {
		places := NewPlaces(root, g.tree)
		for _, s := range g.sources {
			byLine := map[int][]Verdict{}
			for _, m := range s.Mutants {
				if v, ok := verdicts[m.ID]; ok {
					byLine[m.Line] = append(byLine[m.Line], v)
				}
			}
			for line, list := range byLine {
				n := note(list)
				var err error
				if n.Patch, n.Line, err = places.Find(ctx, s.File, line); err != nil {
					return nil, err
				}
				if n.Line > 0 {
					all = append(all, n)
				}
			}
		}
	}
	runs.SortNotes(all)
	return all, nil
}

// note sums up the results of the mutants of a line.
func note(list []Verdict) runs.Note {
	count := map[State]int{}
	tests := 0
	reason := ""
	for _, v := range list {
		count[v.State]++
		tests = max(tests, v.Tests)
		if v.State == Excused {
			reason = v.By
		}
	}
	n := runs.Note{Mark: runs.MarkKilled}
	switch {
	case count[Survived] > 0:
		n.Mark, n.Bad = runs.MarkRun, true
		n.Text = fmt.Sprintf("%d of %d mutants survived", count[Survived], len(list))
	case count[Unreached] > 0:
		n.Mark, n.Bad = runs.MarkNever, true
		n.Text = "not run by any test"
	case count[Excused] > 0:
		n.Mark = runs.MarkRun
		if tests == 0 {
			n.Mark = runs.MarkNever
		}
		n.Text = reason
	case count[Killed] == 0:
		n.Mark = ""
	}
	return n
}
