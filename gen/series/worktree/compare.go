// SPDX-License-Identifier: GPL-2.0-only OR MIT

package worktree

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"xpsgen/vmtest/git"
)

// State is the result of comparing two versions of a patch.
type State string

const (
	// Same: the versions are identical, apart from line numbers.
	Same State = "same"
	// Context: only context lines differ.
	Context State = "context"
	// Different: added or removed lines differ, or the messages differ.
	Different State = "changed"
	// Gone: only the old version exists. Added: only the new version exists.
	Gone  State = "gone"
	Added State = "new"
)

// Pair is two versions of a patch with the same key.
type Pair struct {
	Key   string
	Title string
	State State
	// OldTitle is set if the title changed.
	OldTitle string
	// Diff is the output of git range-diff for the pair, without its first line.
	Diff string
}

// String formats the pair as one line for the terminal.
func (p Pair) String() string {
	what := map[State]string{
		Same: "the same", Context: "the same change, other context lines", Different: "changed",
		Gone: "gone", Added: "new",
	}[p.State]
	if p.OldTitle != "" {
		what += fmt.Sprintf(", was %q", p.OldTitle)
	}
	return fmt.Sprintf("%-16s %s: %s", p.Key, p.Title, what)
}

// keyOf returns the key of a commit, or its title if it has none.
func (c *commit) keyOf() string {
	if len(c.keys) > 0 {
		return c.keys[0]
	}
	return c.title
}

// compare pairs the patches of two versions of a series by their keys, in the order of the
// new version. Removed patches come last.
func compare(ctx context.Context, repo *git.Repo, before, now []*commit) ([]Pair, error) {
	var pairs []Pair
	for _, n := range now {
		p := Pair{Key: n.keyOf(), Title: n.title, State: Added}
		i := slices.IndexFunc(before, func(c *commit) bool { return c.keyOf() == p.Key })
		if i >= 0 {
			if err := p.compare(ctx, repo, before[i], n); err != nil {
				return nil, err
			}
		}
		pairs = append(pairs, p)
	}
	for _, b := range before {
		if !slices.ContainsFunc(now, func(c *commit) bool { return c.keyOf() == b.keyOf() }) {
			pairs = append(pairs, Pair{Key: b.keyOf(), Title: b.title, State: Gone})
		}
	}
	return pairs, nil
}

// compare runs git range-diff for one patch alone, so that git cannot pair it with another
// patch.
func (p *Pair) compare(ctx context.Context, repo *git.Repo, old, now *commit) error {
	out, err := repo.Output(ctx, "range-diff", "--no-color", "--no-notes", "--creation-factor=999",
		old.id+"^.."+old.id, now.id+"^.."+now.id)
	if err != nil {
		return fmt.Errorf("compare %s: %w", p.Key, err)
	}
	head, diff, _ := strings.Cut(out, "\n")
	p.Diff = strings.TrimRight(diff, "\n")
	if old.title != now.title {
		p.OldTitle = old.title
	}
	fields := strings.Fields(head)
	switch {
	case len(fields) > 2 && fields[2] == "=":
		p.State = Same
		p.Diff = ""
	case sameChange(p.Diff):
		p.State = Context
	default:
		p.State = Different
	}
	return nil
}

// sameChange reports whether a range-diff contains only context lines of the patches. After
// the indentation, the first column is the difference between the patches. The second one
// is the column of the patch: "++" is a line that only the new patch adds.
func sameChange(diff string) bool {
	message := false
	for l := range strings.Lines(diff) {
		l = strings.TrimSuffix(strings.TrimPrefix(l, "    "), "\n")
		if strings.HasPrefix(l, "@@ ") {
			// This names the part of the patch that follows.
			message = strings.Contains(l, "## Commit message ##") || strings.HasPrefix(l, "@@ Metadata")
			continue
		}
		if len(l) < 2 {
			continue
		}
		if strings.Contains(l, "## Commit message ##") || strings.Contains(l, "## Metadata ##") {
			message = true
		} else if strings.HasPrefix(l[1:], " ## ") {
			message = false
		}
		if l[0] != '+' && l[0] != '-' {
			continue
		}
		if message || l[1] == '+' || l[1] == '-' {
			return false
		}
	}
	return true
}
