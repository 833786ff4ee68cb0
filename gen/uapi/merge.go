// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dave/jennifer/jen"
)

// section is the content of one file of the package: the definitions of one header
// that are the same on some targets.
type section struct {
	header  string
	license string
	sums    []string
	archs   []string // nil means all
	table   string   // name of its layouts

	groups   []Group
	typedefs []namedType
	enums    []*EnumType
	structs  []*goStruct
	alias    *goPackage
	with     []string
}

// namedType is a type of numbers with its name in Go.
type namedType struct {
	name, text string // in Go
	c          string // in C
	pos        Pos
	doc        []string
}

// merged is a package for one or several targets.
type merged struct {
	name     string
	archs    []string // nil for one target that need not be named
	sections []*section
}

// errMerge: the packages are not of one selection.
var errMerge = errors.New("packages of different selections")

// merge splits the packages of all targets into sections.
func merge(ps []*Package) (*merged, error) {
	if len(ps) == 0 {
		return nil, fmt.Errorf("%w: none", errMerge)
	}
	m := &merged{name: ps[0].Name}
	var layouts [][][]*goStruct
	for _, p := range ps {
		if p.Name != m.name || len(p.Headers) != len(ps[0].Headers) || len(ps) > 1 && p.Arch == "" {
			return nil, errMerge
		}
		layouts = append(layouts, arrange(p))
		if len(ps) > 1 {
			m.archs = append(m.archs, p.Arch)
		}
	}
	for i := range ps[0].Headers {
		h := &headerMerge{archs: m.archs, sections: make(map[string]*section)}
		for k, p := range ps {
			if p.Headers[i].Path != ps[0].Headers[i].Path {
				return nil, fmt.Errorf("%w: %s and %s", errMerge, p.Headers[i].Path, ps[0].Headers[i].Path)
			}
			h.packages = append(h.packages, p)
			h.headers = append(h.headers, p.Headers[i])
			h.structs = append(h.structs, layouts[k][i])
		}
		sections, err := h.merge()
		if err != nil {
			return nil, err
		}
		m.sections = append(m.sections, sections...)
	}
	return m, nil
}

// headerMerge merges one header; all slices are by target.
type headerMerge struct {
	archs    []string
	packages []*Package
	headers  []*Header
	structs  [][]*goStruct
	sections map[string]*section
	order    []string
}

// forms has the text of a symbol by target, "" for a target without it.
type forms []string

// archsOf returns the targets that have the same form as the k-th; nil if all have.
func (h *headerMerge) archsOf(f forms, k int) []string {
	if len(h.archs) == 0 {
		return nil
	}
	var out []string
	for i, text := range f {
		if text == f[k] {
			out = append(out, h.archs[i])
		}
	}
	if len(out) == len(f) {
		return nil
	}
	return out
}

// first reports whether the k-th target is the first with its form, which is
// the one that renders it. It is the only one if there are no forms.
func (f forms) first(k int) bool { return f == nil || slices.Index(f, f[k]) == k }

// section returns the section of some targets, and creates it if there is none.
func (h *headerMerge) section(archs []string) *section {
	key := strings.Join(archs, " ")
	s := h.sections[key]
	if s == nil {
		first := h.headers[0]
		table := exported(strings.TrimSuffix(goFileName(first.Path), fileSuffix))
		s = &section{header: first.Path, archs: archs, table: table, alias: h.packages[0].alias}
		for i, o := range h.headers {
			if len(archs) > 0 && !slices.Contains(archs, h.archs[i]) || o.SHA256 == "" {
				continue
			}
			if s.license == "" {
				s.license = o.License
			}
			for _, w := range slices.Concat(o.With, o.borrowed) {
				if !slices.Contains(s.with, w) {
					s.with = append(s.with, w)
				}
			}
			if !slices.Contains(s.sums, o.SHA256) {
				s.sums = append(s.sums, o.SHA256)
			}
		}
		h.sections[key] = s
		h.order = append(h.order, key)
	}
	return s
}

func (h *headerMerge) merge() ([]*section, error) {
	h.constants()
	h.typedefs()
	h.enums()
	if err := h.aggregates(); err != nil {
		return nil, err
	}
	slices.Sort(h.order) // the one for all first
	var out []*section
	for _, key := range h.order {
		out = append(out, h.sections[key])
	}
	return out, nil
}

