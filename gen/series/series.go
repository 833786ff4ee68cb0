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

// Change is all series of a workbench.
type Change struct {
	// Root is the workbench's directory.
	Root string
	// Manifest is the content of its series.toml files.
	Manifest *manifest.Change
	// Series are the series of all projects, those of the guest's kernel
	// first, in the order of the manifests.
	Series []*Series
}

// Series is one series of patches, on one or several bases.
type Series struct {
	// In is the project that the series is for. Manifest is the entry of the series in
	// series.toml.
	In       *manifest.Project
	Manifest *manifest.Series
	// Dir is the series' directory.
	Dir string
	// Key, Title, Role, Version, Prefix, Recipients and Attribution are the
	// manifest's. Project is the project's name.
	Key, Title, Project string
	Role                manifest.Role
	Version             int
	Prefix              string
	Recipients          manifest.Recipients
	Attribution         manifest.Attribution
	// Target is the tree that the series is for; nil means any.
	Target *manifest.Target
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
	// Dir is the directory of the patches.
	Dir string
	// Patches are in the order of application.
	Patches []*Patch
}

// Patch is one patch of a series on one base.
type Patch struct {
	*patch.Patch
	// Key identifies the patch. It is the same on every base and in every version.
	Key string
	// Path is where the file is.
	Path string
	// Raw is the content of the file.
	Raw []byte
}

// Load reads the series of all projects below root.
func Load(root string) (*Change, error) {
	m, err := manifest.LoadChange(root)
	if err != nil {
		return nil, err
	}
	c := &Change{Root: m.Root, Manifest: m}
	for _, p := range m.Projects {
		for i := range p.Series {
			s, err := LoadSeries(p, &p.Series[i])
			if err != nil {
				return nil, err
			}
			c.Series = append(c.Series, s)
		}
	}
	return c, nil
}

// LoadSeries reads one series of a project.
func LoadSeries(p *manifest.Project, ms *manifest.Series) (*Series, error) {
	s := &Series{
		In: p, Manifest: ms, Dir: filepath.Join(p.Dir, ms.Key), Key: ms.Key, Title: ms.Title, Project: p.Name,
		Role: ms.Role, Version: ms.Version, Prefix: ms.Prefix, Recipients: ms.Recipients, Attribution: ms.Attribution,
		Target: p.Target(ms.Target),
	}
	for i := range p.Bases {
		mb := &p.Bases[i]
		f := ms.On(mb.Name)
		if f == nil {
			continue
		}
		b := &Base{Name: mb.Name, Role: mb.Role, Commit: mb.Commit, Dir: filepath.Join(s.Dir, mb.Name)}
		for _, mp := range f.Patches {
			q, err := loadPatch(mp.Path)
			if err != nil {
				return nil, err
			}
			q.Key = mp.Key
			b.Patches = append(b.Patches, q)
		}
		s.Bases = append(s.Bases, b)
	}
	var err error
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

// ErrNotCanonical: a patch file is not as the workbench writes it. Somebody edited it, or
// wrote it with other options.
var ErrNotCanonical = errors.New("not canonical")

// CheckCanonical fails if Format would change the file, or if the diffstat is wrong.
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

// All returns all series.
func (c *Change) All() []*Series { return c.Series }

// Find returns the series with the key, nil if there is none.
func (c *Change) Find(key string) *Series {
	for _, s := range c.Series {
		if s.Key == key {
			return s
		}
	}
	return nil
}

// Keys returns the keys of the series for which want returns true. A nil want selects all.
func (c *Change) Keys(want func(*Series) bool) (keys []string) {
	for _, s := range c.Series {
		if want == nil || want(s) {
			keys = append(keys, s.Key)
		}
	}
	return keys
}

// Of returns the series of a thread, and its base.
func (c *Change) Of(t manifest.Thread) (*Series, *Base) {
	s := c.Find(t.Series.Key)
	if s == nil {
		return nil, nil
	}
	return s, s.Base(t.Base.Name)
}

// ErrNoBase: the series has no patches for the base.
var ErrNoBase = errors.New("the series is not on this base")

// Base returns the base called name, nil if there is none.
func (s *Series) Base(name string) *Base {
	for _, b := range s.Bases {
		if b.Name == name {
			return b
		}
	}
	return nil
}

// Submit returns the base with the role submit. It returns nil if there is none, or if the
// role of the series itself is not submit.
func (s *Series) Submit() *Base {
	if !s.Manifest.Sent() {
		return nil
	}
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
