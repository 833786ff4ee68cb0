// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package collect merges the archives of cells into one verdict. It compares
// them with the plan. A cell without an archive failed. Two archives of one
// attempt are an error, and so is a cell that ran something else than planned.
package collect

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/cell"
	"xpsgen/vmtest/runs"
)

// State is the result of a cell.
type State string

// The states of a cell. Only Passed lets the plan pass.
const (
	// Passed: the last attempt passed.
	Passed State = "passed"
	// Failed: a test or a check failed in the last attempt.
	Failed State = "failed"
	// Broken: the workbench could not do its work in the last attempt.
	Broken State = "broken"
	// Interrupted: a signal ended the last attempt.
	Interrupted State = "interrupted"
	// Missing: there is no archive. The cell was not run, or its machine died.
	Missing State = "missing"
	// Doubled: there are several archives of one attempt.
	Doubled State = "doubled"
	// Differs: the cell ran with other inputs than planned.
	Differs State = "differs"
)

// States lists the states, the best first.
func States() []State {
	return []State{Passed, Failed, Broken, Interrupted, Missing, Doubled, Differs}
}

// Row is a cell of the plan and its result.
type Row struct {
	*cell.Cell
	State State
	// Attempts are the results, the first attempt first.
	Attempts []*cell.Result
	// Reasons say why the cell did not pass, or that it passed only when repeated.
	Reasons []string
}

// Last is the result of the last attempt; nil if there is none.
func (r *Row) Last() *cell.Result {
	if len(r.Attempts) == 0 {
		return nil
	}
	return r.Attempts[len(r.Attempts)-1]
}

// Counts are the results of the tests of the last attempt.
func (r *Row) Counts() (c runs.Counts) {
	if last := r.Last(); last != nil {
		for _, rec := range last.Records {
			c.Pass, c.Fail, c.Skip, c.Planned = c.Pass+rec.Counts.Pass, c.Fail+rec.Counts.Fail, c.Skip+rec.Counts.Skip, c.Planned+rec.Counts.Planned
		}
	}
	return c
}

// Merged is the result of a plan.
type Merged struct {
	Plan *cell.Plan
	// Rows are the cells of the plan, in its order.
	Rows []*Row
	// Problems are about archives that belong to no cell of the plan, and about cells
	// that do not fit together. With any, the plan fails.
	Problems []string
}

// Passed reports whether every cell passed and all fits together.
func (m *Merged) Passed() bool {
	return len(m.Problems) == 0 && !slices.ContainsFunc(m.Rows, func(r *Row) bool { return r.State != Passed })
}

// Broken reports whether nothing failed, but the workbench could not do its work.
func (m *Merged) Broken() bool {
	return !m.Passed() && len(m.Problems) == 0 &&
		!slices.ContainsFunc(m.Rows, func(r *Row) bool { return r.State != Passed && r.State != Broken })
}

