// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package matrix plans the cells of the workbench. It estimates what each cell
// costs from the records of earlier runs. It splits cells that cost too much
// into shards of equal cost. It also computes how long a plan takes on a given
// number of workers.
package matrix

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"xpsgen/vmtest/arch"
	"xpsgen/vmtest/cell"
	"xpsgen/vmtest/mutants"
	"xpsgen/vmtest/plan"
	"xpsgen/vmtest/runs"
	"xpsgen/vmtest/tree/manifest"
)

// What a plan can be for.
const (
	ForPR      = "pr"
	ForNightly = "nightly"
	ForAll     = "all"
)

// Purposes lists what a plan can be for.
func Purposes() []string { return []string{ForPR, ForNightly, ForAll} }

// Options say what to plan.
type Options struct {
	// Root is the workbench.
	Root string
	// For is one of [Purposes].
	For string
	// Kinds, Bases, Series and Configs keep only cells with one of these. Empty keeps
	// all. "default" is the configuration without fragments, and "all" as a series is
	// a cell of the whole stack.
	Kinds, Bases, Series, Configs []string
	// Arches keeps only cells with a guest of one of these architectures.
	Arches []string
	// MaxCost is the maximum estimated time of a cell. A cell that takes longer is split
	// into shards, if its kind has items to split. 0 does not split.
	MaxCost time.Duration
	// Seed selects the sample of mutants in a plan for a pull request.
	Seed int64
	// Records are earlier runs, the newest first, for the estimates.
	Records []*runs.Record
}

// ErrEmpty is wrapped when the filters leave no cell.
var ErrEmpty = errors.New("no cell")

// New plans the cells.
func New(ctx context.Context, opt Options) (*cell.Plan, error) {
	c, err := manifest.LoadChange(opt.Root)
	if err != nil {
		return nil, err
	}
	m := &maker{opt: opt, change: c, costs: newCosts(opt.Records), digests: map[string]string{}}
	if m.kernel = c.Guest(manifest.GuestKernel); m.kernel == nil || len(m.kernel.Bases) == 0 {
		return nil, fmt.Errorf("%w: the workbench has no kernel base", ErrEmpty)
	}
	for _, l := range lanes {
		if l.in(opt.For) {
			if err := m.lane(ctx, l); err != nil {
				return nil, fmt.Errorf("plan the cells of %s: %w", l.kind, err)
			}
		}
	}
	if len(m.cells) == 0 {
		return nil, fmt.Errorf("%w of the plan for %s matches the filters", ErrEmpty, opt.For)
	}
	p := &cell.Plan{Version: cell.PlanVersion, For: opt.For, Cells: m.cells}
	p.Commit, p.Dirty = runs.Workbench(ctx, opt.Root)
	return p, nil
}

// maker collects the cells of a plan.
type maker struct {
	opt     Options
	change  *manifest.Change
	kernel  *manifest.Project
	costs   *costs
	digests map[string]string
	cells   []*cell.Cell
}

// lane adds the cells of a lane.
func (m *maker) lane(ctx context.Context, l lane) error {
	switch l.each {
	case eachOnce:
		return m.add(ctx, l, cell.Cell{})
	case eachThread, eachMail:
		return m.threads(ctx, l)
	case eachPatch:
		for i := range m.kernel.Bases {
			if err := m.patches(ctx, l, &m.kernel.Bases[i]); err != nil {
				return err
			}
		}
		return nil
	}
	for i, b := range m.kernel.Bases {
		if l.each == eachFirst && i > 0 {
			break
		}
		if err := m.add(ctx, l, cell.Cell{Base: b.Name, Config: l.config}); err != nil {
			return err
		}
	}
	return nil
}

