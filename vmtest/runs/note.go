// SPDX-License-Identifier: GPL-2.0-only OR MIT

package runs

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"xpsgen/vmtest/cache"
)

// NotesFile is where a run of any kind may leave remarks on lines of the
// series, as a JSON array of [Note]. The report shows them next to the lines,
// as long as the run had the current patches.
const NotesFile = "notes.json"

// Note is a remark on a line of a patch.
type Note struct {
	// Patch is the patch's path in the workbench, as in [Inputs].
	Patch string `json:"patch"`
	// Line is the line in the patch file, from 1.
	Line int `json:"line"`
	// Text is a few words: "reached by 12 tests", "mutant survived". Empty if Mark says
	// all.
	Text string `json:"text,omitempty"`
	// Mark says how well the line is tested, as [MarkKilled].
	Mark string `json:"mark,omitempty"`
	// Bad means that the line needs a look.
	Bad bool `json:"bad,omitempty"`
}

// Notes reads the notes of the run. It is empty if the run left no file.
func (r *Record) Notes() ([]Note, error) {
	notes, err := cache.ReadJSON[[]Note](filepath.Join(r.Dir, NotesFile), "the run's notes")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return notes, err
}

// SortNotes sorts by patch and line.
func SortNotes(all []Note) {
	slices.SortStableFunc(all, func(a, b Note) int {
		return cmp.Or(cmp.Compare(a.Patch, b.Patch), cmp.Compare(a.Line, b.Line))
	})
}

// WriteNotes writes the notes of a run to its directory.
func WriteNotes(dir string, all []Note) error {
	data, err := json.MarshalIndent(all, "", "\t")
	if err != nil {
		return fmt.Errorf("render %s: %w", NotesFile, err)
	}
	return cache.WriteFile(filepath.Join(dir, NotesFile), append(data, '\n'), 0o644)
}

// The marks of lines of code.
const (
	MarkKilled = "killed" // executed, and the suite fails with every mutant of the line
	MarkRun    = "run"    // executed; the suite passes with a mutant of the line, or none was tried
	MarkNever  = "never"  // executed by no test
)

// Better reports whether mark a says more than mark b: several runs may mark a line.
func Better(a, b string) bool {
	order := []string{"", MarkNever, MarkRun, MarkKilled}
	return slices.Index(order, a) > slices.Index(order, b)
}
