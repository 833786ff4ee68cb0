// SPDX-License-Identifier: GPL-2.0-only OR MIT

package mutate

import (
	"fmt"
	"slices"
	"strings"

	"xpsgen/vmtest/mutate/schema"
	"xpsgen/vmtest/tomlfile"
)

// Listed are mutants that no test can notice, or that no test needs to notice,
// each with the reason.
type Listed struct {
	Mutants []Entry `toml:"mutant"`

	path string
	// used are the indices of entries that excused a mutant.
	used map[int]bool
}

// Entry describes mutants. An empty field fits every mutant.
type Entry struct {
	// File is a path in the tree. It may end with a slash for all files below.
	File string `toml:"file"`
	Func string `toml:"func"`
	Kind string `toml:"kind"`
	// Before is the code that the mutant changes. After is the changed code.
	Before string `toml:"before"`
	After  string `toml:"after"`
	// State limits the entry to mutants that are "unreached" or "survived".
	State State `toml:"state"`
	// Bases limits it to kernel bases.
	Bases []string `toml:"bases"`
	// Reason says why nothing notices them. Required.
	Reason string `toml:"reason"`
}

// ReadListed reads a list. A file that is not there is an empty list.
func ReadListed(path string) (*Listed, error) {
	l := &Listed{path: path}
	if err := tomlfile.Read(path, l); err != nil {
		return nil, err
	}
	for i, e := range l.Mutants {
		if strings.TrimSpace(e.Reason) == "" {
			return nil, fmt.Errorf("%s: mutant %d has no reason", path, i+1)
		}
		if e.File == "" {
			return nil, fmt.Errorf("%s: mutant %d has no file", path, i+1)
		}
		if e.State != "" && e.State != Unreached && e.State != Survived {
			return nil, fmt.Errorf("%s: mutant %d: state %q is not unreached or survived", path, i+1, e.State)
		}
	}
	return l, nil
}

// For returns the entries for a base.
func (l *Listed) For(base string) *Listed {
	some := &Listed{path: l.path}
	for _, e := range l.Mutants {
		if len(e.Bases) == 0 || slices.Contains(e.Bases, base) {
			some.Mutants = append(some.Mutants, e)
		}
	}
	return some
}

func (e *Entry) fits(m *schema.Mutant, s State) bool {
	is := func(want, have string) bool { return want == "" || want == have }
	return (is(e.File, m.File) || strings.HasSuffix(e.File, "/") && strings.HasPrefix(m.File, e.File)) &&
		is(e.Func, m.Func) && is(e.Kind, string(m.Kind)) && is(e.Before, m.Before) && is(e.After, m.After) &&
		is(string(e.State), string(s))
}

func (e *Entry) String() string {
	var b strings.Builder
	b.WriteString(e.File)
	for _, s := range []string{e.Func, e.Kind, e.Before} {
		if s != "" {
			b.WriteString(" " + s)
		}
	}
	return b.String()
}

// Excuse returns the reason why a mutant in a state is listed. It reports false if it is
// not listed.
func (l *Listed) Excuse(m *schema.Mutant, s State) (reason string, ok bool) {
	if l == nil {
		return "", false
	}
	for i := range l.Mutants {
		if e := &l.Mutants[i]; e.fits(m, s) {
			if l.used == nil {
				l.used = map[int]bool{}
			}
			l.used[i] = true
			return e.Reason, true
		}
	}
	return "", false
}

// Stale returns the entries that excused no mutant. Call it after all mutants
// were tried.
func (l *Listed) Stale() []string {
	var stale []string
	if l == nil {
		return nil
	}
	for i := range l.Mutants {
		if !l.used[i] {
			stale = append(stale, l.Mutants[i].String())
		}
	}
	return stale
}

// apply excuses mutants of the list. If all mutants ran, entries that excuse none are
// stale.
func (l *Listed) apply(r *Result, chosen []*schema.Mutant) {
	for _, m := range chosen {
		v := r.Verdicts[m.ID]
		if v.State != Survived && v.State != Unreached {
			continue
		}
		if reason, ok := l.Excuse(m, v.State); ok {
			v.State, v.By = Excused, reason
		}
		r.Verdicts[m.ID] = v
	}
	if r.Chosen == r.All {
		r.Stale = l.Stale()
	}
}
