// SPDX-License-Identifier: GPL-2.0-only OR MIT

package reach

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/mutate"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/tree"
)

// part is a program whose lines are counted: the kernel or ip.
type part struct {
	name string
	// wanted are the directories whose code the guest runs. unwanted are exceptions.
	wanted, unwanted []string
	// object is the makefile line that makes gcc count the lines of one object. NAME in it
	// is replaced by the name of the object without suffix.
	object string
	// always is added to a makefile even if no object of the directory counts.
	always map[string]string
}

var kernelPart = part{
	name:   "kernel",
	wanted: []string{"."}, unwanted: []string{"tools", "Documentation", "samples", "scripts"},
	object: "GCOV_PROFILE_NAME.o := y\n",
}

// User space needs no optimization, and without it gcc counts each line by itself.
var ipPart = part{
	name:   "ip",
	wanted: []string{"ip", "lib", "include"},
	object: "NAME.o: CFLAGS += -O0 --coverage\n",
	always: map[string]string{"ip/Makefile": "LDLIBS += --coverage\n"},
}

// has reports whether the guest runs code of the file.
func (p *part) has(file string) bool {
	in := func(dirs []string) bool {
		return slices.ContainsFunc(dirs, func(d string) bool { return d == "." || strings.HasPrefix(file, d+"/") })
	}
	return (strings.HasSuffix(file, ".c") || strings.HasSuffix(file, ".h") && !strings.Contains(file, "uapi/")) &&
		in(p.wanted) && !in(p.unwanted)
}

// program is a patched tree with the lines that the series add.
type program struct {
	part *part
	tree *tree.Source
	// added are the lines in the files whose code the guest runs.
	added mutate.Added
	// apart are the other C files with added lines, with the number of these.
	apart map[string]int
}

// ErrSource is wrapped by the error for a source that has no base to compare with.
var ErrSource = errors.New("lines of a series need a base and its series")

// open reads which lines the series of s add.
func open(ctx context.Context, s *prepare.Source) ([]*program, error) {
	if s.KernelDir != "" || s.IPDir != "" || s.Unpatched {
		return nil, fmt.Errorf("%w: leave out --kernel, --iproute2 and --unpatched", ErrSource)
	}
	kernel, err := s.OpenKernel(ctx)
	if err != nil {
		return nil, err
	}
	k, err := newProgram(ctx, &kernelPart, kernel)
	if err != nil {
		return nil, err
	}
	ip, err := s.OpenIP(ctx)
	if err != nil || ip == nil {
		return []*program{k}, err
	}
	i, err := newProgram(ctx, &ipPart, ip)
	return []*program{k, i}, err
}

func newProgram(ctx context.Context, p *part, t *tree.Source) (*program, error) {
	diff, err := t.Diff(ctx, []string{"-U0"})
	if err != nil {
		return nil, err
	}
	isC := func(file string) bool { return strings.HasSuffix(file, ".c") || strings.HasSuffix(file, ".h") }
	all, err := mutate.ParseAdded(diff, isC)
	if err != nil {
		return nil, err
	}
	g := &program{part: p, tree: t, added: mutate.Added{}, apart: map[string]int{}}
	for file, lines := range all {
		if p.has(file) {
			g.added[file] = lines
		} else {
			g.apart[file] = len(lines)
		}
	}
	return g, nil
}

// instrument writes a patch to dir that makes gcc count the lines of the C
// files that the series touch. Static inlines of headers are counted in these
// files.
func (g *program) instrument(ctx context.Context, dir string) (file string, err error) {
	lines := map[string]string{}
	for file := range g.added {
		if !strings.HasSuffix(file, ".c") {
			continue
		}
		makefile := path.Join(path.Dir(file), "Makefile")
		lines[makefile] += strings.ReplaceAll(g.part.object, "NAME", strings.TrimSuffix(path.Base(file), ".c"))
	}
	var edits []tree.Edit
	for makefile, text := range lines {
		// The order of the files must not change the patch.
		sorted := strings.SplitAfter(text, "\n")
		slices.Sort(sorted)
		lines[makefile] = strings.Join(sorted, "")
	}
	for makefile, text := range g.part.always {
		lines[makefile] += text
	}
	for makefile, text := range lines {
		before, err := g.tree.Show(ctx, makefile)
		if err != nil {
			return "", err
		}
		edits = append(edits, tree.Edit{File: makefile, Before: string(before), After: string(before) + text})
	}
	file = filepath.Join(dir, g.part.name+"-gcov.patch")
	return file, tree.WritePatch(ctx, file, "count the lines that run", edits)
}
