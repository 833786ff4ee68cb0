// SPDX-License-Identifier: GPL-2.0-only OR MIT

package config

import (
	"fmt"
	"slices"
)

// Merged is the result of merging fragments.
type Merged struct {
	// Symbols are the symbols to request from Kconfig: each symbol once, at its first position and
	// with its last value.
	Symbols []Symbol
	// Differences are the requests to which the merge gives another value.
	Differences []Difference
}

// Difference is a requested symbol that gets another value.
type Difference struct {
	// Symbol is the request. Its Value is empty if the line has no value.
	Symbol
	// Got is the value that the symbol has instead.
	Got string
}

func (d Difference) String() string {
	at := fmt.Sprintf("%s:%d: %s", d.Fragment, d.Line, d.Name)
	switch {
	case d.Value == "":
		return at + ": no value, ignored"
	case d.Value == "m" && d.Got == "y":
		return at + ": wanted a module, is built in"
	}
	return fmt.Sprintf("%s: wanted %s, got %s", at, word(d.Value), word(d.Got))
}

// Merge merges fragments; the later wins.
//
// If a later fragment requests one of several alternatives, this request replaces all of
// them: it chooses. If it disables one, the others remain.
//
// A wish for a module does not change a symbol that is built in already.
func Merge(fragments []Fragment) (*Merged, error) {
	m := merger{index: map[string]int{}}
	for _, f := range fragments {
		symbols, err := f.Symbols()
		if err != nil {
			return nil, err
		}
		if f.Wishes {
			_, ignored, err := f.wishes()
			if err != nil {
				return nil, err
			}
			m.differences = append(m.differences, ignored...)
		}
		for len(symbols) > 0 {
			n := 1
			for n < len(symbols) && symbols[n].For != "" {
				n++
			}
			m.add(symbols[:n])
			symbols = symbols[n:]
		}
	}
	return &Merged{Symbols: slices.Concat(m.groups...), Differences: m.differences}, nil
}

// merger holds the symbols merged so far, in groups of alternatives.
type merger struct {
	groups [][]Symbol
	// index is the position of each symbol's group.
	index       map[string]int
	differences []Difference
}

// add merges a symbol and its alternatives.
func (m *merger) add(group []Symbol) {
	at := -1
	var kept []Symbol
	for _, s := range group {
		i, known := m.index[s.Name]
		if !known {
			kept = append(kept, s)
			continue
		}
		old := m.groups[i]
		k := slices.IndexFunc(old, func(o Symbol) bool { return o.Name == s.Name })
		if s.Wish && (s.Value == "m" && old[k].Value == "y" || s.Value == old[k].Value) {
			if s.Value == "m" && old[k].Value == "y" {
				m.differences = append(m.differences, Difference{Symbol: s, Got: "y"})
			}
			continue
		}
		kept = append(kept, s)
		if s.Value == "n" && len(old) > 1 {
			m.groups[i] = lead(slices.Delete(slices.Clone(old), k, k+1))
			delete(m.index, s.Name)
			continue
		}
		for _, o := range old {
			delete(m.index, o.Name)
		}
		if m.groups[i] = nil; at < 0 {
			at = i
		}
	}
	if len(kept) == 0 {
		return
	}
	if at < 0 {
		at = len(m.groups)
		m.groups = append(m.groups, nil)
	}
	m.groups[at] = lead(kept)
	for _, s := range kept {
		m.index[s.Name] = at
	}
}

// lead makes the first of a group the symbol that the others may replace.
func lead(group []Symbol) []Symbol {
	out := slices.Clone(group)
	for i := range out {
		if i == 0 {
			out[i].For = ""
		} else {
			out[i].For = out[0].Name
		}
	}
	return out
}
