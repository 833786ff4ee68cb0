// SPDX-License-Identifier: GPL-2.0-only OR MIT

package series

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"xpsgen/gen/series/patch"
	"xpsgen/vmtest/tree/manifest"
)

// Directories of the two series in a workbench.
const (
	KernelDir   = "kernel-patches"
	IPRoute2Dir = "iproute2-patches"
)

// Change is one change over two projects.
type Change struct {
	// Root is the workbench's directory.
	Root string
	// Kernel and IPRoute2 are its halves.
	Kernel, IPRoute2 *Series
}

// Series is one half of a change: the patches to one project.
type Series struct {
	// Manifest is series.toml as it is.
	Manifest *manifest.Series
	// Dir is the series' directory.
	Dir string
	// Title, Project, Version, Prefix, Trees, Recipients and Attribution are
	// the manifest's.
	Title, Project string
	Version        int
	Prefix         string
	Trees          []manifest.Tree
	Recipients     manifest.Recipients
	Attribution    manifest.Attribution
	// Bases are in the manifest's order.
	Bases []*Base
	// Cover is the cover letter's text; empty if there is none yet.
	Cover string
	// Changelog has an entry per version.
	Changelog Changelog
	// Sent are the versions that were sent, the oldest first.
	Sent []*Posting
}

// Base is the series on one base.
type Base struct {
	// Name, Role and Commit are the manifest's.
	Name   string
	Role   manifest.Role
	Commit string
	// Tree is the maintainers' tree that the base stands for; nil if the
	// manifest names none.
	Tree *manifest.Tree
	// Dir is the folder of the patches.
	Dir string
	// Patches are in the order of application.
	Patches []*Patch
}

// Patch is one step of a series on one base.
type Patch struct {
	*patch.Patch
	// Key names the step, the same on every base and in every version.
	Key string
	// Path is where the file is.
	Path string
	// Raw is the file as it is.
	Raw []byte
}

// Load reads both series below root.
func Load(root string) (*Change, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("load series: %w", err)
	}
	c := &Change{Root: root}
	if c.Kernel, err = LoadSeries(filepath.Join(root, KernelDir)); err != nil {
		return nil, err
	}
	if c.IPRoute2, err = LoadSeries(filepath.Join(root, IPRoute2Dir)); err != nil {
		return nil, err
	}
	return c, nil
}

// LoadSeries reads the series in dir.
func LoadSeries(dir string) (*Series, error) {
	m, err := manifest.Load(dir)
	if err != nil {
		return nil, err
	}
	s := &Series{
		Manifest: m, Dir: m.Dir, Title: m.Title, Project: m.Project, Version: m.Version, Prefix: m.Prefix,
		Trees: m.Trees, Recipients: m.Recipients, Attribution: m.Attribution,
	}
	for i := range m.Bases {
		b, err := loadBase(m, &m.Bases[i])
		if err != nil {
			return nil, err
		}
		s.Bases = append(s.Bases, b)
	}
	if s.Cover, err = loadCover(s.Dir, s.Title); err != nil {
		return nil, err
	}
	if s.Changelog, err = loadChangelog(s.Dir); err != nil {
		return nil, err
	}
	if s.Sent, err = loadPostings(s.Dir); err != nil {
		return nil, err
	}
	return s, nil
}

func loadBase(m *manifest.Series, mb *manifest.Base) (*Base, error) {
	b := &Base{Name: mb.Name, Role: mb.Role, Commit: mb.Commit, Dir: filepath.Join(m.Dir, mb.Name)}
	for i := range m.Trees {
		if m.Trees[i].Name == mb.Tree || mb.Tree == "" && i == 0 {
			b.Tree = &m.Trees[i]
		}
	}
	for _, mp := range mb.Patches {
		p, err := loadPatch(mp.Path)
		if err != nil {
			return nil, err
		}
		p.Key = mp.Key
		b.Patches = append(b.Patches, p)
	}
	return b, nil
}

func loadPatch(path string) (*Patch, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("load series: %w", err)
	}
	p, err := patch.Parse(data)
	if err != nil {
		return nil, &FileError{File: path, Err: err}
	}
	return &Patch{Patch: p, Path: path, Raw: data}, nil
}

// ErrNotCanonical is wrapped where a patch file is not as the workbench writes
// it: edited by hand, or made with other options.
var ErrNotCanonical = errors.New("not canonical")

// CheckCanonical fails if the file is not what Format makes of it.
func (p *Patch) CheckCanonical() error {
	want, err := p.Format()
	if err != nil {
		return &FileError{File: p.Path, Err: err}
	}
	if bytes.Equal(want, p.Raw) {
		if err := p.CheckStat(); err != nil {
			return &FileError{File: p.Path, Err: fmt.Errorf("%w: %w", ErrNotCanonical, err)}
		}
		return nil
	}
	have, should := strings.Split(string(p.Raw), "\n"), strings.Split(string(want), "\n")
	for i := range have {
		if i >= len(should) {
			return &FileError{File: p.Path, Err: fmt.Errorf("%w: line %d, %q, should not be there", ErrNotCanonical, i+1, have[i])}
		}
		if have[i] != should[i] {
			return &FileError{File: p.Path, Err: fmt.Errorf("%w: line %d: %q should be %q", ErrNotCanonical, i+1, have[i], should[i])}
		}
	}
	return &FileError{File: p.Path, Err: fmt.Errorf("%w: its end is missing", ErrNotCanonical)}
}

// All are both series.
func (c *Change) All() []*Series { return []*Series{c.Kernel, c.IPRoute2} }

// Base finds the base called name, in either series. A name that both have is
// written with the project before it: "linux/6.12".
func (c *Change) Base(name string) (*Series, *Base, error) {
	var (
		names  []string
		series *Series
		base   *Base
	)
	for _, s := range c.All() {
		for _, b := range s.Bases {
			names = append(names, b.Name)
			switch name {
			case s.Project + "/" + b.Name:
				return s, b, nil
			case b.Name:
				if base != nil {
					return nil, nil, fmt.Errorf("base %q: both series have one: write %s/%s or %s/%s", name,
						series.Project, name, s.Project, name)
				}
				series, base = s, b
			}
		}
	}
	if base == nil {
		return nil, nil, fmt.Errorf("%w %q (there is %s)", ErrNoBase, name, strings.Join(names, ", "))
	}
	return series, base, nil
}

// ErrNoBase is wrapped where no base has the name asked for.
var ErrNoBase = errors.New("no base")

// Base returns the base called name, nil if there is none.
func (s *Series) Base(name string) *Base {
	for _, b := range s.Bases {
		if b.Name == name {
			return b
		}
	}
	return nil
}

// Submit returns the base that is sent, nil if there is none.
func (s *Series) Submit() *Base {
	for _, b := range s.Bases {
		if b.Role == manifest.Submit {
			return b
		}
	}
	return nil
}

// Patch returns the patch with the key, nil if there is none.
func (b *Base) Patch(key string) *Patch {
	for _, p := range b.Patches {
		if p.Key == key {
			return p
		}
	}
	return nil
}
