// SPDX-License-Identifier: GPL-2.0-only OR MIT

package worktree

import (
	"fmt"
	"slices"
	"strings"

	"xpsgen/gen/series"
)

// These say how a commit got its key.
const (
	byNote  = "note"
	byDiff  = "diff"
	byTitle = "title"
	byNew   = "new"
	byUser  = "user"
)

// tie is a commit and its new key.
type tie struct {
	*commit
	key, by string
	// into are the keys of other patches whose lines the commit has.
	into []string
	// splitOff is the key that another part of the same patch kept.
	splitOff string
}

// assign gives each commit a key. given maps commits to keys that the user chose, ids
// maps keys to patch-ids.
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
			if slices.Contains(t.keys, p.Key) && t.related(p) {
				c.score, c.by = c.score+8, byNote
			}
			if c.score > 0 {
				claims = append(claims, c)
			}
		}
		// A rebased tree has keys that this base does not have yet.
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
		for _, key := range t.keys {
			if p := w.all.Patch(key); t.splitOff == "" && p != nil && t.related(p) {
				t.splitOff = key
			}
		}
		near := w.near(ties, i)
		if w.find(near) == nil {
			return nil, fmt.Errorf("%w: %s belongs to no series: name one with --key REV=SERIES/KEY", ErrKey, t.short())
		}
		t.key, t.by = newKey(t.title, w.find(near).series, taken), byNew
		taken[t.key] = true
	}
	return ties, nil
}

// absorbed reports whether the lines of another patch went into the commit.
func (t *tie) absorbed(key string) bool { return slices.Contains(t.into, key) }

// absorb finds out which patches went into a commit with several keys. git joins the notes
// of squashed commits. It also gives the note of a commit that a rebase skipped to another
// commit. Only the diff of the commit distinguishes the two cases.
func absorb(w *work, ties []*tie) {
	for _, c := range ties {
		for _, key := range c.keys {
			p := w.all.Patch(key)
			if p == nil || key == c.key || slices.ContainsFunc(ties, func(o *tie) bool { return o.key == key }) {
				continue
			}
			// A resolved conflict changes some of the lines that went in.
			if shared, total := c.shares(p.Diff); total > 0 && 2*shared >= total {
				c.into = append(c.into, key)
			}
		}
	}
}

// shares counts the lines of a diff, and how many of them the commit changes in
// the same way.
func (c *commit) shares(diff string) (shared, total int) {
	for l, n := range changedLines(diff) {
		total += n
		shared += min(n, c.lines[l])
	}
	return shared, total
}

// related reports whether a commit can be the patch that its note names. git gives the note
// of a commit that a rebase skipped to another commit.
func (c *commit) related(p *series.Patch) bool {
	shared, total := c.shares(p.Diff)
	return shared > 0 || total == 0 || p.Subject.Title == c.title
}

// changedLines counts the lines that a diff adds and removes, each with the
// file that it is in.
func changedLines(diff string) map[string]int {
	lines := map[string]int{}
	file := ""
	for l := range strings.Lines(diff) {
		switch {
		case strings.HasPrefix(l, "diff --git "):
			file = l
		case strings.HasPrefix(l, "+++ "), strings.HasPrefix(l, "--- "):
		case len(strings.TrimSpace(l)) > 1 && (l[0] == '+' || l[0] == '-'):
			lines[file+strings.TrimRight(l, "\n")]++
		}
	}
	return lines
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

// near returns the series of the last commit before i that has a key, or else of the next
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

// newKey finds a key in a series for a commit that has none: the key of the patch
// with the same title on another base, or else a key derived from the title.
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
