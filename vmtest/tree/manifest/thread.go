// SPDX-License-Identifier: GPL-2.0-only OR MIT

package manifest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrNoThread is wrapped where a word names no series and no base.
var ErrNoThread = errors.New("no series or base")

// Thread is a series on one base.
type Thread struct {
	Project *Project
	Series  *Series
	Base    *Base
}

// Name is its name in commands: "hook/net-next".
func (t Thread) Name() string { return t.Series.Key + "/" + t.Base.Name }

// Patches are the patches of the series on the base.
func (t Thread) Patches() []Patch { return t.Series.On(t.Base.Name).Patches }

// Submitted reports whether the thread is to be submitted.
func (t Thread) Submitted() bool { return t.Series.Sent() && t.Base.Role == Submit }

// Threads are all series of the change on all their bases: project by project,
// and base by base. They are in the order of each base's stack, with the
// alternatives last.
func (c *Change) Threads() (list []Thread) {
	for _, p := range c.Projects {
		for i := range p.Bases {
			list = append(list, p.threads(&p.Bases[i])...)
		}
	}
	return list
}

func (p *Project) threads(b *Base) (list []Thread) {
	keys := slices.Clone(p.stacked(b))
	for i := range p.Series {
		if s := &p.Series[i]; s.On(b.Name) != nil && !slices.Contains(keys, s.Key) {
			keys = append(keys, s.Key)
		}
	}
	for _, k := range keys {
		list = append(list, Thread{p, p.Find(k), b})
	}
	return list
}

// Names are the names of threads.
func Names(list []Thread) (names []string) {
	for _, t := range list {
		names = append(names, t.Name())
	}
	return names
}

// Resolve returns the threads that a word means: KEY is a series on each of
// its bases, KEY/BASE a series on one, BASE and PROJECT/BASE all series on a
// base. Errors wrap [ErrNoThread].
func (c *Change) Resolve(word string) ([]Thread, error) {
	first, base, pair := strings.Cut(word, "/")
	all := c.Threads()
	var found []Thread
	for _, t := range all {
		switch {
		case !pair && (t.Series.Key == word || t.Base.Name == word),
			pair && t.Base.Name == base && (t.Series.Key == first || t.Project.Name == first):
			found = append(found, t)
		}
	}
	if len(found) == 0 {
		if p, b := c.FindBase(word); b != nil {
			return nil, fmt.Errorf("%w: base %s of %s has no series yet", ErrNoThread, b.Name, p.Name)
		}
		return nil, fmt.Errorf("%w %q (there is %s)", ErrNoThread, word, strings.Join(Names(all), ", "))
	}
	if !pair && found[0].Series.Key != word {
		for _, t := range found[1:] {
			if t.Project != found[0].Project {
				return nil, fmt.Errorf("%w: %q is a base of %s and of %s: write %s/%s or %s/%s", ErrNoThread, word,
					found[0].Project.Name, t.Project.Name, found[0].Project.Name, word, t.Project.Name, word)
			}
		}
	}
	return found, nil
}

// FindBase returns the base that a word means, BASE or PROJECT/BASE, and its
// project; nil if it means none, or bases of several projects.
func (c *Change) FindBase(word string) (project *Project, base *Base) {
	first, name, pair := strings.Cut(word, "/")
	if !pair {
		first, name = "", word
	}
	for _, p := range c.Projects {
		if b := findBase(p.Bases, name); b != nil && (first == "" || first == p.Name) {
			if base != nil {
				return nil, nil
			}
			project, base = p, b
		}
	}
	return project, base
}
