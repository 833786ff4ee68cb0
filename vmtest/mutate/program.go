// SPDX-License-Identifier: GPL-2.0-only OR MIT

package mutate

import (
	"context"
	"embed"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/mutate/schema"
	"xpsgen/vmtest/tree"
)

//go:embed support
var support embed.FS

// part is a program with mutants: the kernel or ip.
type part struct {
	name string
	// include is the line that makes XMUT() known.
	include string
	// files are the support files of the mutants, by path in the tree.
	files map[string]string
	// head returns the definitions to put before the text of the header.
	head func(end int) string
	// makefile gets line at its end.
	makefile, line string
	// wanted are the directories to build. unwanted are exceptions.
	wanted, unwanted []string
}

var kernelPart = part{
	name:     "kernel",
	include:  "#include <linux/xmut.h>\n",
	files:    map[string]string{"include/linux/xmut.h": "kernel.h", "net/core/xmut.c": "kernel.c"},
	head:     func(end int) string { return fmt.Sprintf("#define XMUT_END %d\n", end) },
	makefile: "net/core/Makefile", line: "obj-y += xmut.o\n",
	wanted: []string{"."}, unwanted: []string{"tools", "Documentation", "samples", "scripts"},
}

var ipPart = part{
	name:     "ip",
	include:  "#include \"xmut.h\"\n",
	files:    map[string]string{"include/xmut.h": "ip.h", "lib/xmut.c": "ip.c"},
	head:     func(int) string { return fmt.Sprintf("#define XMUT_FILE %q\n", wire.MutantFile) },
	makefile: "lib/Makefile", line: "UTILOBJ += xmut.o\nlibutil.a: xmut.o\n",
	wanted: []string{"ip", "lib"},
}

func (p *part) builds(file string) bool {
	in := func(dirs []string) bool {
		return slices.ContainsFunc(dirs, func(d string) bool { return d == "." || strings.HasPrefix(file, d+"/") })
	}
	return strings.HasSuffix(file, ".c") && in(p.wanted) && !in(p.unwanted)
}

// program is a patched tree and the mutants of the lines that the patches add.
type program struct {
	part    *part
	tree    *tree.Source
	sources []*schema.Source
}

// newProgram makes the mutants of a tree, numbered from first on.
func newProgram(ctx context.Context, p *part, t *tree.Source, first int) (*program, error) {
	diff, err := t.Diff(ctx, []string{"-U0"})
	if err != nil {
		return nil, err
	}
	lines, err := ParseAdded(diff, p.builds)
	if err != nil {
		return nil, err
	}
	g := &program{part: p, tree: t}
	var files []string
	for f := range lines {
		files = append(files, f)
	}
	slices.Sort(files)
	for _, f := range files {
		text, err := t.Show(ctx, f)
		if err != nil {
			return nil, err
		}
		s := schema.Parse(f, string(text), func(line int) bool { return lines[f][line] }, first)
		first += len(s.Mutants)
		g.sources = append(g.sources, s)
	}
	return g, nil
}

// mutants lists all of the program.
func (g *program) mutants() []*schema.Mutant {
	var all []*schema.Mutant
	for _, s := range g.sources {
		all = append(all, s.Mutants...)
	}
	return all
}

// patch writes a patch that puts the mutants for which keep is true into the tree. end is
// one more than the highest number of any program.
func (g *program) patch(ctx context.Context, dir string, keep func(*schema.Mutant) bool, end int) (file string, err error) {
	var edits []tree.Edit
	for _, s := range g.sources {
		text := s.Text
		if slices.ContainsFunc(s.Mutants, keep) {
			text = g.part.include + s.Render(keep)
		}
		edits = append(edits, tree.Edit{File: s.File, Before: s.Text, After: text})
	}
	for name, from := range g.part.files {
		text, err := support.ReadFile(path.Join("support", from))
		if err != nil {
			return "", fmt.Errorf("write mutants: %w", err)
		}
		if strings.HasSuffix(name, ".h") {
			text = append([]byte(g.part.head(end)), text...)
		}
		edits = append(edits, tree.Edit{File: name, After: string(text)})
	}
	makefile, err := g.tree.Show(ctx, g.part.makefile)
	if err != nil {
		return "", err
	}
	edits = append(edits, tree.Edit{File: g.part.makefile, Before: string(makefile), After: string(makefile) + g.part.line})
	file = filepath.Join(dir, g.part.name+"-mutants.patch")
	return file, tree.WritePatch(ctx, file, "mutants of the lines that the series adds", edits)
}

// near returns the mutants that an error of the compiler on a line belongs to.
// They are those on that line, or else the last one before it that is not
// refused yet. line counts in the file with mutants. The log may name the file
// without its directories.
func (g *program) near(file string, line int, refused map[int]bool) []*schema.Mutant {
	line-- // the include
	for _, s := range g.sources {
		if s.File != file && !strings.HasSuffix(s.File, "/"+file) {
			continue
		}
		var on []*schema.Mutant
		var last *schema.Mutant
		for _, m := range s.Mutants {
			switch {
			case refused[m.ID]:
			case m.Line <= line && line <= m.Last:
				on = append(on, m)
			case m.Last < line && (last == nil || last.Last <= m.Last):
				last = m
			}
		}
		if len(on) == 0 && last != nil {
			on = append(on, last)
		}
		return on
	}
	return nil
}
