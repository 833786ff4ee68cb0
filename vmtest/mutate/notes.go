// SPDX-License-Identifier: GPL-2.0-only OR MIT

package mutate

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/runs"
)

// notes says of each line with mutants how well it is tested. root is the workbench.
func notes(ctx context.Context, root string, programs []*program, verdicts map[int]Verdict) ([]runs.Note, error) {
	var all []runs.Note
	for _, g := range programs {
		places := map[int]map[string]map[int]int{} // of patches, by index
		for _, s := range g.sources {
			blame, err := g.tree.Blame(ctx, s.File)
			if err != nil {
				return nil, err
			}
			byLine := map[int][]Verdict{}
			for _, m := range s.Mutants {
				if v, ok := verdicts[m.ID]; ok {
					byLine[m.Line] = append(byLine[m.Line], v)
				}
			}
			for line, list := range byLine {
				if line > len(blame) || blame[line-1].Patch < 0 {
					continue
				}
				b := blame[line-1]
				p := g.tree.Patches[b.Patch]
				if places[b.Patch] == nil {
					data, err := os.ReadFile(p.Path)
					if err != nil {
						return nil, fmt.Errorf("read patch %s: %w", p.Key, err)
					}
					if places[b.Patch], err = patchLines(data); err != nil {
						return nil, fmt.Errorf("%s: %w", p.Path, err)
					}
				}
				path, err := filepath.Rel(root, p.Path)
				if err != nil {
					return nil, fmt.Errorf("name patch %s: %w", p.Key, err)
				}
				if at := places[b.Patch][s.File][b.Line]; at > 0 {
					n := note(list)
					n.Patch, n.Line = filepath.ToSlash(path), at
					all = append(all, n)
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b runs.Note) int {
		return cmp.Or(cmp.Compare(a.Patch, b.Patch), cmp.Compare(a.Line, b.Line))
	})
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

// patchLines returns the positions of the added lines of a patch in its file, by name and line
// of the patched file.
func patchLines(data []byte) (map[string]map[int]int, error) {
	out := map[string]map[int]int{}
	var lines map[int]int
	number, at, left := 0, 0, 0
	for raw := range bytes.Lines(data) {
		number++
		line := strings.TrimRight(string(raw), "\n")
		switch {
		case left > 0 && strings.HasPrefix(line, "+"):
			lines[at] = number
			at, left = at+1, left-1
		case left > 0 && (strings.HasPrefix(line, " ") || line == ""):
			at, left = at+1, left-1
		case strings.HasPrefix(line, "+++ b/"):
			lines = map[int]int{}
			out[strings.TrimPrefix(line, "+++ b/")] = lines
		case strings.HasPrefix(line, "@@ ") && lines != nil:
			_, _, first, count, err := hunk(line)
			if err != nil {
				return nil, err
			}
			at, left = first, count
		}
	}
	return out, nil
}
