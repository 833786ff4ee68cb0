// SPDX-License-Identifier: GPL-2.0-only OR MIT

package worktree

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/gen/series"
	"xpsgen/vmtest/tree/manifest"
)

// work is the content of a tree: one series of a project on a base, or all of the
// base's stack.
type work struct {
	project *manifest.Project
	base    *manifest.Base
	parts   []part
	// whole says that the work is the whole stack of the base.
	whole bool
	// all has the patches of all parts as one series. Each key begins with that of its
	// series: "hook/rtnetlink".
	all *series.Base
}

// part is one series of a work.
type part struct {
	series *series.Series
	base   *series.Base
}

// resolve returns the work for word, which is SERIES/BASE, BASE or PROJECT/BASE.
func resolve(c *series.Change, word string) (*work, error) {
	threads, err := c.Manifest.Resolve(word)
	if err != nil {
		if p, b := c.Manifest.FindBase(word); b != nil {
			return newWork(c, p, b, nil, true), nil // a base without any series
		}
		key, name, _ := strings.Cut(word, "/")
		if p, s := c.Manifest.Find(key); s != nil {
			if b, berr := p.Base(name); berr == nil && name != "" {
				return newWork(c, p, b, []string{key}, false), nil // no patches yet
			}
		}
		return nil, err
	}
	t := threads[0]
	whole := word == t.Base.Name || word == t.Project.Name+"/"+t.Base.Name
	if !whole && len(threads) > 1 {
		return nil, fmt.Errorf("%w: %s is on several bases: name one of %s", manifest.ErrNoThread, word, strings.Join(manifest.Names(threads), ", "))
	}
	var keys []string
	for _, t := range threads {
		if !whole || t.Series.Role != manifest.Alternative {
			keys = append(keys, t.Series.Key)
		}
	}
	return newWork(c, t.Project, t.Base, keys, whole), nil
}

func newWork(c *series.Change, p *manifest.Project, b *manifest.Base, keys []string, whole bool) *work {
	w := &work{project: p, base: b, whole: whole, all: &series.Base{Name: b.Name, Role: b.Role, Commit: b.Commit, Dir: p.Dir}}
	for _, k := range keys {
		s := c.Find(k)
		if s == nil {
			continue
		}
		on := s.Base(b.Name)
		if on == nil {
			on = &series.Base{Name: b.Name, Role: b.Role, Commit: b.Commit, Dir: filepath.Join(s.Dir, b.Name)}
		}
		w.parts = append(w.parts, part{s, on})
		for _, q := range on.Patches {
			named := *q
			named.Key = k + "/" + q.Key
			w.all.Patches = append(w.all.Patches, &named)
		}
	}
	return w
}

// keys returns the keys of the series.
func (w *work) keys() (keys []string) {
	for _, p := range w.parts {
		keys = append(keys, p.series.Key)
	}
	return keys
}

// patches returns the patches of the series that the work depends on, and then those of the
// work.
func (w *work) patches() []manifest.Patch {
	list := []manifest.Patch{}
	if !w.whole {
		list = w.project.Foundation(w.base.Name, w.keys()...)
	}
	for _, p := range w.parts {
		if f := p.series.Manifest.On(w.base.Name); f != nil {
			list = append(list, f.Patches...)
		}
	}
	return list
}

// name returns the name of the work in commands.
func (w *work) name() string { return workName(w.project.Name, w.base.Name, w.keys(), w.whole) }

func workName(project, base string, keys []string, whole bool) string {
	if whole || len(keys) != 1 {
		return project + "/" + base
	}
	return keys[0] + "/" + base
}

// dir returns the default directory of the tree.
func (w *work) dir(root string) string {
	name := w.project.Name + "-" + w.base.Name
	if !w.whole {
		name += "-" + strings.Join(w.keys(), "-")
	}
	return filepath.Join(root, "worktree", name)
}

// branch returns the name of the branch of the series in the tree.
func (w *work) branch() string {
	if w.whole {
		return "stack/" + w.base.Name
	}
	return strings.Join(w.keys(), "-") + "/" + w.base.Name
}

// short returns the key as users see it: without the series if the work has only one series.
func (w *work) short(key string) string {
	if len(w.parts) == 1 {
		return strings.TrimPrefix(key, w.parts[0].series.Key+"/")
	}
	return key
}

// qualify completes the key that a user gave for a patch. A key that no patch has is a new
// key in the series near. Without near it is an error.
func (w *work) qualify(key, near string) (string, error) {
	if s, _, ok := strings.Cut(key, "/"); ok {
		if !slices.Contains(w.keys(), s) {
			return "", fmt.Errorf("%w %q: the tree has no series %q (it has %s)", ErrKey, key, s, strings.Join(w.keys(), ", "))
		}
		return key, nil
	}
	var found []string
	for _, p := range w.all.Patches {
		if strings.HasSuffix(p.Key, "/"+key) {
			found = append(found, p.Key)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return "", fmt.Errorf("%w %q is in several series: write %s", ErrKey, key, strings.Join(found, " or "))
	case near == "":
		return "", fmt.Errorf("%w: %s has no patch %q", ErrKey, w.name(), key)
	}
	return near + "/" + key, nil
}

// seriesOf returns the series of a qualified key.
func seriesOf(key string) string {
	s, _, _ := strings.Cut(key, "/")
	return s
}

// find returns the part with a series' key, nil if there is none.
func (w *work) find(key string) *part {
	for i := range w.parts {
		if w.parts[i].series.Key == key {
			return &w.parts[i]
		}
	}
	return nil
}
