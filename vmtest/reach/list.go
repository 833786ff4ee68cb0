// SPDX-License-Identifier: GPL-2.0-only OR MIT

package reach

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"xpsgen/vmtest/tomlfile"
)

// List are lines that no test can run, or that no test needs to run, each with
// the reason.
type List struct {
	Entries []Entry `toml:"line"`

	path string
}

// Entry describes lines that follow each other.
type Entry struct {
	// File is the path in the tree, Func the function. Both are required, except that
	// Func is empty for a whole file that is not compiled.
	File string `toml:"file"`
	Func string `toml:"func"`
	// Text are the lines, without the space around them. Empty means the whole function
	// or file, which must not be compiled.
	Text string `toml:"text"`
	// After is the line before Text. It is needed if Text is there more than once.
	After string `toml:"after"`
	// Bases limits the entry to kernel bases.
	Bases []string `toml:"bases"`
	// Reason says why no test runs the lines. Required.
	Reason string `toml:"reason"`
}

// ReadList reads a list. A file that is not there is an empty list.
func ReadList(path string) (*List, error) {
	l := &List{path: path}
	if err := tomlfile.Read(path, l); err != nil {
		return nil, err
	}
	for i, e := range l.Entries {
		switch {
		case strings.TrimSpace(e.Reason) == "":
			return nil, fmt.Errorf("%s: line %d has no reason", path, i+1)
		case e.File == "":
			return nil, fmt.Errorf("%s: line %d has no file", path, i+1)
		case e.Func == "" && e.Text != "":
			return nil, fmt.Errorf("%s: line %d has a text and no function", path, i+1)
		case e.Text == "" && e.After != "":
			return nil, fmt.Errorf("%s: line %d has no text to find after %q", path, i+1, e.After)
		}
	}
	return l, nil
}

// For returns the entries for a base.
func (l *List) For(base string) *List {
	some := &List{path: l.path}
	for _, e := range l.Entries {
		if len(e.Bases) == 0 || slices.Contains(e.Bases, base) {
			some.Entries = append(some.Entries, e)
		}
	}
	return some
}

func (e *Entry) String() string {
	text, _, _ := strings.Cut(strings.TrimSpace(e.Text), "\n")
	return strings.TrimSpace(strings.Join([]string{e.File, e.Func, text}, " "))
}

// source is a patched file with the added lines that have code.
type source struct {
	text  string
	lines []*Line
}

// apply sets the state of the lines that the list has to Listed. It returns the
// entries that need a review, for example because the text is gone or its lines
// run.
func (l *List) apply(files map[string]*source) (stale []string) {
	if l == nil {
		return nil
	}
	for i := range l.Entries {
		e := &l.Entries[i]
		if problem := e.apply(files[e.File]); problem != "" {
			stale = append(stale, fmt.Sprintf("%s: %s: %s", l.path, e, problem))
		}
	}
	return stale
}

func (e *Entry) apply(s *source) (problem string) {
	if s == nil {
		return "the series add no code to this file"
	}
	var lines []*Line
	for _, x := range s.lines {
		if e.Func == "" || x.Func == e.Func {
			lines = append(lines, x)
		}
	}
	if len(lines) == 0 {
		return "the series add no code to this function"
	}
	if e.Text != "" {
		var err error
		if lines, err = e.find(s.text, lines); err != nil {
			return err.Error()
		}
	}
	for _, x := range lines {
		switch {
		case x.State == Run:
			return fmt.Sprintf("line %d runs, in %s", x.Line, some(x.Tests))
		case x.State == Listed:
			return fmt.Sprintf("line %d is listed twice", x.Line)
		case e.Text == "" && x.State != Absent:
			return fmt.Sprintf("line %d is compiled: an entry without text is for code that is not", x.Line)
		}
	}
	for _, x := range lines {
		x.State, x.Was, x.Reason = Listed, x.State, e.Reason
	}
	return ""
}

// find returns the elements of lines that the text of the entry covers. The text must be in
// the function once.
func (e *Entry) find(text string, lines []*Line) ([]*Line, error) {
	want := trimmed(strings.Trim(e.Text, "\n"))
	raw := trimmed(text)
	first, last := lines[0].Line, lines[len(lines)-1].Line
	at := 0
	for n := first; n <= last; n++ { // lines count from 1
		end := n - 1 + len(want)
		if end > len(raw) || !slices.Equal(raw[n-1:end], want) || e.After != "" && (n < 2 || raw[n-2] != e.After) {
			continue
		}
		if at > 0 {
			return nil, fmt.Errorf("the text is on line %d and on line %d: add the line before it as after", at, n)
		}
		at = n
	}
	if at == 0 {
		return nil, errors.New("no such text among the added lines of the function")
	}
	var in []*Line
	for _, x := range lines {
		if at <= x.Line && x.Line < at+len(want) {
			in = append(in, x)
		}
	}
	if len(in) == 0 {
		return nil, errors.New("no line of the text has code")
	}
	return in, nil
}

// trimmed returns the lines of a text without the space around each.
func trimmed(text string) []string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return lines
}

// some names the first few.
func some(names []string) string {
	const few = 3
	if len(names) == 0 {
		return "no test"
	}
	text := strings.Join(names[:min(few, len(names))], ", ")
	if n := len(names) - few; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}
