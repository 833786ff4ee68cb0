// SPDX-License-Identifier: GPL-2.0-only OR MIT

package worktree

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/gen/series"
)

// Outcome has the result of each patch.
type Outcome struct {
	// Name is the refreshed series or base: "hook/net-next".
	Name string
	// Merged says that changes of the patch files were merged into the tree's
	// commits first.
	Merged bool
	// Steps are the patches in their new order, the dropped ones last.
	Steps []Step
	// Written and Removed are the paths of written and removed files. A dry
	// run has neither.
	Written, Removed []string
}

// Step is the result of one patch.
type Step struct {
	Key, Title string
	// From and To are its places, from 1; From 0 means that it is new, To 0
	// that it is gone.
	From, To int
	// Moved is set if its order among the others changed.
	Moved bool
	// Changed names the parts of the patch that changed: "diff", "message", "title",
	// "author", "date" and "notes". If none did, it can have "context" or "form".
	Changed []string
	// By says how the commit was tied to the key if not by its note: "diff",
	// "title", "new", "user".
	By string
	// SplitOff is the key of the patch of which this one was a part.
	SplitOff string
	// Into is the key of the patch into which this one went.
	Into string
	// OldTitle is set if the title changed.
	OldTitle string
}

// Unchanged reports whether nothing happened to the patch.
func (s *Step) Unchanged() bool {
	return s.From > 0 && s.To > 0 && !s.Moved && len(s.Changed) == 0
}

// String describes the step in one line.
func (s Step) String() string {
	var what []string
	switch {
	case s.From == 0 && s.SplitOff != "":
		what = append(what, "new, split off "+s.SplitOff)
	case s.From == 0:
		what = append(what, "new")
	case s.To == 0 && s.Into != "":
		what = append(what, "dropped, squashed into "+s.Into)
	case s.To == 0:
		what = append(what, "dropped")
	case s.Moved:
		what = append(what, fmt.Sprintf("moved from %d", s.From))
	}
	if len(s.Changed) > 0 {
		what = append(what, strings.Join(s.Changed, ", ")+" changed")
	}
	if s.OldTitle != "" {
		what = append(what, fmt.Sprintf("was %q", s.OldTitle))
	}
	if s.By == byDiff || s.By == byTitle {
		what = append(what, "recognised by its "+s.By)
	}
	if len(what) == 0 {
		what = append(what, "unchanged")
	}
	place := "-"
	if s.To > 0 {
		place = fmt.Sprint(s.To)
	}
	return fmt.Sprintf("%2s  %-16s %s: %s", place, s.Key, s.Title, strings.Join(what, "; "))
}

func newOutcome(w *work, ties []*tie, files mails) *Outcome {
	b := w.all
	out := &Outcome{Name: w.name()}
	var order []int // old places of the patches that stay, in their new order
	for i, t := range ties {
		st := Step{Key: w.short(t.key), Title: t.title, To: i + 1, SplitOff: w.short(t.splitOff)}
		if t.by != byNote {
			st.By = t.by
		}
		if old := b.Patch(t.key); old != nil {
			st.From = slices.Index(b.Patches, old) + 1
			st.Changed = changes(old, files[i])
			if old.Subject.Title != t.title {
				st.OldTitle = old.Subject.Title
			}
			order = append(order, st.From)
		}
		out.Steps = append(out.Steps, st)
	}
	stay := longestRise(order)
	for i := range out.Steps {
		st := &out.Steps[i]
		st.Moved = st.From > 0 && !stay[st.From]
	}
	for i, p := range b.Patches {
		if slices.ContainsFunc(ties, func(t *tie) bool { return t.key == p.Key }) {
			continue
		}
		st := Step{Key: w.short(p.Key), Title: p.Subject.Title, From: i + 1}
		for _, t := range ties {
			if t.absorbed(p.Key) {
				st.Into = w.short(t.key)
			}
		}
		out.Steps = append(out.Steps, st)
	}
	return out
}

// changes names the differences between a patch file and the patch of a commit.
func changes(old *series.Patch, now *written) []string {
	var list []string
	add := func(what string, differs bool) {
		if differs {
			list = append(list, what)
		}
	}
	p := now.patch
	add("diff", content(old.Diff) != content(p.Diff))
	add("title", old.Subject.Title != p.Subject.Title)
	_, oldText, _ := strings.Cut(old.Message(), "\n\n")
	_, newText, _ := strings.Cut(p.Message(), "\n\n")
	add("message", oldText != newText)
	add("author", old.Author != p.Author)
	add("date", !old.Date.Equal(p.Date))
	add("notes", old.Notes != p.Notes)
	if len(list) == 0 {
		add("context", old.Diff != p.Diff)
		add("form", len(list) == 0 && string(old.Raw) != string(now.mail) && filepath.Base(old.Path) == now.name)
	}
	return list
}

// content returns a diff without blob names and line numbers. They change when other
// patches change the file.
func content(diff string) string {
	var b strings.Builder
	for l := range strings.Lines(diff) {
		switch {
		case strings.HasPrefix(l, "index "):
		case strings.HasPrefix(l, "@@ "):
			b.WriteString("@@\n")
		default:
			b.WriteString(l)
		}
	}
	return b.String()
}

// longestRise marks the members of a longest increasing subsequence: those that kept their
// order.
func longestRise(list []int) map[int]bool {
	length, before := make([]int, len(list)), make([]int, len(list))
	best := -1
	for i := range list {
		length[i], before[i] = 1, -1
		for j := range i {
			if list[j] < list[i] && length[j]+1 > length[i] {
				length[i], before[i] = length[j]+1, j
			}
		}
		if best < 0 || length[i] > length[best] {
			best = i
		}
	}
	stay := map[int]bool{}
	for i := best; i >= 0; i = before[i] {
		stay[list[i]] = true
	}
	return stay
}
