// SPDX-License-Identifier: GPL-2.0-only OR MIT

package manifest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrSelection is wrapped if a [Selection] names unknown series, or series that
// exclude each other.
var ErrSelection = errors.New("no such series")

// Selection chooses series of a base's stack. The zero value is the whole
// stack.
type Selection struct {
	// Only are keys of series: these series and those that they depend on.
	Only []string
	// With are keys of alternatives. Each takes the place of the series that
	// it replaces, and of those that depend on them.
	With []string
	// Without are keys of series to leave out.
	Without []string
	// Below leaves out the series in Only: the series that they depend on remain.
	Below bool
}

// IsZero reports whether the selection is the whole stack.
func (s Selection) IsZero() bool {
	return len(s.Only) == 0 && len(s.With) == 0 && len(s.Without) == 0
}

// stacked are the keys of the series on a base, in order, without
// alternatives.
func (p *Project) stacked(b *Base) []string {
	if len(b.Stack) > 0 {
		return b.Stack
	}
	var keys []string
	for i := range p.Series {
		if s := &p.Series[i]; s.Role != Alternative && s.On(b.Name) != nil {
			keys = append(keys, s.Key)
		}
	}
	return keys
}

// checkStacks compares the stacks with the series of each base and their dependencies.
func (p *Project) checkStacks(path string, pos positions) error {
	fail := func(key string, nth int, format string, a ...any) error {
		return &Error{File: path, Line: pos.line(key, nth), Msg: fmt.Sprintf(format, a...)}
	}
	for i := range p.Bases {
		b := &p.Bases[i]
		keys := p.stacked(b)
		for n, k := range keys {
			s := p.Find(k)
			if s.On(b.Name) == nil {
				return fail("base.stack", i, "base %q: stack: series %q has no patches in %s/%s/", b.Name, k, k, b.Name)
			}
			for _, on := range s.Stands {
				if at := slices.Index(keys, on); at > n {
					return fail("base.stack", i, "base %q: series %q depends on %q, which comes later in the stack", b.Name, k, on)
				}
			}
		}
		for j := range p.Series {
			s := &p.Series[j]
			if s.Role != Alternative && s.On(b.Name) != nil && !slices.Contains(keys, s.Key) {
				return fail("base.stack", i, "base %q: stack: series %q has patches on this base and is missing", b.Name, s.Key)
			}
		}
	}
	for i := range p.Series {
		s := &p.Series[i]
		if below := p.below(s.Key, nil); slices.Contains(below, s.Key) {
			return fail("series.on", i, "series %q depends on itself", s.Key)
		}
		for _, on := range s.Stands {
			if o := p.Find(on); o != nil && o.Role == Alternative && s.Role != Alternative {
				return fail("series.on", i, "series %q depends on %q, which is an alternative", s.Key, on)
			}
		}
	}
	return nil
}

// below are the keys of all series of the project that a series depends on,
// directly or not.
func (p *Project) below(key string, seen []string) []string {
	s := p.Find(key)
	if s == nil {
		return seen
	}
	for _, on := range s.Stands {
		if p.Find(on) == nil || slices.Contains(seen, on) {
			continue
		}
		seen = p.below(on, append(seen, on))
	}
	return seen
}

// Stack returns the series that a selection means on a base, in the order in
// which they are applied. Errors wrap [ErrSelection].
func (p *Project) Stack(base string, sel Selection) ([]*Series, error) {
	b, err := p.Base(base)
	if err != nil {
		return nil, err
	}
	keys := slices.Clone(p.stacked(b))
	for _, k := range sel.With {
		if keys, err = p.with(b, keys, k); err != nil {
			return nil, err
		}
	}
	if keys, err = p.without(b, keys, sel.Without); err != nil {
		return nil, err
	}
	if len(sel.Only) > 0 {
		if keys, err = p.only(b, keys, sel); err != nil {
			return nil, err
		}
	}
	list := make([]*Series, 0, len(keys))
	for _, k := range keys {
		list = append(list, p.Find(k))
	}
	return list, nil
}

