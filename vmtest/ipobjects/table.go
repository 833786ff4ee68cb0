// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ipobjects

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"xpsgen/vmtest/guest/objects/record"
)

// Table is the matrix: how ip ended for each build, context and object.
type Table struct {
	examples []string
	objects  []record.Object
	results  []record.Result
	// elapsed is how long the guest took, with its boot.
	elapsed time.Duration
}

// maxLines is how many lines of output a cell shows. Verifier logs are longer.
const maxLines = 12

// Faults returns results that are errors even if the golden table contains
// them. These are signals, wrong programs, a failure without a message, and a
// failure that attaches a program. They are also success without a program, a
// message with "(null)", and an example of the manual page that fails.
func (t *Table) Faults() []string {
	var all []string
	for _, r := range t.results {
		if r.Context == record.Manual {
			if r.Exit != 0 || r.Output != "" {
				all = append(all, fmt.Sprintf("%s: example of the manual page: %s: exit code %d: %s", r.Build, r.Object, r.Exit, r.Output))
			}
			continue
		}
		i := slices.IndexFunc(t.objects, func(o record.Object) bool { return o.Name == r.Object })
		o := t.objects[i]
		cell := fmt.Sprintf("%s/%s/%s", r.Build, r.Context, r.Object)
		switch {
		case r.Signal != "":
			all = append(all, fmt.Sprintf("%s: ip ended by signal: %s", cell, r.Signal))
		case r.Tag != "" && o.Value == nil:
			all = append(all, fmt.Sprintf("%s: attached a program that returns %d, expected none", cell, *r.Value))
		case r.Tag != "" && *r.Value != *o.Value:
			all = append(all, fmt.Sprintf("%s: attached a program that returns %d, expected %d", cell, *r.Value, *o.Value))
		case r.Exit != 0 && r.Tag != "":
			all = append(all, fmt.Sprintf("%s: attached a program, exit code %d", cell, r.Exit))
		case r.Exit != 0 && strings.TrimSpace(r.Output) == "":
			all = append(all, fmt.Sprintf("%s: exit code %d without a message", cell, r.Exit))
		case r.Exit == 0 && r.Tag == "" && r.Object != "off":
			all = append(all, fmt.Sprintf("%s: exit code 0 without a program", cell))
		case strings.Contains(r.Output, "(null)"):
			all = append(all, fmt.Sprintf("%s: message with (null)", cell))
		}
	}
	return all
}

// String returns the table of one build for the golden file. Contexts that end alike
// share a row.
func (t *Table) String(build string) string {
	var b strings.Builder
	for _, line := range t.examples {
		fmt.Fprintf(&b, "== example: %s\n", line)
		for _, r := range t.results {
			if r.Build == build && r.Object == line {
				fmt.Fprintf(&b, "%s: %s", r.Context, cell(&r))
			}
		}
	}
	for _, o := range t.objects {
		if len(o.Builds) > 0 && !slices.Contains(o.Builds, build) {
			continue
		}
		fmt.Fprintf(&b, "== %s: %s\n", o.Name, shorten(strings.Join(quoted(o.Args), " ")))
		var texts []string
		contexts := map[string][]string{}
		for _, r := range t.results {
			if r.Build != build || r.Object != o.Name {
				continue
			}
			text := cell(&r)
			if !slices.Contains(texts, text) {
				texts = append(texts, text)
			}
			contexts[text] = append(contexts[text], r.Context)
		}
		for _, text := range texts {
			fmt.Fprintf(&b, "%s: %s", strings.Join(contexts[text], ", "), text)
		}
	}
	return b.String()
}

// cell returns how one call of ip ended.
func cell(r *record.Result) string {
	var b strings.Builder
	switch {
	case r.Signal != "":
		fmt.Fprintf(&b, "signal %s", r.Signal)
	default:
		fmt.Fprintf(&b, "exit code %d", r.Exit)
	}
	if r.Tag != "" {
		fmt.Fprintf(&b, ", program %s returns %d", r.Tag, int32(*r.Value))
	}
	if len(r.Pins) > 0 {
		fmt.Fprintf(&b, ", pins %s", strings.Join(r.Pins, " "))
	}
	b.WriteString("\n")
	lines := strings.Split(strings.TrimSpace(record.Normal(r.Output)), "\n")
	for i, line := range lines {
		line = strings.TrimRight(line, " \t")
		if line == "" {
			continue
		}
		if i == maxLines {
			fmt.Fprintf(&b, "  ...\n")
			break
		}
		fmt.Fprintf(&b, "  %s\n", shorten(line))
	}
	return b.String()
}

// shorten cuts off a long line.
func shorten(s string) string {
	const most = 200
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}

func quoted(words []string) []string {
	var all []string
	for _, w := range words {
		if w == "" || strings.ContainsFunc(w, func(r rune) bool { return r <= ' ' || r > '~' }) {
			w = fmt.Sprintf("%q", w)
		}
		all = append(all, w)
	}
	return all
}
