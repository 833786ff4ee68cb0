// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package cell describes, runs and archives the cells of the test matrix. A
// cell is a part of the work that one machine does alone, such as the suite on
// one base, the checks of one series, or a shard of the mutants.
//
// A [Plan] lists cells. [Run] runs one of them and leaves an archive. Package collect
// merges the archives. Plan and archives are plain files, so that any engine can carry
// them from machine to machine.
package cell

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"xpsgen/vmtest/arch"
)

// Cell is one part of the matrix. Its fields up to Shard identify it.
type Cell struct {
	// Name is [Cell.ID].
	Name string `json:"id"`
	Kind string `json:"kind"`
	// Series is the key of one series; empty means the whole stack.
	Series string `json:"series,omitempty"`
	// Base is a base of series.toml; empty if the kind needs none.
	Base string `json:"base,omitempty"`
	// Config names Kconfig fragments on top of the default.
	Config []string `json:"config,omitempty"`
	// Arch is the architecture of the guest, as GOARCH. The machine that runs the cell is
	// amd64.
	Arch string `json:"arch"`
	// Patch is one patch of the series, from 1; 0 means all.
	Patch int `json:"patch,omitempty"`
	// Shard is a part of the items of the kind, as "2-of-8"; empty means all.
	Shard string `json:"shard,omitempty"`

	// Items are the tests or mutants of the shard. Empty means all.
	Items []string `json:"items,omitempty"`
	// Attempt counts the runs of the cell, from 1.
	Attempt int `json:"attempt"`
	// CostSeconds is the estimated time with a warm cache. CostFrom says where the
	// estimate comes from.
	CostSeconds float64 `json:"cost_seconds"`
	CostFrom    string  `json:"cost_from"`
	// Cache is the key of what the cell builds first: a kernel. Cells with the same
	// key share it. Empty means nothing. BuildSeconds is the time to build it.
	Cache        string  `json:"cache,omitempty"`
	BuildSeconds float64 `json:"build_seconds,omitempty"`
	// Inputs is the digest of the inputs of the run, see [Digest].
	Inputs string `json:"inputs,omitempty"`
}

// ErrID is wrapped by errors of [Parse].
var ErrID = errors.New("no cell")

// ID names the cell. Its characters are valid in a file name, in an artifact of
// GitHub Actions and in an unquoted word of a shell:
//
//	KIND[@BASE][,series=KEY][,config=A+B][,patch=N][,arch=ARCH][,shard=I-of-N]
//
// It has the architecture only if that is not amd64.
func (c *Cell) ID() string {
	id := c.Kind
	if c.Base != "" {
		id += "@" + c.Base
	}
	add := func(key, value string) {
		if value != "" {
			id += "," + key + "=" + value
		}
	}
	add("series", c.Series)
	add("config", strings.Join(c.Config, "+"))
	if c.Patch > 0 {
		add("patch", strconv.Itoa(c.Patch))
	}
	if c.Arch != arch.Amd64 {
		add("arch", c.Arch)
	}
	add("shard", c.Shard)
	return id
}

// Parse returns the cell that an ID names. The cell of a shard has no items: only the
// plan knows them.
func Parse(id string) (*Cell, error) {
	fail := func(format string, a ...any) (*Cell, error) {
		return nil, fmt.Errorf("%w %q: %s", ErrID, id, fmt.Sprintf(format, a...))
	}
	c := &Cell{Arch: arch.Amd64, Attempt: 1}
	head, rest, _ := strings.Cut(id, ",")
	c.Kind, c.Base, _ = strings.Cut(head, "@")
	for rest != "" {
		var field string
		field, rest, _ = strings.Cut(rest, ",")
		key, value, found := strings.Cut(field, "=")
		if !found || value == "" {
			return fail("%q is not KEY=VALUE", field)
		}
		switch key {
		case "series":
			c.Series = value
		case "config":
			c.Config = strings.Split(value, "+")
		case "patch":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 {
				return fail("patch %q is not a number from 1", value)
			}
			c.Patch = n
		case "arch":
			c.Arch = value
		case "shard":
			c.Shard = value
		default:
			return fail("unknown field %q", key)
		}
	}
	if c.Name = c.ID(); c.Name != id {
		return fail("its usual form is %q", c.Name)
	}
	return c, c.check()
}

// check returns an error if the kind does not allow the fields of the cell, or
// a name is invalid.
func (c *Cell) check() error {
	fail := func(format string, a ...any) error {
		return fmt.Errorf("%w %q: %s", ErrID, c.ID(), fmt.Sprintf(format, a...))
	}
	k := findKind(c.Kind)
	if k == nil {
		return fail("unknown kind %q (the kinds are %s)", c.Kind, strings.Join(Kinds(), ", "))
	}
	for _, field := range []struct {
		name, needed string
		has          bool
		need         need
	}{
		{"base", "a base", c.Base != "", k.base},
		{"series", "a series", c.Series != "", k.series},
		{"config", "a config", len(c.Config) > 0, k.config},
		{"patch", "a patch", c.Patch > 0, k.patch},
		{"arch", "an arch", c.Arch != arch.Amd64, k.arch},
		{"shard", "a shard", c.Shard != "" || len(c.Items) > 0, k.items},
	} {
		switch {
		case field.has && field.need == never:
			return fail("a cell of kind %s has no %s", c.Kind, field.name)
		case !field.has && field.need == always:
			return fail("a cell of kind %s needs %s", c.Kind, field.needed)
		}
	}
	if _, err := arch.Find(c.Arch); err != nil {
		return fail("%v", err)
	}
	if c.Patch > 0 && c.Series == "" {
		return fail("a patch needs a series")
	}
	for _, word := range slices.Concat([]string{c.Base, c.Series, c.Arch, c.Shard}, c.Config, c.Items) {
		if strings.HasPrefix(word, "-") || strings.ContainsFunc(word, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return fail("invalid name %q", word)
		}
	}
	if strings.ContainsAny(c.ID(), `/\:"<>|*?`) {
		return fail("a file cannot have this name")
	}
	return nil
}
