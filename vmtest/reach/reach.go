// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package reach tells which of the lines that the series add to the C files of kernel and
// ip are run by the suite.
//
// gcc and gcov count. The kernel's makefiles have gcc count the files that the series
// touch (CONFIG_GCOV_KERNEL); user space is built with --coverage. The guest sends the
// counts after each test. A static inline of a header counts in the files that use it.
//
// A line that never runs, or that this configuration does not compile, must be on a
// [List] with a reason.
package reach

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/boot"
	"xpsgen/vmtest/build"
	"xpsgen/vmtest/config"
	"xpsgen/vmtest/ipobjects"
	"xpsgen/vmtest/mutate"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/runs"
)

// Map finds out which lines run. Make one with [New].
type Map struct {
	source   prepare.Source
	programs []*program
	// dir has the patches, and temporary files of gcov.
	dir string
}

// New prepares a map of the series of src, and changes src to a kernel and an ip that
// count. The caller must call Close.
func New(ctx context.Context, src *prepare.Source) (m *Map, err error) {
	m = &Map{}
	if m.programs, err = open(ctx, src); err != nil {
		return nil, err
	}
	if m.dir, err = os.MkdirTemp("", "reach"); err != nil {
		return nil, fmt.Errorf("reach map: %w", err)
	}
	src.Fragments = append(slices.Clip(src.Fragments), config.Counting)
	for _, g := range m.programs {
		file, err := g.instrument(ctx, m.dir)
		if err != nil {
			return nil, errors.Join(err, m.Close())
		}
		extra := &src.KernelExtra
		if g.part == &ipPart {
			extra = &src.IPExtra
		}
		*extra = append(slices.Clip(*extra), file)
	}
	m.source = *src
	return m, nil
}

// Close removes the files of the map.
func (m *Map) Close() error { return os.RemoveAll(m.dir) }

// Result are the lines of the series.
type Result struct {
	// Lines are the added lines with code, by file.
	Lines []*Line `json:"lines"`
	// Apart are files that the guest does not run or whose lines are not counted, with
	// the number of added lines: tests, tools, headers of the UAPI.
	Apart map[string]int `json:"apart"`
	// Stale are entries of the list that fit no line.
	Stale []string `json:"stale,omitempty"`
	// Partial says that not all tests ran: lines that did not run say nothing.
	Partial bool `json:"partial,omitempty"`
	// Notes are the report's notes on lines of the patches.
	Notes []runs.Note `json:"-"`
}

// Options say how to read a map.
type Options struct {
	// List are the lines that need not run.
	List *List
	// Machine is the guest that loads objects with ip.
	Machine boot.Machine
	// Partial says that not all tests ran. Objects are not loaded then.
	Partial bool
}

// objectsTest names the object matrix among the tests that ran a line.
const objectsTest = "objects"

// Read reads what the guests sent, and has ip load the objects of package ipobjects. a are
// the parts of the guests.
func (m *Map) Read(ctx context.Context, a *prepare.Artifacts, archives []string, opt Options) (r *Result, err error) {
	const step = "count lines"
	defer m.source.Progress.Step(step, "")(&err)
	readers := map[*part]*reader{}
	for _, g := range m.programs {
		notes := a.Kernel.Notes
		if g.part == &ipPart {
			notes = build.NotesOf(a.IP.IP)
		}
		if readers[g.part], err = newReader(notes, m.dir, slices.Sorted(maps.Keys(g.added))); err != nil {
			return nil, err
		}
	}
	for _, path := range archives {
		if err := m.readArchive(ctx, path, readers); err != nil {
			return nil, err
		}
	}
	found := map[*part]measured{}
	for p, x := range readers {
		found[p] = x.measured
	}
	if ip := readers[&ipPart]; ip != nil && !opt.Partial {
		if found[&ipPart], err = m.countObjects(ctx, ip, opt.Machine); err != nil {
			return nil, err
		}
	}
	return m.judge(ctx, found, opt)
}

func (m *Map) readArchive(ctx context.Context, path string, readers map[*part]*reader) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read the counts: %w", err)
	}
	defer f.Close()
	return archive(f, func(test, path string, data []byte) error {
		if rest, ok := strings.CutPrefix(path, "kernel/"); ok {
			return readers[&kernelPart].add(ctx, test, rest, data)
		}
		if ip := readers[&ipPart]; ip != nil {
			return ip.add(ctx, test, strings.TrimPrefix(path, "programs/"), data)
		}
		return nil // the machine's own ip does not count
	})
}

