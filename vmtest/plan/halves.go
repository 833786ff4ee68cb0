// SPDX-License-Identifier: GPL-2.0-only OR MIT

package plan

//go:generate go test xpsgen/vmtest/guest/suite -run TestPlanIsCurrent -update

import (
	"cmp"
	"slices"
	"strings"
)

// worthTwo is the cost from which on a second guest pays, in hundredths of a second. It
// takes about a second to boot.
const worthTwo = 300

// Halves returns the patterns of the two guests that share the suite.
func Halves() []string {
	names := make([]string, len(tests))
	for i, t := range tests {
		names[i] = t.Group + "/" + t.Name
	}
	return Shares(names)
}

// Shares divides the named tests among two guests that take about the same time, and returns
// the pattern of each. It returns nil if one guest is as fast. A guest runs whole groups. The
// first group is in the first guest, the last one in the second.
func Shares(names []string) []string {
	type group struct {
		name  string
		cost  int
		tests []string
	}
	var groups []group
	total := 0
	for _, n := range names {
		name, _, _ := strings.Cut(n, "/")
		if len(groups) == 0 || groups[len(groups)-1].name != name {
			groups = append(groups, group{name: name})
		}
		g := &groups[len(groups)-1]
		g.cost, g.tests = g.cost+cost(n), append(g.tests, n)
		total += cost(n)
	}
	if len(groups) < 2 || total < worthTwo {
		return nil
	}
	last := len(groups) - 1
	sums := [2]int{groups[0].cost, groups[last].cost}
	in := map[string]int{groups[0].name: 0, groups[last].name: 1}
	// The most expensive group first, into the guest that has less to do.
	rest := slices.Clone(groups[1:last])
	slices.SortStableFunc(rest, func(a, b group) int { return cmp.Compare(b.cost, a.cost) })
	for _, g := range rest {
		half := 0
		if sums[1] < sums[0] {
			half = 1
		}
		in[g.name] = half
		sums[half] += g.cost
	}
	var halves [2][]string
	for _, g := range groups {
		pattern := "^" + g.name + "$/"
		if len(g.tests) < groupSize(g.name) {
			pattern = Exactly(g.tests)
		}
		halves[in[g.name]] = append(halves[in[g.name]], pattern)
	}
	return []string{strings.Join(halves[0], "|"), strings.Join(halves[1], "|")}
}

// groupSize returns the number of tests in a group of the suite.
func groupSize(name string) (n int) {
	for _, t := range tests {
		if t.Group == name {
			n++
		}
	}
	return n
}
