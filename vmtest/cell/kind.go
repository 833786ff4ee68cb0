// SPDX-License-Identifier: GPL-2.0-only OR MIT

package cell

import (
	"slices"
	"strconv"

	"xpsgen/vmtest/arch"
	"xpsgen/vmtest/plan"
	"xpsgen/vmtest/runs"
)

// need says whether a cell of a kind has a field.
type need int

const (
	never need = iota
	maybe
	always
)

// kind is a kind of cell.
type kind struct {
	name string
	// base to arch say which fields a cell of the kind has.
	base, series, config, patch, items, arch need
	// args returns the arguments of xpsgen; nil means make with the kind as target.
	args func(c *Cell) []string
	// record is the kind of the run record that the command leaves. Empty means that
	// the command leaves none, and [Run] makes one.
	record runs.Kind
}

// kinds are all kinds, in the order of a plan.
var kinds = []kind{
	{name: "lint"},
	{name: "unit"},
	{name: "check", base: always, series: always, patch: maybe, record: runs.Check, args: func(c *Cell) []string {
		return append([]string{"series", "check", "--fast"}, thread(c)...)
	}},
	{name: "series", base: always, series: always, patch: maybe, record: runs.Check, args: func(c *Cell) []string {
		return append([]string{"series", "check"}, thread(c)...)
	}},
	{name: "check-uapi", base: always, args: func(c *Cell) []string {
		return append([]string{"uapi", "--check"}, source(c)...)
	}},
	{name: "builds", base: always, record: runs.Builds, args: func(c *Cell) []string {
		return append([]string{"builds"}, source(c)...)
	}},
	{name: "suite", base: always, config: maybe, items: maybe, arch: maybe, record: runs.Suite, args: func(c *Cell) []string {
		args := append([]string{"vmtest"}, source(c)...)
		if len(c.Items) > 0 {
			args = append(args, "--run", plan.Exactly(c.Items))
		}
		return args
	}},
	{name: "unpatched", base: always, config: maybe, arch: maybe, record: runs.Suite, args: func(c *Cell) []string {
		return append([]string{"vmtest", "--unpatched"}, source(c)...)
	}},
	{name: "bisect", base: always, series: always, patch: maybe, record: runs.Bisect, args: func(c *Cell) []string {
		args := append([]string{"bisect", "--series", c.Series}, source(c)...)
		if c.Patch > 0 {
			args = append(args, "--patch", strconv.Itoa(c.Patch))
		}
		return args
	}},
	{name: "mutants", base: always, config: maybe, items: maybe, record: runs.Mutants, args: func(c *Cell) []string {
		return append(append([]string{"mutants"}, source(c)...), c.Items...)
	}},
	{name: "mutate", base: always, record: runs.Mutate, args: func(c *Cell) []string {
		return append([]string{"mutate"}, source(c)...)
	}},
	{name: "reach", base: always, record: runs.Reach, args: func(c *Cell) []string {
		return append([]string{"vmtest", "--reach"}, source(c)...)
	}},
	{name: "guest", base: always, arch: maybe},
	{name: "stock", arch: always},
	{name: "peers", base: always, record: runs.Peers, args: func(c *Cell) []string {
		return append([]string{"peers"}, source(c)...)
	}},
	{name: "objects"},
	{name: "foreign"},
	{name: "faults"},
	{name: "report-test"},
	{name: "prove-quick"},
	{name: "prove", base: always, record: runs.Prove, args: func(c *Cell) []string {
		return append([]string{"prove"}, source(c)...)
	}},
	{name: "prove-mutants", base: always},
	{name: "seeds"},
	{name: "bench-policies", base: always},
	{name: "ten-days"},
	{name: "series-real"},
	{name: "stress", base: always},
	{name: "full"},
	{name: "fuzz"},
	{name: "fuzz-ip"},
	{name: "fuzz-headers"},
	{name: "objects-mutants"},
	{name: "ip-testsuite"},
	{name: "edits", base: always},
	{name: "ip-warnings"},
	{name: "defects"},
	{name: "verify-uapi"},
	{name: "ports"},
	{name: "bare-debian"},
}

// Kinds lists the names of all kinds.
func Kinds() []string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return names
}

func findKind(name string) *kind {
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == name })
	if i < 0 {
		return nil
	}
	return &kinds[i]
}

// thread selects one series, for the checks.
func thread(c *Cell) []string {
	args := []string{c.Series + "/" + c.Base}
	if c.Patch > 0 {
		args = append(args, "--patch", strconv.Itoa(c.Patch))
	}
	return args
}

// source selects the kernel.
func source(c *Cell) []string {
	args := []string{"--base", c.Base}
	for _, f := range c.Config {
		args = append(args, "--config", f)
	}
	if c.Arch != arch.Amd64 {
		args = append(args, "--arch", c.Arch)
	}
	return args
}

// RunKind is the kind of the run records of the cell.
func (c *Cell) RunKind() runs.Kind {
	if k := findKind(c.Kind); k != nil && k.record != "" {
		return k.record
	}
	return runs.Kind(c.Kind)
}

// Subject is the subject of the run records of the cell. first is the base for kinds
// without one.
func (c *Cell) Subject(first string) runs.Subject {
	s := runs.Subject{Base: c.Base, Config: c.Config, Unpatched: c.Kind == "unpatched"}
	if c.Arch != arch.Amd64 {
		s.Arch = c.Arch
	}
	if s.Base == "" {
		s.Base = first
	}
	if c.RunKind() == runs.Check {
		s.Series = c.Series
	}
	return s
}
