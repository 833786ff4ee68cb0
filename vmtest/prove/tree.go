// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prove

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"

	"xpsgen/vmtest/mutate"
	"xpsgen/vmtest/mutate/schema"
	"xpsgen/vmtest/tree"
)

// treeFile returns a function that reads files of the patched tree, nil for a file that it
// lacks.
func treeFile(src *tree.Source) func(ctx context.Context, file string) (*string, error) {
	return func(ctx context.Context, file string) (*string, error) {
		data, err := src.Show(ctx, file)
		if errors.Is(err, tree.ErrNoFile) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		text := string(data)
		return &text, nil
	}
}

// unwanted are directories whose files are not part of the kernel.
var unwanted = []string{"tools/", "Documentation/", "samples/", "scripts/"}

// kernelFile reports whether a file is C of the kernel.
func kernelFile(file string) bool {
	ext := path.Ext(file)
	return (ext == ".c" || ext == ".h") && !slices.ContainsFunc(unwanted, func(d string) bool { return strings.HasPrefix(file, d) })
}

// addedLines returns the lines that the series adds to the kernel.
func addedLines(ctx context.Context, src *tree.Source) (mutate.Added, error) {
	diff, err := src.Diff(ctx, []string{"-U0"})
	if err != nil {
		return nil, err
	}
	return mutate.ParseAdded(diff, kernelFile)
}

// compare finds the functions that the series adds or changes outside of the model.
func (r *Result) compare(ctx context.Context, src *tree.Source, p *program) error {
	added, err := addedLines(ctx, src)
	if err != nil {
		return err
	}
	read := treeFile(src)
	covered := p.covers()
	for file, lines := range added {
		text, err := read(ctx, file)
		if err != nil {
			return err
		}
		if text == nil {
			continue
		}
		for _, f := range schema.Functions(*text) {
			if !touches(f, lines) || covers(covered, f) {
				continue
			}
			if why := excluded(f.Name); why != "" {
				r.Outside = append(r.Outside, file+": "+f.Name+": "+why)
				continue
			}
			r.Uncovered = append(r.Uncovered, file+": "+f.Name)
		}
	}
	slices.Sort(r.Outside)
	slices.Sort(r.Uncovered)
	return nil
}

func touches(f schema.Function, lines map[int]bool) bool {
	for line := f.Line; line <= f.Last; line++ {
		if lines[line] {
			return true
		}
	}
	return false
}

// covers reports whether the model contains a function. A second, empty variant
// for a kernel without the option has the same name.
func covers(covered map[string][]schema.Function, f schema.Function) bool {
	for _, list := range covered {
		if slices.ContainsFunc(list, func(c schema.Function) bool { return c.Name == f.Name }) {
			return true
		}
	}
	return false
}
