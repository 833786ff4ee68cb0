// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prove

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/lazyregexp"
	"xpsgen/vmtest/mutate/schema"
)

//go:embed model
var model embed.FS

// headers come before the functions, sources after them.
var (
	headers = []string{"kernel.h", "bpf.h", "net.h", "netlink.h"}
	sources = []string{"state.h", "rtnetlink.c", "link.c", "device.c", "main.c"}
	// sourceOf are sources that only go with a part.
	sourceOf = map[string]string{"rtnetlink.c": "NETLINK", "link.c": "LINK"}
)

// ErrMissing is wrapped by the error for a tree that lacks a function of the table.
var ErrMissing = errors.New("not in the patched tree")

// program is the C program that CBMC checks.
type program struct {
	// files are the sources of the tree that the parts need, by name. A file that the
	// tree lacks is nil.
	files map[string]*string
	// present are the names of the parts that the tree has, absent those of the others.
	present, absent []string
}

// load reads the files of the table. partial is for a tree with some patches of the stack:
// it may lack whole parts.
func load(ctx context.Context, show func(ctx context.Context, file string) (*string, error), partial bool) (*program, error) {
	p := &program{files: map[string]*string{}}
	for _, t := range append(slices.Clone(parts), part{cuts: []cut{mapQueue, tunMaps}}) {
		for _, c := range t.cuts {
			for _, file := range c.files {
				if _, have := p.files[file]; have {
					continue
				}
				text, err := show(ctx, file)
				if err != nil {
					return nil, err
				}
				p.files[file] = text
			}
		}
	}
	for _, t := range parts {
		missing := p.missing(t.cuts)
		switch {
		case partial && p.lacks(&t):
			p.absent = append(p.absent, t.name)
		case len(missing) == 0:
			p.present = append(p.present, t.name)
		default:
			return nil, fmt.Errorf("cut functions for the model: %s: %w (change the table in vmtest/prove/functions.go)",
				strings.Join(missing, ", "), ErrMissing)
		}
	}
	if len(p.missing([]cut{mapQueue})) == 0 {
		p.present = append(p.present, "MAP_QUEUE")
	}
	// A patch makes the function for drivers, a later one calls it.
	if len(p.missing([]cut{tunMaps})) == 0 && !(partial && !p.calls(tunSelect, tunMaps.functions[0])) {
		p.present = append(p.present, "TUN_MAPS")
	}
	return p, nil
}

// missing returns the functions of cuts that no file defines.
func (p *program) missing(cuts []cut) (missing []string) {
	for _, c := range cuts {
		for _, name := range c.functions {
			if file, _ := p.find(c, name); file == "" {
				missing = append(missing, c.files[0]+": "+name)
			}
		}
	}
	return missing
}

// lacks reports whether no file defines the mark of a part.
func (p *program) lacks(t *part) bool {
	return !slices.ContainsFunc(t.cuts, func(c cut) bool {
		file, _ := p.find(c, t.mark)
		return file != ""
	})
}

// calls reports whether a function mentions another.
func (p *program) calls(c cut, name string) bool {
	_, f := p.find(c, c.functions[0])
	return slices.Contains(identPattern.FindAllString(f.Text, -1), name)
}

// find returns the first definition of a function.
func (p *program) find(c cut, name string) (file string, f schema.Function) {
	for _, file := range c.files {
		text := p.files[file]
		if text == nil {
			continue
		}
		all := schema.Functions(*text)
		if i := slices.IndexFunc(all, func(f schema.Function) bool { return f.Name == name }); i >= 0 {
			return file, all[i]
		}
	}
	return "", schema.Function{}
}

// covers returns the functions that the model contains, by file.
func (p *program) covers() map[string][]schema.Function {
	all := map[string][]schema.Function{}
	for _, t := range parts {
		if !slices.Contains(p.present, t.name) {
			continue
		}
		for _, c := range t.cuts {
			for _, name := range c.functions {
				file, f := p.find(c, name)
				all[file] = append(all[file], f)
			}
		}
	}
	return all
}

var includePattern = lazyregexp.New(`(?m)^#include .*$`)

// text is the whole program. The compiler's messages and CBMC's name the lines of the tree.
func (p *program) text() string {
	var b strings.Builder
	for _, name := range p.present {
		fmt.Fprintf(&b, "#define PART_%s 1\n", name)
	}
	for _, h := range headers {
		fmt.Fprintf(&b, "#include %q\n", h)
	}
	for _, t := range parts {
		if !slices.Contains(p.present, t.name) {
			continue
		}
		for _, c := range t.cuts {
			if c.whole {
				file, _ := p.find(c, c.functions[0])
				fmt.Fprintf(&b, "\n#line 1 %q\n%s", file, includePattern.ReplaceAllString(*p.files[file], ""))
				continue
			}
			for _, name := range c.functions {
				file, f := p.find(c, name)
				fmt.Fprintf(&b, "\n#line %d %q\n%s\n", f.Line, file, f.Text)
			}
		}
	}
	b.WriteString("\n")
	for _, s := range sources {
		if need, ok := sourceOf[s]; !ok || slices.Contains(p.present, need) {
			fmt.Fprintf(&b, "#include %q\n", s)
		}
	}
	return b.String()
}

// mainFile is the name of the program's own text.
const mainFile = "prove.c"

// write puts the program and the model into dir.
func (p *program) write(dir string) error {
	for _, name := range slices.Concat(headers, sources) {
		data, err := model.ReadFile(path.Join("model", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o644)
		}
		if err != nil {
			return fmt.Errorf("write the model: %w", err)
		}
	}
	return cache.WriteFile(filepath.Join(dir, mainFile), []byte(p.text()), 0o644)
}

// operation is one that the model has: its number in main.c and its name.
type operation struct {
	number, name string
}

var operationPattern = lazyregexp.New(`(?m)^#(ifdef PART_(\w+)|endif)|^\tcase (\d+): (\w+)\(\)`)

// operations lists the operations of the parts that are present.
func (p *program) operations() ([]operation, error) {
	data, err := model.ReadFile("model/main.c")
	if err != nil {
		return nil, err
	}
	var all []operation
	need := ""
	for _, m := range operationPattern.FindAllStringSubmatch(string(data), -1) {
		switch {
		case m[3] == "":
			need = m[2]
		case need == "" || slices.Contains(p.present, need):
			all = append(all, operation{m[3], m[4]})
		}
	}
	return all, nil
}
