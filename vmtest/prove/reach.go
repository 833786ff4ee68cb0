// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prove

import (
	"path"
	"slices"

	"xpsgen/vmtest/lazyregexp"
	"xpsgen/vmtest/mutate/schema"
)

// reach tells which operations may run a function.
type reach struct {
	list []operation
	// by are the functions that an operation may run, by its name.
	by map[string]map[string]bool
}

var identPattern = lazyregexp.New(`[A-Za-z_]\w*`)

// reach follows the names that functions mention. It finds too many rather than too few:
// operations on links reach all functions of the file with their callbacks.
func (p *program) reach(ops []operation) (*reach, error) {
	mentions := map[string][]string{}
	var callbacks []string
	note := func(f schema.Function) {
		mentions[f.Name] = append(mentions[f.Name], identPattern.FindAllString(f.Text, -1)...)
	}
	for _, t := range parts {
		for _, c := range t.cuts {
			for _, name := range c.functions {
				if _, f := p.find(c, name); f.Name != "" {
					note(f)
					if c.whole {
						callbacks = append(callbacks, name)
					}
				}
			}
		}
	}
	for _, name := range slices.Concat(headers, sources) {
		data, err := model.ReadFile(path.Join("model", name))
		if err != nil {
			return nil, err
		}
		for _, f := range schema.Functions(string(data)) {
			note(f)
			if name == "link.c" {
				mentions[f.Name] = append(mentions[f.Name], callbacks...)
			}
		}
	}
	r := &reach{list: ops, by: map[string]map[string]bool{}}
	for _, op := range ops {
		seen := map[string]bool{}
		var walk func(name string)
		walk = func(name string) {
			if seen[name] {
				return
			}
			seen[name] = true
			for _, m := range mentions[name] {
				walk(m)
			}
		}
		walk(op.name)
		r.by[op.name] = seen
	}
	return r, nil
}

// ops returns the operations that may run a function.
func (r *reach) ops(name string) []operation {
	var all []operation
	for _, op := range r.list {
		if r.by[op.name][name] {
			all = append(all, op)
		}
	}
	return all
}