// countObjects has ip load objects with each of its builds, and adds the counts to those
// of the suite.
func (m *Map) countObjects(ctx context.Context, suite *reader, machine boot.Machine) (measured, error) {
	dir := filepath.Join(m.dir, "ip")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return measured{}, fmt.Errorf("reach map: %w", err)
	}
	builds, err := ipobjects.Count(ctx, ipobjects.Options{Source: m.source, Machine: machine}, dir)
	if err != nil {
		return measured{}, err
	}
	total := suite.measured
	for _, b := range builds {
		r, err := newReader(b.Notes, m.dir, suite.files)
		if err != nil {
			return measured{}, err
		}
		r.measured = total
		entries, err := os.ReadDir(b.Counts)
		if err != nil {
			return measured{}, fmt.Errorf("read the counts: %w", err)
		}
		if len(entries) == 0 {
			return measured{}, fmt.Errorf("read the counts: build %s of ip left none", b.Build)
		}
		for _, e := range entries {
			data, err := os.ReadFile(filepath.Join(b.Counts, e.Name()))
			if err != nil {
				return measured{}, fmt.Errorf("read the counts: %w", err)
			}
			if err := r.add(ctx, objectsTest, e.Name(), data); err != nil {
				return measured{}, err
			}
		}
	}
	return total, nil
}

// judge classifies the lines, and applies the list.
func (m *Map) judge(ctx context.Context, found map[*part]measured, opt Options) (*Result, error) {
	r := &Result{Apart: map[string]int{}, Partial: opt.Partial}
	files := map[string]*source{}
	for _, g := range m.programs {
		maps.Copy(r.Apart, g.apart)
		of := found[g.part]
		for _, file := range slices.Sorted(maps.Keys(g.added)) {
			text, err := g.tree.Show(ctx, file)
			if err != nil {
				return nil, err
			}
			s := &source{text: string(text), lines: classify(file, string(text), g.added[file], of.total[file])}
			for _, l := range s.lines {
				l.Tests = of.tests[file][l.Line]
			}
			files[file] = s
			r.Lines = append(r.Lines, s.lines...)
		}
	}
	if !opt.Partial {
		r.Stale = opt.List.apply(files)
	}
	for _, g := range m.programs {
		places := mutate.NewPlaces(m.source.Root, g.tree)
		for file := range g.added {
			for _, l := range files[file].lines {
				n := l.note(opt.Partial)
				var err error
				if n.Patch, n.Line, err = places.Find(ctx, file, l.Line); err != nil {
					return nil, err
				}
				if n.Line > 0 && n.Mark != "" {
					r.Notes = append(r.Notes, n)
				}
			}
		}
	}
	runs.SortNotes(r.Notes)
	return r, nil
}

// note returns the report's note on the line.
func (l *Line) note(partial bool) runs.Note {
	switch l.State {
	case Run:
		return runs.Note{Mark: runs.MarkRun}
	case Listed:
		return runs.Note{Mark: runs.MarkNever, Text: l.Reason}
	}
	if partial {
		return runs.Note{}
	}
	return runs.Note{Mark: runs.MarkNever, Bad: true, Text: string(l.State)}
}

// Count returns how many lines are in a state.
func (r *Result) Count(s State) (n int) {
	for _, l := range r.Lines {
		if l.State == s {
			n++
		}
	}
	return n
}

// Bad returns the lines that neither run nor are listed.
func (r *Result) Bad() (lines []*Line) {
	if r.Partial {
		return nil
	}
	for _, l := range r.Lines {
		if l.State == Never || l.State == Absent {
			lines = append(lines, l)
		}
	}
	return lines
}

// Reasons returns why the run fails, one per line.
func (r *Result) Reasons() (reasons []string) {
	for _, l := range r.Bad() {
		reasons = append(reasons, fmt.Sprintf("%s:%d: %s: %s", l.File, l.Line, l.State, l.Text))
	}
	return append(reasons, r.Stale...)
}

// Summary returns the figures in one line.
func (r *Result) Summary() string {
	text := fmt.Sprintf("%d added lines with code: %d run, %d listed", len(r.Lines), r.Count(Run), r.Count(Listed))
	if bad := r.Count(Never) + r.Count(Absent); bad > 0 {
		text += fmt.Sprintf(", %d neither", bad)
	}
	apart := 0
	for _, n := range r.Apart {
		apart += n
	}
	text += fmt.Sprintf("; %d lines of %d other files not counted", apart, len(r.Apart))
	if r.Partial {
		text += " (PARTIAL: not all tests ran, so lines that did not run are not judged)"
	}
	return text
}

// FileCount are the figures of one file.
type FileCount struct {
	File                        string
	Lines, Run, Listed, Neither int
}

// Files returns the figures of each file with code, in order.
func (r *Result) Files() (all []FileCount) {
	for _, l := range r.Lines {
		if len(all) == 0 || all[len(all)-1].File != l.File {
			all = append(all, FileCount{File: l.File})
		}
		f := &all[len(all)-1]
		f.Lines++
		switch l.State {
		case Run:
			f.Run++
		case Listed:
			f.Listed++
		default:
			f.Neither++
		}
	}
	slices.SortFunc(all, func(a, b FileCount) int { return cmp.Compare(a.File, b.File) })
	return all
}
