// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import "sync"

// interner numbers names, so that a bitset can hold them.
type interner struct {
	mu  sync.Mutex
	ids map[string]int
}

func newInterner() *interner { return &interner{ids: make(map[string]int)} }

// all returns the numbers of names.
func (in *interner) all(names map[string]bool) *bitset {
	in.mu.Lock()
	defer in.mu.Unlock()
	b := &bitset{}
	for name := range names {
		id, ok := in.ids[name]
		if !ok {
			id = len(in.ids)
			in.ids[name] = id
		}
		b.add(id)
	}
	return b
}

// bitset is a set of small numbers.
type bitset struct{ words []uint64 }

func (b *bitset) add(n int) {
	for n/64 >= len(b.words) {
		b.words = append(b.words, 0)
	}
	b.words[n/64] |= 1 << (n % 64)
}

func (b *bitset) word(i int) uint64 {
	if i < len(b.words) {
		return b.words[i]
	}
	return 0
}

// join adds the members of c.
func (b *bitset) join(c *bitset) {
	for len(b.words) < len(c.words) {
		b.words = append(b.words, 0)
	}
	for i, w := range c.words {
		b.words[i] |= w
	}
}

// lacks reports whether some member of both mentioned and declared is not in b.
func (b *bitset) lacks(mentioned, declared *bitset) bool {
	for i, w := range mentioned.words {
		if w&declared.word(i)&^b.word(i) != 0 {
			return true
		}
	}
	return false
}

// footprint decides whether headers can share a translation unit: what a header
// and its includes declare, and all identifiers in their text.
type footprint struct {
	declared, mentioned *bitset
	// meaning is the file and body of a macro, and the file that declares any
	// other name.
	meaning map[string]string
}

// clashes reports whether one of two headers could mean something else when they
// share a unit: one declares a name that the other uses without declaring it, or
// both declare a name differently.
func (f *footprint) clashes(g *footprint) bool {
	if f.declared.lacks(f.mentioned, g.declared) || g.declared.lacks(g.mentioned, f.declared) {
		return true
	}
	a, b := f.meaning, g.meaning
	if len(a) > len(b) {
		a, b = b, a
	}
	for name, m := range a {
		if other, ok := b[name]; ok && other != m {
			return true
		}
	}
	return false
}

// join makes f the footprint of both. The two must not clash.
func (f *footprint) join(g *footprint) {
	f.declared.join(g.declared)
	f.mentioned.join(g.mentioned)
	for name, m := range g.meaning {
		f.meaning[name] = m
	}
}

// words adds the identifiers of a text to set. It does not tell comments and
// strings from code: a word too many only keeps two headers apart.
func words(text string, set map[string]bool) {
	for i := 0; i < len(text); {
		n := identLen(text[i:])
		if n == 0 {
			i++
			for i < len(text) && text[i-1] >= '0' && text[i-1] <= '9' && isIdent(text[i]) {
				i++
			}
			continue
		}
		set[text[i:i+n]] = true
		i += n
	}
}