// with puts an alternative instead of the series that it replaces.
func (p *Project) with(b *Base, keys []string, key string) ([]string, error) {
	s := p.Find(key)
	switch {
	case s == nil || s.Role != Alternative:
		return nil, fmt.Errorf("%w: %s has no alternative %q%s", ErrSelection, p.Name, key, p.list(func(s *Series) bool { return s.Role == Alternative }))
	case s.On(b.Name) == nil:
		return nil, fmt.Errorf("%w: %s has no patches on base %s", ErrSelection, key, b.Name)
	case slices.Contains(keys, key):
		return nil, fmt.Errorf("%w: %s is named twice", ErrSelection, key)
	}
	gone := func(k string) bool {
		return slices.Contains(s.Replaces, k) ||
			slices.ContainsFunc(p.below(k, nil), func(o string) bool { return slices.Contains(s.Replaces, o) })
	}
	at := slices.IndexFunc(keys, gone)
	if at < 0 {
		at = len(keys)
	}
	// It may depend on a series that comes later.
	for i, k := range keys {
		if slices.Contains(p.below(key, nil), k) {
			at = max(at, i+1)
		}
	}
	keys = slices.Insert(slices.Clone(keys), at, key)
	return slices.DeleteFunc(keys, func(k string) bool { return k != key && gone(k) }), nil
}

// without leaves series out. It fails if another one depends on them.
func (p *Project) without(b *Base, keys, out []string) ([]string, error) {
	for _, k := range out {
		if !slices.Contains(keys, k) {
			return nil, fmt.Errorf("%w: the stack of %s has no %q (it is %s)", ErrSelection, b.Name, k, strings.Join(keys, ", "))
		}
	}
	keys = slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return slices.Contains(out, k) })
	for _, k := range keys {
		for _, on := range p.below(k, nil) {
			if slices.Contains(out, on) {
				return nil, fmt.Errorf("%w: %s depends on %s: leave both out", ErrSelection, k, on)
			}
		}
	}
	return keys, nil
}

// only reduces a stack to some series and their dependencies.
func (p *Project) only(b *Base, keys []string, sel Selection) ([]string, error) {
	var want []string
	for _, k := range sel.Only {
		s := p.Find(k)
		switch {
		case s == nil:
			return nil, fmt.Errorf("%w %q in %s%s", ErrSelection, k, p.Name, p.list(nil))
		case s.On(b.Name) == nil:
			return nil, fmt.Errorf("%w: %s has no patches on base %s (it has on %s)", ErrSelection, k, b.Name, strings.Join(s.baseNames(), ", "))
		}
		// An alternative is in no stack, and comes last.
		if !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
		want = append(want, p.below(k, nil)...)
		if !sel.Below {
			want = append(want, k)
		}
	}
	return slices.DeleteFunc(keys, func(k string) bool { return !slices.Contains(want, k) }), nil
}

func (s *Series) baseNames() (names []string) {
	for _, f := range s.Bases {
		names = append(names, f.Base)
	}
	return names
}

// list names series for an error.
func (p *Project) list(want func(*Series) bool) string {
	var keys []string
	for i := range p.Series {
		if want == nil || want(&p.Series[i]) {
			keys = append(keys, p.Series[i].Key)
		}
	}
	if len(keys) == 0 {
		return ""
	}
	return " (there is " + strings.Join(keys, ", ") + ")"
}

// Foundation returns the patches on a base of the series that the given series
// depend on. The given series need not be on that base. The result is never
// nil.
func (p *Project) Foundation(base string, keys ...string) []Patch {
	patches := []Patch{}
	b, err := p.Base(base)
	if err != nil {
		return patches
	}
	var below []string
	for _, k := range keys {
		below = p.below(k, below)
	}
	for _, k := range p.stacked(b) {
		if slices.Contains(below, k) && !slices.Contains(keys, k) {
			patches = append(patches, p.Find(k).On(b.Name).Patches...)
		}
	}
	return patches
}

// Patches are the patches of a selection on a base, in order.
func (p *Project) Patches(base string, sel Selection) ([]Patch, error) {
	list, err := p.Stack(base, sel)
	if err != nil {
		return nil, err
	}
	b, err := p.Base(base)
	if err != nil {
		return nil, err
	}
	var patches []Patch
	for _, s := range list {
		patches = append(patches, s.On(b.Name).Patches...)
	}
	return patches, nil
}
