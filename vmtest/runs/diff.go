// SPDX-License-Identifier: GPL-2.0-only OR MIT

package runs

import (
	"fmt"
	"maps"
	"slices"

	"xpsgen/vmtest/ktap"
)

// Diff lists the differences of two runs, one per line: subject, inputs, versions,
// verdict, and the tests with another result.
func Diff(a, b *Record) ([]string, error) {
	var lines []string
	differ := func(what, was, is string) {
		if was != is {
			lines = append(lines, fmt.Sprintf("%s: %s -> %s", what, orNone(was), orNone(is)))
		}
	}
	differ("kind", string(a.Kind), string(b.Kind))
	differ("subject", a.Subject.Name(), b.Subject.Name())
	differ("partial", a.Selection, b.Selection)
	for _, line := range b.Inputs.Compare(a.Inputs) {
		lines = append(lines, "input: "+line)
	}
	names := slices.Sorted(maps.Keys(b.Versions))
	for _, name := range slices.Sorted(maps.Keys(a.Versions)) {
		if _, both := b.Versions[name]; !both {
			names = append(names, name)
		}
	}
	for _, name := range names {
		differ(name, a.Versions[name], b.Versions[name])
	}
	differ("state", string(a.State), string(b.State))
	was, err := a.results()
	if err != nil {
		return nil, err
	}
	is, err := b.results()
	if err != nil {
		return nil, err
	}
	all := maps.Clone(was)
	maps.Copy(all, is)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		differ(name, was[name], is[name])
	}
	return lines, nil
}

// results are the results of a run by test, in a word each.
func (r *Record) results() (map[string]string, error) {
	report, err := r.Report()
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, t := range report.Flat() {
		text := t.Status.String()
		if t.Status != ktap.Pass && t.Reason != "" {
			text += " (" + t.Reason + ")"
		}
		all[t.Name] = text
	}
	return all, nil
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
