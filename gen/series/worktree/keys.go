// SPDX-License-Identifier: GPL-2.0-only OR MIT

package worktree

import (
	"fmt"
	"slices"
	"strings"

	"xpsgen/gen/series"
)

// How a commit came by its key, the surest first.
const (
	byNote  = "note"
	byDiff  = "diff"
	byTitle = "title"
	byNew   = "new"
	byUser  = "user"
)

// tie is a commit and the key it has from now on.
type tie struct {
	*commit
	key, by string
	// splitOff is the key that another part of the same patch kept.
	splitOff string
}

// assign ties commits to keys. Given are keys that the user chose, by commit.
// ids are the patch-ids of the patches, by key.
func assign(list []*commit, w *work, ids, given map[string]string) ([]*tie, error) {
	b := w.all
	ties := make([]*tie, len(list))
	taken := map[string]bool{}
	for i, c := range list {
		ties[i] = &tie{commit: c}
		if key := given[c.id]; strings.Contains(key, "/") || key != "" && len(w.parts) == 1 {
			if err := ties[i].give(w, key, "", taken); err != nil {
				return nil, err
			}
		}
	}
	type claim struct {
		t     *tie
		key   string
		by    string
		score int
	}
	var claims []claim
	for _, t := range ties {
		if t.key != "" || given[t.id] != "" {
			continue
		}
		for _, p := range b.Patches {
			c := claim{t: t, key: p.Key}
			if p.Subject.Title == t.title {
				c.score, c.by = 2, byTitle
			}
			if id := ids[p.Key]; id != "" && id == t.patchID {
				c.score, c.by = c.score+4, byDiff
			}
			if slices.Contains(t.keys, p.Key) {
				c.score, c.by = c.score+8, byNote
			}
			if c.score > 0 {
				claims = append(claims, c)
			}
		}
		// A tree that was moved here has keys that this base has not yet.
		for _, key := range t.keys {
			if b.Patch(key) == nil && w.find(seriesOf(key)) != nil {
				claims = append(claims, claim{t: t, key: key, by: byNote, score: 8})
			}
		}
	}
	slices.SortStableFunc(claims, func(a, b claim) int { return b.score - a.score })
	for _, c := range claims {
		if c.t.key == "" && !taken[c.key] {
			c.t.key, c.t.by, taken[c.key] = c.key, c.by, true
		}
	}
	for i, t := range ties {
		if t.key != "" {
			continue
		}
		if key := given[t.id]; key != "" {
			if err := t.give(w, key, w.near(ties, i), taken); err != nil {
				return nil, err
			}
			continue
		}
		if len(t.keys) > 0 {
			t.splitOff = t.keys[0]
		}
		near := w.near(ties, i)
		if w.find(near) == nil {
			return nil, fmt.Errorf("%w: %s is of no series: name it with --key REV=SERIES/KEY", ErrKey, t.short())
		}
		t.key, t.by = newKey(t.title, w.find(near).series, taken), byNew
		taken[t.key] = true
	}
	return ties, nil
}

// give ties a commit to the key that the user chose for it.
func (t *tie) give(w *work, key, near string, taken map[string]bool) error {
	if near == "" && len(w.parts) == 1 {
		near = w.parts[0].series.Key
	}
	whole, err := w.qualify(key, near)
	if err != nil {
		return err
	}
	if taken[whole] {
		return fmt.Errorf("%w %q is given to two commits", ErrKey, key)
	}
	t.key, t.by, taken[whole] = whole, byUser, true
	return nil
}

// near is the series of the commit before, or else of the next one that has
// one.
func (w *work) near(ties []*tie, i int) string {
	for j := i - 1; j >= 0; j-- {
		if ties[j].key != "" {
			return seriesOf(ties[j].key)
		}
	}
	for j := i + 1; j < len(ties); j++ {
		if ties[j].key != "" {
			return seriesOf(ties[j].key)
		}
	}
	if len(w.parts) > 0 {
		return w.parts[0].series.Key
	}
	return ""
}

// newKey finds a key in a series for a commit that has none: that of the patch
// with the same title on another base, or one made of the title.
func newKey(title string, s *series.Series, taken map[string]bool) string {
	used := map[string]bool{}
	for _, b := range s.Bases {
		for _, p := range b.Patches {
			whole := s.Key + "/" + p.Key
			used[whole] = true
			if p.Subject.Title == title && !taken[whole] {
				return whole
			}
		}
	}
	text := title
	if i := strings.LastIndex(title, ": "); i >= 0 {
		text = title[i+2:]
	}
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	key := ""
	for _, w := range words {
		if key != "" && len(key)+1+len(w) > 24 {
			break
		}
		key = strings.TrimPrefix(key+"-"+w, "-")
	}
	if key == "" {
		key = "patch"
	}
	key = s.Key + "/" + key
	unique := key
	for n := 2; taken[unique] || used[unique]; n++ {
		unique = fmt.Sprintf("%s-%d", key, n)
	}
	return unique
}
