// SPDX-License-Identifier: GPL-2.0-only OR MIT

package schema

import (
	"cmp"
	"slices"
	"strings"
)

// Render returns the source with the mutants for which keep is true. A mutant
// takes effect if XMUT(ID) is true at run time. Lines keep their numbers.
func (s *Source) Render(keep func(*Mutant) bool) string {
	var list []*Mutant
	for _, m := range s.Mutants {
		if keep(m) {
			list = append(list, m)
		}
	}
	// Outer before inner; of two with the same extent the first is the outer.
	slices.SortStableFunc(list, func(a, b *Mutant) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(b.end, a.end))
	})
	r := renderer{src: s.Text, list: list}
	return r.render(0, len(s.Text))
}

type renderer struct {
	src  string
	list []*Mutant
}

// render renders the source from start up to end with the mutants in it, which
// are the first of the list.
func (r *renderer) render(start, end int) string {
	var b strings.Builder
	at := start
	for len(r.list) > 0 && r.list[0].start < end {
		m := r.list[0]
		r.list = r.list[1:]
		b.WriteString(r.src[at:m.start])
		b.WriteString(m.repl(r.render(m.start, m.end)))
		at = m.end
	}
	b.WriteString(r.src[at:end])
	return b.String()
}
