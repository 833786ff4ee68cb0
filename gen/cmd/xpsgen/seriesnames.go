// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"
	"strings"

	"xpsgen/gen/series"
)

// oneSeries returns the series with the key, or without a key the only one that is
// sent. The error lists all series.
func oneSeries(c *series.Change, key string) (*series.Series, error) {
	if key != "" {
		if s := c.Find(key); s != nil {
			return s, nil
		}
		return nil, fmt.Errorf("no series %q; there are %s", key, listSeries(c))
	}
	keys := c.Keys(func(s *series.Series) bool { return s.Submit() != nil })
	if len(keys) != 1 {
		return nil, fmt.Errorf("name one of the series: %s", listSeries(c))
	}
	return c.Find(keys[0]), nil
}

// listSeries lists the series with their versions and bases.
func listSeries(c *series.Change) string {
	var list []string
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
		list = append(list, fmt.Sprintf("%s (v%d, sent: %s, bases: %s)", s.Key, s.Version, strings.Join(sent, ", "), strings.Join(bases, ", ")))
	}
	return strings.Join(list, "; ")
}
