// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"
	"strings"

	"xpsgen/gen/series"
)

// oneSeries returns the series that name names. Without a name it is the only
// one there is. The error lists what there is.
func oneSeries(c *series.Change, name string) (*series.Series, error) {
	all := c.All()
	if name == "" && len(all) == 1 {
		return all[0], nil
	}
	for _, s := range all {
		if s.Project == name && name != "" {
			return s, nil
		}
	}
	if name == "" {
		return nil, fmt.Errorf("there are several series:\n%s\nname one with --project", listSeries(c))
	}
	return nil, fmt.Errorf("--project %q: no such series; there are:\n%s\nname one of these", name, listSeries(c))
}

// listSeries lists the series with their bases and versions, a line each.
func listSeries(c *series.Change) string {
	var lines []string
	for _, s := range c.All() {
		var bases, sent []string
		for _, b := range s.Bases {
			bases = append(bases, b.Name)
		}
		for _, p := range s.Sent {
			sent = append(sent, fmt.Sprintf("v%d (%s)", p.Version, p.Date.Format("2006-01-02")))
		}
		if len(sent) == 0 {
			sent = []string{"nothing"}
		}
		lines = append(lines, fmt.Sprintf("  %s: now v%d; sent: %s; bases: %s", s.Project, s.Version, strings.Join(sent, ", "), strings.Join(bases, ", ")))
	}
	return strings.Join(lines, "\n")
}
