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
// ids are the patch-ids of the base's patches, by key.
func assign(list []*commit, s *series.Series, b *series.Base, ids, given map[string]string) ([]*tie, error) {
	ties := make([]*tie, len(list))
	taken := map[string]bool{}
	for i, c := range list {
		ties[i] = &tie{commit: c}
		if key := given[c.id]; key != "" {
			if taken[key] {
				return nil, fmt.Errorf("%w %q is given to two commits", ErrKey, key)
			}
			ties[i].key, ties[i].by, taken[key] = key, byUser, true
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
		if t.key != "" {
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
			if b.Patch(key) == nil {
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
	for _, t := range ties {
		if t.key != "" {
			continue
		}
		if len(t.keys) > 0 {
			t.splitOff = t.keys[0]
		}
		t.key, t.by = newKey(t.title, s, taken), byNew
		taken[t.key] = true
	}
	return ties, nil
}

// newKey finds a key for a commit that has none: that of the patch with the
// same title on another base, or one made of the title.
func newKey(title string, s *series.Series, taken map[string]bool) string {
	used := map[string]bool{}
	for _, b := range s.Bases {
		for _, p := range b.Patches {
			used[p.Key] = true
			if p.Subject.Title == title && !taken[p.Key] {
				return p.Key
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
	unique := key
	for n := 2; taken[unique] || used[unique]; n++ {
		unique = fmt.Sprintf("%s-%d", key, n)
	}
	return unique
}
