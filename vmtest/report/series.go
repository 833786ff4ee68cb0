// SPDX-License-Identifier: GPL-2.0-only OR MIT

package report

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/runs"
)

// Series holds the current patches of one directory.
type Series struct {
	// Name is the directory in the workbench.
	Name    string
	Patches []Patch
}

// Patch is one patch file.
type Patch struct {
	File, Anchor, Subject string
	Message               string
	Lines                 []Line
	Added, Removed        int
	// Notes is how many lines have some.
	Notes int
	// Marks is how many lines have each mark.
	Marks map[string]int
}

// Mark explains the mark of a line.
type Mark struct {
	// Name is the mark, as [runs.MarkKilled]. Sign tells it without colour.
	Name, Sign string
	// Means says what it means.
	Means string
}

// marks are all marks, the best first.
var marks = []Mark{
	{runs.MarkKilled, "✓", "run, and the suite notices every mutant of it"},
	{runs.MarkRun, "○", "run, and the suite misses a mutant, or none was tried"},
	{runs.MarkNever, "✗", "not run by any test; the note says why"},
}

// legend returns the marks if any line has one.
func legend(all []Series) []Mark {
	for _, s := range all {
		for _, p := range s.Patches {
			if len(p.Marks) > 0 {
				return marks
			}
		}
	}
	return nil
}

// sign tells a mark without colour.
func sign(name string) string {
	for _, m := range marks {
		if m.Name == name {
			return m.Sign
		}
	}
	return ""
}

// markCounts lists how many lines of a patch have each mark: "30 killed, 2 run".
func markCounts(p Patch) string {
	var parts []string
	for _, m := range marks {
		if n := p.Marks[m.Name]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, m.Name))
		}
	}
	return strings.Join(parts, ", ")
}

// Line is a line of a diff. Sort is "file", "meta", "hunk", "add", "del" or
// empty.
type Line struct {
	Sort, Text string
	// Mark is how well the line is tested, as [runs.MarkKilled]; empty if unknown.
	Mark  string
	Notes []runs.Note
}

// readSeries reads the patches of the default base. notes are by the path of
// the patch.
func readSeries(ctx context.Context, root string, notes map[string][]runs.Note) ([]Series, error) {
	bases, err := prepare.Bases(root, "")
	if err != nil {
		return nil, err
	}
	in, err := runs.Present(ctx, root, runs.Suite, runs.Subject{Base: bases[0]}, "")
	if errors.Is(err, runs.ErrGone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []Series
	for _, path := range slices.Sorted(maps.Keys(in)) {
		if !strings.HasSuffix(path, ".patch") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			return nil, fmt.Errorf("read the series: %w", err)
		}
		p := parsePatch(path, data, notes[path])
		dir := filepath.Dir(path)
		if n := len(all); n == 0 || all[n-1].Name != dir {
			all = append(all, Series{Name: dir})
		}
		all[len(all)-1].Patches = append(all[len(all)-1].Patches, p)
	}
	// The kernel comes first.
	slices.SortStableFunc(all, func(a, b Series) int {
		return -strings.Compare(strings.SplitN(a.Name, "/", 2)[0], strings.SplitN(b.Name, "/", 2)[0])
	})
	return all, nil
}

// brackets are the brackets at the beginning of a mail's subject.
var brackets = regexp.MustCompile(`^\[[^\]]*\] *`)

// parsePatch cuts a patch file into subject, message and diff.
func parsePatch(path string, data []byte, notes []runs.Note) Patch {
	p := Patch{File: filepath.Base(path), Anchor: anchor("patch", path), Marks: map[string]int{}}
	var message []string
	const (
		header = iota
		subject
		body
		stat
		diff
	)
	at := header
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		text := lines.Text()
		if strings.HasPrefix(text, "diff --git ") {
			at = diff
		}
		switch at {
		case header, subject:
			switch {
			case text == "":
				at = body
			case strings.HasPrefix(text, "Subject: "):
				at, p.Subject = subject, strings.TrimPrefix(text, "Subject: ")
			case at == subject && strings.HasPrefix(text, " "):
				p.Subject += text
			default:
				at = header
			}
		case body:
			if text == "---" {
				at = stat
				continue
			}
			message = append(message, text)
		case diff:
			if text == "-- " {
				at = stat // the signature
				continue
			}
			l := Line{Text: text, Sort: p.sort(text)}
			for _, note := range notes {
				if note.Line != n {
					continue
				}
				if runs.Better(note.Mark, l.Mark) {
					l.Mark = note.Mark
				}
				if note.Text != "" {
					l.Notes = append(l.Notes, note)
				}
			}
			if len(l.Notes) > 0 {
				p.Notes++
			}
			if l.Mark != "" {
				p.Marks[l.Mark]++
			}
			p.Lines = append(p.Lines, l)
		}
	}
	p.Subject = brackets.ReplaceAllString(p.Subject, "")
	p.Message = strings.TrimSpace(strings.Join(message, "\n"))
	return p
}

// sort classifies a line of a diff, and counts it.
func (p *Patch) sort(text string) string {
	switch {
	case strings.HasPrefix(text, "diff --git "):
		return "file"
	case strings.HasPrefix(text, "+++ "), strings.HasPrefix(text, "--- "), strings.HasPrefix(text, "index "),
		strings.HasPrefix(text, "new file"):
		return "meta"
	case strings.HasPrefix(text, "@@ "):
		return "hunk"
	case strings.HasPrefix(text, "+"):
		p.Added++
		return "add"
	case strings.HasPrefix(text, "-"):
		p.Removed++
		return "del"
	}
	return ""
}
