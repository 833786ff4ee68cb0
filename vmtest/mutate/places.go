// SPDX-License-Identifier: GPL-2.0-only OR MIT

package mutate

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"xpsgen/vmtest/tree"
)

// Places finds lines of a patched tree in the files of the patches.
type Places struct {
	root string
	tree *tree.Source
	// blames are by file. patches has the lines of [patchLines] by the index of
	// the patch.
	blames  map[string][]tree.Blame
	patches map[int]map[string]map[int]int
}

// NewPlaces returns the places of a tree. root is the workbench.
func NewPlaces(root string, t *tree.Source) *Places {
	return &Places{root: root, tree: t, blames: map[string][]tree.Blame{}, patches: map[int]map[string]map[int]int{}}
}

// Find returns the patch that adds a line of a file, as a path in the workbench, and the
// line in it, from 1. It returns 0 for a line that no patch adds.
func (p *Places) Find(ctx context.Context, file string, line int) (patch string, at int, err error) {
	blame, ok := p.blames[file]
	if !ok {
		if blame, err = p.tree.Blame(ctx, file); err != nil {
			return "", 0, err
		}
		p.blames[file] = blame
	}
	if line > len(blame) || blame[line-1].Patch < 0 {
		return "", 0, nil
	}
	b := blame[line-1]
	q := p.tree.Patches[b.Patch]
	if p.patches[b.Patch] == nil {
		data, err := os.ReadFile(q.Path)
		if err != nil {
			return "", 0, fmt.Errorf("read patch %s: %w", q.Key, err)
		}
		if p.patches[b.Patch], err = patchLines(data); err != nil {
			return "", 0, fmt.Errorf("%s: %w", q.Path, err)
		}
	}
	if patch, err = filepath.Rel(p.root, q.Path); err != nil {
		return "", 0, fmt.Errorf("name patch %s: %w", q.Key, err)
	}
	return filepath.ToSlash(patch), p.patches[b.Patch][file][b.Line], nil
}

// patchLines returns where the added lines are in a patch file, by the name of
// the patched file and the line in it.
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
