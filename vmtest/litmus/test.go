// SPDX-License-Identifier: GPL-2.0-only OR MIT

package litmus

import (
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"
)

//go:embed tests
var texts embed.FS

// Verdict is what herd7 must say of an outcome.
type Verdict string

// The verdicts.
const (
	// Never: no execution has the outcome.
	Never Verdict = "Never"
	// Sometimes: some executions have it.
	Sometimes Verdict = "Sometimes"
	// DataRace: two accesses race, and the compiler may split or repeat them.
	DataRace Verdict = "data-race"
)

// Test is a litmus test. Its outcome must be impossible, without a data race.
type Test struct {
	// Name is the name of the file without its suffix.
	Name string
	// Claim is what the test shows, in words.
	Claim string
	// Code is what the test models.
	Code []Code
	// Twins are variants that must have another verdict. There is at least one: it
	// shows that the test can fail.
	Twins []Twin
}

// Twin is a test without something that orders its accesses.
type Twin struct {
	// Name says what it lacks.
	Name string
	// Edits make the twin from the test.
	Edits []Edit
	// Want is the verdict that the twin must have.
	Want Verdict
}

// Edit replaces each line that is Line without its white space.
type Edit struct {
	Line, By string
}

// ErrUnknown is wrapped by the error for a name that no test contains.
var ErrUnknown = errors.New("no litmus test has this name")

// Select returns the tests whose name contains one of names, in the order of the table. No
// names select all.
func Select(names []string) ([]*Test, error) {
	var all []*Test
	used := map[string]bool{}
	for i := range tests {
		take := len(names) == 0
		for _, n := range names {
			if strings.Contains(tests[i].Name, n) {
				take, used[n] = true, true
			}
		}
		if take {
			all = append(all, &tests[i])
		}
	}
	for _, n := range names {
		if !used[n] {
			return nil, fmt.Errorf("%q: %w (there are %s)", n, ErrUnknown, strings.Join(Names(), ", "))
		}
	}
	return all, nil
}

// Names lists the tests.
func Names() (names []string) {
	for _, t := range tests {
		names = append(names, t.Name)
	}
	return names
}

// text is the text of a twin, or of the test if w is nil, with the name that herd7 prints.
func (t *Test) text(w *Twin) (name, text string, err error) {
	data, err := texts.ReadFile("tests/" + t.Name + ".litmus")
	if err != nil {
		return "", "", fmt.Errorf("read litmus test %s: %w", t.Name, err)
	}
	if w == nil {
		return t.Name, string(data), nil
	}
	name = t.Name + "-" + w.Name
	edits := append([]Edit{{"C " + t.Name, "C " + name}}, w.Edits...)
	lines := strings.Split(string(data), "\n")
	for _, e := range edits {
		found := false
		for i, line := range lines {
			if strings.TrimSpace(line) == e.Line {
				lines[i], found = strings.Replace(line, e.Line, e.By, 1), true
			}
		}
		if !found {
			return "", "", fmt.Errorf("make litmus test %s: %s.litmus has no line %q", name, t.Name, e.Line)
		}
	}
	return name, strings.Join(lines, "\n"), nil
}

// compare says how a verdict differs from what is wanted. A twin that must be possible may
// have a data race as well.
func (v *verdict) compare(want Verdict) (why []string) {
	flags := slices.DeleteFunc(slices.Clone(v.Flags), func(f string) bool { return f == string(DataRace) })
	race := len(flags) < len(v.Flags)
	if len(flags) > 0 {
		why = append(why, "herd7 warns of "+strings.Join(flags, ", "))
	}
	switch {
	case want == DataRace && !race:
		why = append(why, "herd7 finds no data race")
	case want != DataRace && v.Observation != want:
		why = append(why, fmt.Sprintf("herd7 says %s, want %s", v.String(), want))
	case want == Never && race:
		why = append(why, "herd7 finds a data race")
	}
	return why
}
