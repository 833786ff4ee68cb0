// SPDX-License-Identifier: GPL-2.0-only OR MIT

package runs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"xpsgen/vmtest/prepare"
)

// Verdict is the verdict on a cell, or on a whole picture.
type Verdict string

const (
	// VerdictPassed: a complete run with the current inputs passed, and none since
	// then failed.
	VerdictPassed Verdict = "passed"
	// VerdictFailed: the newest complete run failed, or a later run with the
	// current inputs did.
	VerdictFailed Verdict = "failed"
	// VerdictStale: the newest complete run passed, and its inputs have changed.
	VerdictStale Verdict = "stale"
	// VerdictPartial: only parts were run, and passed.
	VerdictPartial Verdict = "partial"
	// VerdictNone: no run came to a verdict.
	VerdictNone Verdict = "no verdict"
	// VerdictIncomplete is the verdict of a [Picture] in which no cell failed, but
	// some did not pass.
	VerdictIncomplete Verdict = "incomplete"
)

// Cell is one subject and one kind, with the verdict of its runs.
type Cell struct {
	Subject
	Kind    Kind
	Verdict Verdict
	// Run is the run that the verdict comes from.
	Run *Record
	// Stale says how the inputs of Run differ from the current ones, a line
	// each.
	Stale []string
	// Later are runs after Run, the newest first. None of them changes the
	// verdict.
	Later []*Record
	// Runs are all runs of the cell, the newest first.
	Runs []*Record
}

// Why says in a few words why the cell does not count as passed. Empty if it
// does.
func (c *Cell) Why() string {
	var parts []string
	switch c.Verdict {
	case VerdictPassed:
		return ""
	case VerdictNone:
		parts = append(parts, string(c.Run.State))
	case VerdictFailed:
		parts = append(parts, "failed")
	}
	if c.Run.Partial() {
		parts = append(parts, "partial: "+c.Run.Selection)
	}
	if n := len(c.Stale); n > 0 {
		text := "stale: " + c.Stale[0]
		if n > 1 {
			text += fmt.Sprintf(" and %d more", n-1)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

// Picture is the verdict of all runs on the current workbench.
type Picture struct {
	// Cells are ordered by subject, then by kind.
	Cells []*Cell
	// Gone are runs of bases, series or configurations that the workbench no
	// longer has. They do not count.
	Gone []*Record
}

// Verdict is passed only if there are cells and all of them passed. It is failed if at
// least one failed.
func (p *Picture) Verdict() Verdict {
	verdict := VerdictPassed
	if len(p.Cells) == 0 {
		verdict = VerdictIncomplete
	}
	for _, c := range p.Cells {
		switch c.Verdict {
		case VerdictPassed:
		case VerdictFailed:
			return VerdictFailed
		default:
			verdict = VerdictIncomplete
		}
	}
	return verdict
}

// Summary counts the cells by verdict: "5 passed, 1 stale".
func (p *Picture) Summary() string {
	var parts []string
	for _, v := range []Verdict{VerdictFailed, VerdictStale, VerdictPartial, VerdictNone, VerdictPassed} {
		n := 0
		for _, c := range p.Cells {
			if c.Verdict == v {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, v))
		}
	}
	if len(parts) == 0 {
		parts = append(parts, "no runs")
	}
	if n := len(p.Gone); n > 0 {
		parts = append(parts, fmt.Sprintf("%d of removed bases, series or configurations", n))
	}
	return strings.Join(parts, ", ")
}

// NewPicture sorts records into cells and judges each against the current
// inputs of the workbench at root. Records are the newest first, as
// [Store.List] returns them.
func NewPicture(ctx context.Context, root string, records []*Record) (*Picture, error) {
	p := &Picture{}
	look := NewLooker(root)
	for _, r := range records {
		_, err := look.Stale(ctx, r)
		if errors.Is(err, ErrGone) {
			p.Gone = append(p.Gone, r)
			continue
		}
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(p.Cells, func(c *Cell) bool { return c.Kind == r.Kind && c.same(r.Subject) })
		if i < 0 {
			i = len(p.Cells)
			p.Cells = append(p.Cells, &Cell{Subject: r.Subject, Kind: r.Kind})
		}
		p.Cells[i].Runs = append(p.Cells[i].Runs, r)
	}
	for _, c := range p.Cells {
		if err := c.judge(ctx, look); err != nil {
			return nil, err
		}
	}
	// Bases come in the order of the manifest.
	bases, err := prepare.Bases(root, prepare.AllBases)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(p.Cells, func(a, b *Cell) int {
		return cmp.Or(
			cmp.Compare(len(a.Trees), len(b.Trees)),
			cmp.Compare(a.Series, b.Series),
			cmp.Compare(uint(slices.Index(bases, a.Base)), uint(slices.Index(bases, b.Base))),
			cmp.Compare(a.Subject.Name(), b.Subject.Name()),
			cmp.Compare(slices.Index(Kinds(), a.Kind), slices.Index(Kinds(), b.Kind)),
		)
	})
	return p, nil
}

// judge fills in the verdict of c's runs.
func (c *Cell) judge(ctx context.Context, look *Looker) error {
	at := -1
	whole := slices.IndexFunc(c.Runs, func(r *Record) bool { return r.State.Judged() && !r.Partial() })
	// A failure with the current inputs after the newest complete run counts, even in a
	// small partial run.
	for i, r := range c.Runs {
		if whole >= 0 && i > whole {
			break
		}
		if r.State != Failed {
			continue
		}
		stale, err := look.Stale(ctx, r)
		if err != nil {
			return err
		}
		if len(stale) == 0 || i == whole {
			at, c.Verdict = i, VerdictFailed
			break
		}
	}
	if at < 0 && whole >= 0 {
		at, c.Verdict = whole, VerdictPassed
	}
	if at < 0 {
		at = slices.IndexFunc(c.Runs, func(r *Record) bool { return r.State.Judged() })
		c.Verdict = VerdictPartial
		if at >= 0 && c.Runs[at].State == Failed {
			c.Verdict = VerdictFailed
		}
	}
	if at < 0 {
		at, c.Verdict = 0, VerdictNone
	}
	c.Run, c.Later = c.Runs[at], c.Runs[:at]
	var err error
	if c.Stale, err = look.Stale(ctx, c.Run); err != nil {
		return err
	}
	if c.Verdict == VerdictPassed && len(c.Stale) > 0 {
		c.Verdict = VerdictStale
	}
	return nil
}

// Looker tells runs with the current inputs from stale ones. It hashes the inputs
// of each subject once.
type Looker struct {
	root    string
	present map[string]Inputs
}

// NewLooker returns one for the workbench at root.
func NewLooker(root string) *Looker { return &Looker{root: root, present: map[string]Inputs{}} }

// Stale says how the inputs of a run differ from the current ones, one per line.
// Empty means that the run had the current inputs. The error wraps
// [ErrGone] if the subject of the run no longer exists.
func (l *Looker) Stale(ctx context.Context, r *Record) ([]string, error) {
	ip := r.Inputs.IPBase()
	key := fmt.Sprintf("%s\n%+v\n%s", r.Kind, r.Subject, ip)
	present, ok := l.present[key]
	if !ok {
		var err error
		if present, err = Present(ctx, l.root, r.Kind, r.Subject, ip); err != nil {
			return nil, err
		}
		l.present[key] = present
	}
	if len(r.Inputs) == 0 {
		return []string{"the run has no record of its inputs"}, nil
	}
	return append(present.Compare(r.Inputs), r.Changed...), nil
}
