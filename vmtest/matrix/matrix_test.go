// SPDX-License-Identifier: GPL-2.0-only OR MIT

package matrix

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"xpsgen/vmtest/cell"
)

// root is the workbench of this repository.
const root = "../.."

func newPlan(t *testing.T, opt Options) *cell.Plan {
	t.Helper()
	opt.Root = root
	p, err := New(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// kindOf names the kind of cell that runs a target of the Makefile, where the names
// differ.
var kindOf = map[string][]string{
	"check-series":   {"check"},
	"check-builds":   {"builds"},
	"vmtest-all":     {"suite"},
	"mutants-sample": {"mutants"},
	"vmtest-debug":   {"suite"},
	"vmtest-rt":      {"suite", "mutants"},
	"vmtest-kcsan":   {"suite", "mutants"},
	"vmtest-arches":  {"suite"},
}

// apart are targets of make test-long that are not cells: act and engines test the cells,
// nipa and syz need a clone.
var apart = []string{"act", "engines", "nipa", "syz"}

// The plan for a pull request has what make test runs. The plan for all has
// what make test-long adds.
func TestLanes(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for purpose, pattern := range map[string]string{ForPR: `(?m)^test: (lint .*)$`, ForAll: `(?m)^LONG_TESTS = (.*)$`} {
		m := regexp.MustCompile(pattern).FindSubmatch(makefile)
		if m == nil {
			t.Fatalf("the Makefile has no %s", pattern)
		}
		p := newPlan(t, Options{For: purpose})
		for _, target := range strings.Fields(string(m[1])) {
			if slices.Contains(apart, target) {
				continue
			}
			want := kindOf[target]
			if want == nil {
				want = []string{target}
			}
			for _, kind := range want {
				if !slices.ContainsFunc(p.Cells, func(c *cell.Cell) bool { return c.Kind == kind }) {
					t.Errorf("the plan for %s has no cell of kind %s, which make %s is", purpose, kind, target)
				}
			}
		}
	}
	all := newPlan(t, Options{For: ForAll})
	for _, config := range []string{"debug", "rt", "rt+bhlock", "kcsan"} {
		if !slices.ContainsFunc(all.Cells, func(c *cell.Cell) bool { return c.Kind == "suite" && strings.Join(c.Config, "+") == config }) {
			t.Errorf("no suite with %s", config)
		}
	}
	for _, kind := range []string{"suite", "stock"} {
		for _, name := range []string{"arm64", "s390x"} {
			if !slices.ContainsFunc(all.Cells, func(c *cell.Cell) bool { return c.Kind == kind && c.Arch == name }) {
				t.Errorf("no %s on %s", kind, name)
			}
		}
	}
}

// Every kind of the lanes has a cost, and every cell of every plan a valid, different
// ID.
func TestPlans(t *testing.T) {
	for _, l := range lanes {
		if defaults[l.kind] == 0 {
			t.Errorf("%s has no default cost", l.kind)
		}
	}
	for _, purpose := range Purposes() {
		p := newPlan(t, Options{For: purpose, MaxCost: 300e9, Seed: 1})
		seen := map[string]bool{}
		for _, c := range p.Cells {
			got, err := cell.Parse(c.Name)
			if err != nil || got.ID() != c.ID() || seen[c.Name] {
				t.Errorf("%s: cell %q: %v, twice %v", purpose, c.Name, err, seen[c.Name])
			}
			seen[c.Name] = true
			if c.CostSeconds <= 0 || c.CostFrom == "" || len(c.Inputs) != 64 || (c.Cache == "") != (c.BuildSeconds == 0) {
				t.Errorf("%s: %+v", purpose, c)
			}
		}
	}
}

// The shards of a kind have each mutant once.
func TestMutantShards(t *testing.T) {
	whole := newPlan(t, Options{For: ForNightly, Kinds: []string{"mutants"}, Bases: []string{"net-next"}, Configs: []string{"default"}})
	if len(whole.Cells) != 1 || whole.Cells[0].Shard != "" || whole.Cells[0].Items != nil {
		t.Fatalf("without a limit: %+v", whole.Cells)
	}
	p := newPlan(t, Options{For: ForNightly, Kinds: []string{"mutants"}, Bases: []string{"net-next"}, Configs: []string{"default"}, MaxCost: 300e9})
	var all []string
	total := 0.0
	for _, c := range p.Cells {
		all = append(all, c.Items...)
		total += c.CostSeconds
		if c.CostSeconds > 330 {
			t.Errorf("%s takes %g s", c.Name, c.CostSeconds)
		}
	}
	if len(p.Cells) < 4 || len(all) < 70 || total < whole.Cells[0].CostSeconds {
		t.Errorf("%d shards of %d mutants, %g s", len(p.Cells), len(all), total)
	}
	slices.Sort(all)
	if n := len(slices.Compact(slices.Clone(all))); n != len(all) {
		t.Errorf("%d mutants, %d different", len(all), n)
	}
}

func TestFilters(t *testing.T) {
	for _, c := range []struct {
		opt  Options
		want string
	}{
		{Options{For: ForPR, Kinds: []string{"suite"}}, "suite@net-next suite@6.12"},
		{Options{For: ForPR, Kinds: []string{"suite"}, Bases: []string{"6.12"}}, "suite@6.12"},
		{Options{For: ForPR, Series: []string{"tun"}}, "check@net-next,series=tun"},
		{Options{For: ForNightly, Kinds: []string{"suite"}, Configs: []string{"rt+bhlock"}}, "suite@net-next,config=rt+bhlock"},
		{Options{For: ForNightly, Kinds: []string{"bisect"}, Bases: []string{"6.12"}, Series: []string{"fix"}}, "bisect@6.12,series=fix,patch=1 bisect@6.12,series=fix,patch=2"},
		{Options{For: ForPR, Kinds: []string{"suite"}, Series: []string{"all"}, Configs: []string{"default"}}, "suite@net-next suite@6.12"},
	} {
		var ids []string
		for _, one := range newPlan(t, c.opt).Cells {
			ids = append(ids, one.Name)
		}
		if got := strings.Join(ids, " "); got != c.want {
			t.Errorf("%+v: %s, want %s", c.opt, got, c.want)
		}
	}
	if _, err := New(t.Context(), Options{Root: root, For: ForPR, Bases: []string{"nosuch"}}); !errors.Is(err, ErrEmpty) {
		t.Error(err)
	}
}