// Summary counts the cells by state: "6 cells: 4 passed, 1 failed, 1 missing".
func (m *Merged) Summary() string {
	var parts []string
	for _, s := range States() {
		n := 0
		for _, r := range m.Rows {
			if r.State == s {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	if n := len(m.Problems); n > 0 {
		parts = append(parts, fmt.Sprintf("%d problems", n))
	}
	return fmt.Sprintf("%d cells: %s", len(m.Rows), strings.Join(parts, ", "))
}

// Again is a plan of the cells that did not pass, each with the next attempt.
func (m *Merged) Again() *cell.Plan {
	p := *m.Plan
	p.Cells = []*cell.Cell{}
	for _, r := range m.Rows {
		if r.State == Passed {
			continue
		}
		c := *r.Cell
		if last := r.Last(); last != nil {
			c.Attempt = max(c.Attempt, last.Cell.Attempt+1)
		}
		p.Cells = append(p.Cells, &c)
	}
	return &p
}

// Find returns the archives in dirs and their subdirectories, in order.
func Find(dirs []string) (archives []string, err error) {
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case e.IsDir() && strings.HasPrefix(e.Name(), ".tmp-"):
				return fs.SkipDir
			case e.Type().IsRegular() && strings.HasSuffix(e.Name(), cell.Suffix) && !strings.HasPrefix(e.Name(), "."):
				archives = append(archives, path)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("find archives: %w", err)
		}
	}
	return archives, nil
}

// Merge unpacks archives below dir, which must be empty, and compares them with the plan.
func Merge(p *cell.Plan, archives []string, dir string) (*Merged, error) {
	m := &Merged{Plan: p}
	index := map[string]*Row{}
	for _, c := range p.Cells {
		r := &Row{Cell: c}
		m.Rows, index[c.Name] = append(m.Rows, r), r
	}
	for i, archive := range archives {
		to := filepath.Join(dir, fmt.Sprint(i+1))
		if err := os.MkdirAll(to, 0o755); err != nil {
			return nil, fmt.Errorf("collect: %w", err)
		}
		result, err := cell.Unpack(archive, to)
		if errors.Is(err, cell.ErrArchive) {
			m.Problems = append(m.Problems, err.Error())
			continue
		}
		if err != nil {
			return nil, err
		}
		row := index[result.Cell.ID()]
		if row == nil {
			m.Problems = append(m.Problems, fmt.Sprintf("%s: cell %s is not in the plan", archive, result.Cell.ID()))
			continue
		}
		row.Attempts = append(row.Attempts, result)
	}
	for _, r := range m.Rows {
		slices.SortStableFunc(r.Attempts, func(a, b *cell.Result) int {
			return cmp.Or(cmp.Compare(a.Cell.Attempt, b.Cell.Attempt), a.Started.Compare(b.Started))
		})
		r.judge(p)
	}
	m.Problems = append(m.Problems, m.versions()...)
	return m, nil
}

// judge fills in the state of a row.
func (r *Row) judge(p *cell.Plan) {
	last := r.Last()
	if last == nil || last.Cell.Attempt < r.Attempt {
		r.State, r.Reasons = Missing, []string{"no archive: the cell was not run, or its machine died"}
		return
	}
	for i, a := range r.Attempts[1:] {
		if before := r.Attempts[i]; a.Cell.Attempt == before.Cell.Attempt {
			r.State = Doubled
			r.Reasons = append(r.Reasons, fmt.Sprintf("two archives of attempt %d: %s and %s", a.Cell.Attempt, before.Archive, a.Archive))
		}
	}
	if r.State == Doubled {
		return
	}
	if r.Reasons = r.differences(p); len(r.Reasons) > 0 {
		r.State = Differs
		return
	}
	switch code := last.ExitCode; {
	case code == 0:
		r.State = Passed
		if n := last.Cell.Attempt; n > 1 {
			r.Reasons = []string{fmt.Sprintf("passed in attempt %d", n)}
		}
		return
	case code == 1:
		r.State = Failed
	case code > 128:
		r.State = Interrupted
	default:
		r.State = Broken
	}
	if r.Reasons = last.Reasons; len(r.Reasons) == 0 {
		r.Reasons = []string{fmt.Sprintf("exit code %d", last.ExitCode)}
	}
}

// differences say how the last attempt differs from the plan.
func (r *Row) differences(p *cell.Plan) (all []string) {
	last := r.Last()
	if !slices.Equal(last.Cell.Items, r.Items) {
		all = append(all, "other items than planned")
	}
	if last.Commit != p.Commit || last.Dirty != p.Dirty {
		all = append(all, fmt.Sprintf("commit %s, planned %s", commit(last.Commit, last.Dirty), commit(p.Commit, p.Dirty)))
	}
	for _, rec := range last.Records {
		if rec.Kind == r.RunKind() && r.Inputs != "" && cell.Digest(rec.Inputs) != r.Inputs {
			all = append(all, "other patches, configuration or sources than planned")
			break
		}
	}
	return all
}

func commit(hash string, dirty bool) string {
	switch {
	case hash == "":
		return "unknown"
	case dirty:
		return hash[:min(12, len(hash))] + " with local changes"
	}
	return hash[:min(12, len(hash))]
}

// versions compares the sources that cells on one base used. A source that
// cannot be obtained on one machine may be replaced by another version there.
func (m *Merged) versions() (problems []string) {
	for _, what := range []string{"kernel", "iproute2"} {
		seen := map[string]string{} // version by base
		first := map[string]string{}
		for _, r := range m.Rows {
			if r.Last() == nil {
				continue
			}
			for _, rec := range r.Last().Records {
				v := source(rec.Versions[what])
				switch old := seen[rec.Base]; {
				case v == "" || v == old:
				case old == "":
					seen[rec.Base], first[rec.Base] = v, r.Name
				default:
					problems = append(problems, fmt.Sprintf("%s of base %s differs: %s in cell %s, %s in cell %s", what, rec.Base, old, first[rec.Base], v, r.Name))
				}
			}
		}
	}
	return problems
}

// source is the part of a version that does not depend on the configuration: what
// follows the release.
func source(version string) string {
	_, from, found := strings.Cut(version, ", ")
	if !found {
		return version
	}
	return from
}
