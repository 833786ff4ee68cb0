// SPDX-License-Identifier: GPL-2.0-only OR MIT

package bisect

import (
	"context"
	"fmt"
	"slices"

	"xpsgen/vmtest/plan"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/tree"
	"xpsgen/vmtest/tree/manifest"
)

// Plan lists the steps of a walk: first through the series on the kernel base of s, then
// through those on ip's base. Each step is one patch, on top of the series that its
// series is based on. keys selects series; none means all series of the stacks.
func Plan(ctx context.Context, s prepare.Source, keys ...string) ([]*Step, error) {
	c, err := manifest.LoadChange(s.Root)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if _, found := c.Find(k); found == nil {
			return nil, fmt.Errorf("%w: no series %q", manifest.ErrNoThread, k)
		}
	}
	p := &planner{change: c, source: s, keys: keys}
	if p.tests, err = plan.Names(""); err != nil {
		return nil, err
	}
	if p.kernel, err = s.OpenKernel(ctx); err != nil {
		return nil, err
	}
	if p.ip, err = s.OpenIP(ctx); err != nil {
		return nil, err
	}
	var all []*Step
	for _, src := range []*tree.Source{p.kernel, p.ip} {
		if src == nil {
			continue
		}
		steps, err := p.project(src)
		if err != nil {
			return nil, err
		}
		all = append(all, steps...)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: no patch to test on base %s", manifest.ErrNoThread, s.BaseName())
	}
	if len(keys) == 0 {
		p.unproven(all)
	}
	return all, nil
}

// planner computes the steps of a walk.
type planner struct {
	change     *manifest.Change
	source     prepare.Source
	keys       []string
	tests      []string
	kernel, ip *tree.Source
}

// project returns the steps of one project.
func (p *planner) project(src *tree.Source) (all []*Step, err error) {
	project := p.change.Project(src.Project)
	stack, err := project.Stack(src.Base, manifest.Selection{})
	if err != nil {
		return nil, err
	}
	for i := range project.Series {
		// Walk through an alternative only if it is named.
		if s := &project.Series[i]; s.Role == manifest.Alternative && s.On(src.Base) != nil && slices.Contains(p.keys, s.Key) {
			stack = append(stack, s)
		}
	}
	for _, s := range stack {
		if len(p.keys) > 0 && !slices.Contains(p.keys, s.Key) {
			continue
		}
		steps, err := p.series(project, s, src)
		if err != nil {
			return nil, err
		}
		all = append(all, steps...)
	}
	return all, nil
}

// series returns the steps of one series.
func (p *planner) series(project *manifest.Project, s *manifest.Series, src *tree.Source) (steps []*Step, err error) {
	below := project.Foundation(src.Base, s.Key)
	patches := s.On(src.Base).Patches
	have := map[string]bool{}
	note := func(list []tree.Patch) {
		for _, q := range list {
			have[q.Key], have[q.Step()] = true, true
		}
	}
	note(below)
	// kernel selects the kernel patches for the steps of another project.
	kernel := manifest.Selection{}
	base := false
	if src != p.kernel {
		if kernel.Only = p.needed(s); len(kernel.Only) == 0 {
			base = true
		}
		k := p.change.Project(p.kernel.Project)
		if !base {
			list, err := k.Patches(p.kernel.Base, kernel)
			if err != nil {
				return nil, err
			}
			note(list)
			if len(list) == len(p.kernel.Patches) {
				kernel = manifest.Selection{} // same as the whole stack
			}
		}
	}
	for i, q := range patches {
		st := &Step{Base: p.source.BaseName(), SeriesBase: src.Base, Project: src.Project, Series: s.Key, Version: src.Version,
			N: i + 1, Total: len(patches), Key: q.Key, File: q.File}
		st.isKernel = src == p.kernel
		st.first = len(below) + i + 1
		st.bare = base
		if st.isKernel {
			st.selection = manifest.Selection{Only: []string{s.Key}}
			note(patches[:i+1])
		} else {
			st.selection = manifest.Selection{Only: []string{s.Key}}
			st.kernel = kernel
		}
		whole, err := project.Patches(src.Base, manifest.Selection{})
		if err != nil {
			return nil, err
		}
		if st.first == len(whole) && s.Role != manifest.Alternative {
			// Every other command builds the whole stack too, so share the tree.
			st.whole = true
		}
		for _, t := range p.tests {
			test, _ := plan.Find(t)
			if test.Needs == "" || have[test.Needs] && (st.isKernel || featured(s, patches, i)) {
				st.Tests = append(st.Tests, t)
			}
		}
		steps = append(steps, st)
	}
	if len(steps) > 0 && s.Tests != "" {
		last := steps[len(steps)-1]
		want, err := plan.Names(s.Tests)
		if err != nil {
			return nil, fmt.Errorf("tests of series %s in series.toml: %w", s.Key, err)
		}
		if list := missing(want, last.Tests); len(list) > 0 {
			last.Reasons = append(last.Reasons, fmt.Sprintf("%d tests of the series need a patch that it lacks: %s", len(list), plan.List(list)))
		}
	}
	return steps, nil
}

// featured reports whether the first n+1 patches of a series include its feature patch.
// Tests can use the change from that patch on.
func featured(s *manifest.Series, patches []manifest.Patch, n int) bool {
	i := slices.IndexFunc(patches, func(q manifest.Patch) bool { return q.Key == s.Feature })
	if i < 0 {
		i = len(patches) - 1
	}
	return n >= i
}

// needed returns the kernel series that a series of another project is based on, directly
// or through other series of its project.
func (p *planner) needed(s *manifest.Series) (keys []string) {
	seen := map[string]bool{}
	var walk func(key string)
	walk = func(key string) {
		if seen[key] {
			return
		}
		seen[key] = true
		project, o := p.change.Find(key)
		if o == nil {
			return
		}
		if project.Name == p.kernel.Project {
			if o.On(p.kernel.Base) != nil {
				keys = append(keys, key)
			}
			return
		}
		for _, on := range o.Stands {
			walk(on)
		}
	}
	walk(s.Key)
	return keys
}

// unproven adds a reason to the kernel's last step if some tests are in no step.
func (p *planner) unproven(steps []*Step) {
	var last *Step
	var some []string
	for _, st := range steps {
		some = append(some, st.Tests...)
		if st.isKernel {
			last = st
		}
	}
	if last == nil {
		return
	}
	if list := missing(p.tests, some); len(list) > 0 {
		last.Reasons = append(last.Reasons, fmt.Sprintf("%d tests need a patch that no series has: %s", len(list), plan.List(list)))
	}
}

// missing returns the elements of all that some lacks.
func missing(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(t string) bool { return slices.Contains(some, t) })
}
