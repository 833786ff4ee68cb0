// SPDX-License-Identifier: GPL-2.0-only OR MIT

package manifest

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// ErrNoProject is wrapped by [LoadChange] if a root has no project.
var ErrNoProject = errors.New("no project")

// dirPattern finds the directories of projects below a root.
const dirPattern = "*-patches"

// Change is all projects of a root.
type Change struct {
	// Root is the directory.
	Root string
	// Projects are in the order of their directories' names, those that the
	// guest takes its kernel from first.
	Projects []*Project
}

// LoadChange reads the series.toml of each directory *-patches below root.
func LoadChange(root string) (*Change, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("load series: %w", err)
	}
	files, err := filepath.Glob(filepath.Join(root, dirPattern, Name))
	if err != nil {
		return nil, fmt.Errorf("load series: %w", err)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("load series: %w: %s has no %s/%s", ErrNoProject, root, dirPattern, Name)
	}
	slices.Sort(files)
	c := &Change{Root: root}
	for _, f := range files {
		p, err := Load(filepath.Dir(f))
		if err != nil {
			return nil, err
		}
		c.Projects = append(c.Projects, p)
	}
	slices.SortStableFunc(c.Projects, func(a, b *Project) int {
		switch {
		case a.Guest == b.Guest:
			return 0
		case a.Guest == GuestKernel:
			return -1
		case b.Guest == GuestKernel:
			return 1
		}
		return 0
	})
	return c, c.check()
}

// check looks for contradictions between projects.
func (c *Change) check() error {
	names, guests, keys := map[string]*Project{}, map[Guest]*Project{}, map[string]*Project{}
	for _, p := range c.Projects {
		fail := func(format string, a ...any) error {
			return &Error{File: filepath.Join(p.Dir, Name), Msg: fmt.Sprintf(format, a...)}
		}
		if o := names[p.Name]; o != nil {
			return fail("project %q is in %s, too", p.Name, o.Dir)
		}
		names[p.Name] = p
		if o := guests[p.Guest]; o != nil && p.Guest != GuestNone {
			return fail("project %q and %q both are the guest's %s", o.Name, p.Name, p.Guest)
		}
		guests[p.Guest] = p
		for i := range p.Series {
			key := p.Series[i].Key
			if o := keys[key]; o != nil {
				return fail("series %q is in project %q, too: a key names one series of the whole change", key, o.Name)
			}
			keys[key] = p
		}
	}
	for _, p := range c.Projects {
		fail := func(format string, a ...any) error {
			return &Error{File: filepath.Join(p.Dir, Name), Msg: fmt.Sprintf(format, a...)}
		}
		if p.Scripts != "" && p.Scripts != NoScripts && names[p.Scripts] == nil {
			return fail("scripts: no project %q (there is %s)", p.Scripts, strings.Join(c.names(), ", "))
		}
		for _, b := range p.Bases {
			for _, name := range b.For {
				if k := guests[GuestKernel]; k == nil || findBase(k.Bases, name) == nil {
					return fail("base %q: for %q: the guest's kernel has no such base", b.Name, name)
				}
			}
		}
		for i := range p.Series {
			s := &p.Series[i]
			for _, on := range s.Stands {
				if keys[on] == nil {
					return fail("series %q: on: no series %q in any project", s.Key, on)
				}
			}
		}
	}
	return nil
}

func (c *Change) names() (names []string) {
	for _, p := range c.Projects {
		names = append(names, p.Name)
	}
	return names
}

// Guest returns the project that is a part of the guest, nil if none is.
func (c *Change) Guest(part Guest) *Project {
	for _, p := range c.Projects {
		if p.Guest == part {
			return p
		}
	}
	return nil
}

// Project returns the project called name, nil if there is none.
func (c *Change) Project(name string) *Project {
	for _, p := range c.Projects {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// Keys are the keys of all series.
func (c *Change) Keys() (keys []string) {
	for _, p := range c.Projects {
		for i := range p.Series {
			keys = append(keys, p.Series[i].Key)
		}
	}
	return keys
}

// Find returns the series with the key and its project; nil if there is none.
func (c *Change) Find(key string) (*Project, *Series) {
	for _, p := range c.Projects {
		if s := p.Find(key); s != nil {
			return p, s
		}
	}
	return nil, nil
}

// BasesFor are the bases of a project for a kernel base, the preferred one
// first.
func (p *Project) BasesFor(kernel string) (list []*Base) {
	for i := range p.Bases {
		if slices.Contains(p.Bases[i].For, kernel) {
			list = append(list, &p.Bases[i])
		}
	}
	return list
}