// gather returns the forms of all symbols that each lists, by name. A single target
// has nothing to compare: all symbols are its own.
func (h *headerMerge) gather(each func(k int, add func(name, form string))) map[string]forms {
	if len(h.headers) == 1 {
		return nil
	}
	all := make(map[string]forms)
	for k := range h.headers {
		each(k, func(name, form string) {
			if all[name] == nil {
				all[name] = make(forms, len(h.headers))
			}
			all[name][k] = form
		})
	}
	return all
}

func (h *headerMerge) constants() {
	all := h.gather(func(k int, add func(name, form string)) {
		for _, g := range h.headers[k].Groups {
			for _, c := range g.Consts {
				add(c.goName(), g.typeOf(&c)+" "+c.Value.text())
			}
		}
	})
	for k, header := range h.headers {
		if all == nil && len(header.Groups) > 0 {
			s := h.section(nil)
			s.groups = append(s.groups, header.Groups...)
			continue
		}
		for _, g := range header.Groups {
			parts := make(map[*section]*Group)
			var order []*section
			for _, c := range g.Consts {
				f := all[c.goName()]
				if !f.first(k) {
					continue
				}
				s := h.section(h.archsOf(f, k))
				if parts[s] == nil {
					part := g
					part.Consts = nil
					parts[s] = &part
					order = append(order, s)
				}
				parts[s].Consts = append(parts[s].Consts, c)
			}
			for _, s := range order {
				s.groups = append(s.groups, *parts[s])
			}
		}
	}
}

// types returns the enums and typedefs of the k-th target.
func (h *headerMerge) types(k int) []namedType {
	var (
		out   []namedType
		names = h.packages[k].goNames
	)
	for _, e := range h.headers[k].EnumTypes {
		out = append(out, namedType{names[e.CName()], e.base(), e.CName(), e.Pos, e.Doc})
	}
	for _, t := range h.headers[k].Typedefs {
		out = append(out, namedType{names[t.Name], typedefText(t.Type), t.Name, t.Pos, t.Doc})
	}
	return out
}

func (h *headerMerge) typedefs() {
	all := h.gather(func(k int, add func(name, form string)) {
		for _, t := range h.types(k) {
			add(t.name, t.text)
		}
	})
	for k := range h.headers {
		for _, t := range h.types(k) {
			if f := all[t.name]; f.first(k) {
				s := h.section(h.archsOf(f, k))
				s.typedefs = append(s.typedefs, t)
			}
		}
	}
}

func (h *headerMerge) enums() {
	all := h.gather(func(k int, add func(name, form string)) {
		for _, e := range h.headers[k].Enums {
			form := enumBase(e)
			for _, c := range e.Consts {
				form += " " + c.goName() + "=" + c.Value.text()
			}
			add(e.Name, form)
		}
	})
	for k, header := range h.headers {
		for _, e := range header.Enums {
			if f := all[e.Name]; f.first(k) {
				s := h.section(h.archsOf(f, k))
				s.enums = append(s.enums, e)
			}
		}
	}
}

func (h *headerMerge) aggregates() error {
	var failed error
	all := h.gather(func(k int, add func(name, form string)) {
		for _, g := range h.structs[k] {
			form, err := structForm(g)
			failed = errors.Join(failed, err)
			add(g.name, form)
		}
	})
	if failed != nil {
		return failed
	}
	for k := range h.headers {
		for _, g := range h.structs[k] {
			if f := all[g.name]; f.first(k) {
				s := h.section(h.archsOf(f, k))
				s.structs = append(s.structs, g)
			}
		}
	}
	return nil
}

// structForm returns all that may differ between targets: code and layout.
func structForm(g *goStruct) (string, error) {
	f := jen.NewFile("x")
	f.NoFormat = true
	renderStruct(f, g)
	var b bytes.Buffer
	if err := f.Render(&b); err != nil {
		return "", fmt.Errorf("%s: render: %w", g.what, err)
	}
	var text strings.Builder
	for line := range strings.Lines(b.String()) {
		if code, _, _ := strings.Cut(line, "//"); strings.TrimSpace(code) != "" {
			text.WriteString(code)
		}
	}
	for _, n := range flatten(g) {
		layoutFacts(&text, n)
	}
	return text.String(), nil
}