// threads adds a cell for each series to submit, or for each of its patches.
func (m *maker) threads(ctx context.Context, l lane) error {
	for _, t := range m.change.Threads() {
		if !t.Submitted() {
			continue
		}
		c := cell.Cell{Series: t.Series.Key, Base: t.Base.Name}
		if l.each == eachThread {
			if err := m.add(ctx, l, c); err != nil {
				return err
			}
			continue
		}
		for n := range t.Series.On(t.Base.Name).Patches {
			c.Patch = n + 1
			if err := m.add(ctx, l, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// patches adds a cell for each patch of the stacks on a kernel base: those of
// the kernel and those of ip.
func (m *maker) patches(ctx context.Context, l lane, b *manifest.Base) error {
	for _, p := range m.change.Projects {
		on := b.Name
		if p != m.kernel {
			if p.Guest != manifest.GuestIP {
				continue
			}
			bases := p.BasesFor(b.Name)
			if len(bases) == 0 {
				continue
			}
			on = bases[0].Name
		}
		stack, err := p.Stack(on, manifest.Selection{})
		if err != nil {
			return err
		}
		for _, s := range stack {
			for n := range s.On(on).Patches {
				if err := m.add(ctx, l, cell.Cell{Base: b.Name, Series: s.Key, Patch: n + 1}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// items are what a cell of the lane can be split into; nil if it cannot.
func (m *maker) items(l lane, base string) ([]string, error) {
	switch l.kind {
	case "suite":
		return plan.Names("")
	case "mutants":
		all, err := mutants.Load(m.opt.Root, filepath.Join(m.opt.Root, "vmtest", "mutants"), base, l.mutants)
		if err != nil {
			return nil, err
		}
		all, _ = mutants.For(all, l.config)
		var names []string
		for _, one := range mutants.Sample(all, l.sample, m.opt.Seed) {
			names = append(names, one.Name)
		}
		return names, nil
	}
	return nil, nil
}

// add adds a cell, or its shards, if the filters keep it.
func (m *maker) add(ctx context.Context, l lane, c cell.Cell) error {
	c.Kind, c.Arch, c.Attempt = l.kind, cmp.Or(l.arch, arch.Amd64), 1
	if !m.keeps(&c) {
		return nil
	}
	if err := m.identify(ctx, l, &c); err != nil {
		return err
	}
	items, err := m.items(l, c.Base)
	if err != nil {
		return err
	}
	total, from := m.costs.whole(&c)
	list := []cell.Cell{c}
	chosen := l.sample > 0 || len(l.mutants) > 0
	if len(items) > 0 {
		list, total, from = m.costs.shards(c, items, m.opt.MaxCost, chosen)
	}
	for i := range list {
		one := &list[i]
		if len(list) == 1 {
			one.CostSeconds, one.CostFrom = total, from
		}
		one.Name = one.ID()
		m.cells = append(m.cells, one)
	}
	return nil
}

// keeps reports whether the filters keep a cell.
func (m *maker) keeps(c *cell.Cell) bool {
	match := func(list []string, value string) bool { return len(list) == 0 || slices.Contains(list, value) }
	series, config := c.Series, strings.Join(c.Config, "+")
	if series == "" {
		series = "all"
	}
	if config == "" {
		config = "default"
	}
	return match(m.opt.Kinds, c.Kind) && match(m.opt.Bases, c.Base) && match(m.opt.Series, series) && match(m.opt.Configs, config) && match(m.opt.Arches, c.Arch)
}

// identify fills in the digests of what goes into the cell.
func (m *maker) identify(ctx context.Context, l lane, c *cell.Cell) error {
	subject := c.Subject(m.kernel.Bases[0].Name)
	var err error
	if c.Inputs, err = m.digest(ctx, c.RunKind(), subject); err != nil {
		return err
	}
	if l.kernel {
		if c.Cache, err = m.digest(ctx, runs.Builds, subject); err != nil {
			return err
		}
		c.Cache, c.BuildSeconds = c.Cache[:16], buildSeconds(c.Config)
	}
	return nil
}

// digest hashes the inputs of a kind of run, once for each subject.
func (m *maker) digest(ctx context.Context, kind runs.Kind, subject runs.Subject) (string, error) {
	key := fmt.Sprintf("%s %+v", kind, subject)
	if d, ok := m.digests[key]; ok {
		return d, nil
	}
	in, err := runs.Present(ctx, m.opt.Root, kind, subject, "")
	if err != nil {
		return "", err
	}
	m.digests[key] = cell.Digest(in)
	return m.digests[key], nil
}
