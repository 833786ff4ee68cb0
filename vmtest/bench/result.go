// SPDX-License-Identifier: GPL-2.0-only OR MIT

package bench

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"xpsgen/vmtest/guest/bench/record"
)

// Results are the figures of one run.
type Results struct {
	// Base names the kernel base.
	Base string `json:"base"`
	// Tree is the git tree of the base with the series, without the patches for
	// measuring. It identifies the series that the figures belong to.
	Tree string `json:"tree"`
	// Unpatched are the figures of the base kernel. Patched are the figures with the
	// series.
	Unpatched []Figure `json:"unpatched"`
	Patched   []Figure `json:"patched"`
}

// Figure is one measurement, in instructions per operation.
type Figure struct {
	record.ID
	// Min is the smallest round, the value to compare. Median shows the spread.
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
	// Rounds is how many rounds count; Interrupted is how many were discarded.
	Rounds      int `json:"rounds"`
	Interrupted int `json:"interrupted"`
	// Asked and Queues are as in [record.Result].
	Asked  int   `json:"asked"`
	Queues []int `json:"queues,omitempty"`
}

func newFigure(r *record.Result) Figure {
	f := Figure{ID: r.ID, Rounds: len(r.Rounds), Interrupted: r.Interrupted, Asked: r.Asked, Queues: r.Queues}
	if len(r.Rounds) > 0 {
		sorted := slices.Sorted(slices.Values(r.Rounds))
		f.Min, f.Median = sorted[0], sorted[len(sorted)/2]
	}
	return f
}

// Bound reports whether every packet left by the requested queue. ok is false if no queue
// was requested, or packets are not observed.
func (f *Figure) Bound() (bound, ok bool) {
	if f.Asked == record.NoQueue || len(f.Queues) == 0 {
		return false, false
	}
	return len(f.Queues) == 1 && f.Queues[0] == f.Asked, true
}

// Binding describes whether packets leave by the queue that a contender requests. Empty
// if it requests none.
func Binding(figures []Figure, contender string) string {
	var done, not []string
	for _, f := range figures {
		if f.Contender != contender || f.Size != 0 {
			continue
		}
		if bound, ok := f.Bound(); bound {
			done = append(done, f.Path)
		} else if ok {
			not = append(not, f.Path)
		}
	}
	switch {
	case len(done)+len(not) == 0:
		return ""
	case len(not) == 0:
		return "as asked"
	case len(done) == 0:
		return "hint only"
	}
	return "hint only by " + strings.Join(not, ", ")
}

// ErrIncomplete is wrapped if an interrupt disturbed every round of a figure.
var ErrIncomplete = errors.New("the benchmark has no round without an interrupt")

func (r *Results) check() error {
	if r.Len() == 0 {
		return errors.New("the guests measured nothing")
	}
	for _, f := range slices.Concat(r.Unpatched, r.Patched) {
		if f.Rounds == 0 {
			return fmt.Errorf("%w: contender %s, path %s; run it again", ErrIncomplete, f.Contender, f.Path)
		}
	}
	return nil
}

// Len is the number of figures.
func (r *Results) Len() int { return len(r.Unpatched) + len(r.Patched) }

// Find returns a figure, or nil.
func Find(figures []Figure, id record.ID) *Figure {
	for i := range figures {
		if figures[i].ID == id {
			return &figures[i]
		}
	}
	return nil
}

// Reference returns the reference figure for a contender on a path: the base kernel
// with nothing configured, on the same kind of device. It returns nil if there is none.
func (r *Results) Reference(contender, path string) *Figure {
	none := "none"
	if strings.HasPrefix(contender, "tap-") {
		none = "tap-none"
	}
	return Find(r.Unpatched, record.ID{Contender: none, Path: path})
}

// Texts returns the figures for a cover letter, keyed PATH/CONTENDER. Each is the number
// of instructions that a contender on the kernel with the series adds to the base kernel.
func (r *Results) Texts() map[string]string {
	texts := make(map[string]string)
	for _, f := range r.Patched {
		if reference := r.Reference(f.Contender, f.Path); reference != nil && f.Size == 0 {
			texts[f.Path+"/"+f.Contender] = added(f.Min - reference.Min)
		}
	}
	return texts
}

// added formats a difference with its sign; 0 has none.
func added(d float64) string {
	if d = math.Round(d); d == 0 {
		return "0"
	}
	return fmt.Sprintf("%+.0f", d)
}
