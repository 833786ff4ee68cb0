// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"slices"
	"testing"

	"xpsgen/vmtest/plan"
)

func nop(*T) {}

func TestSelect(t *testing.T) {
	groups := []Group{
		{Name: "hook", Tests: []Test{{Name: "a01-x", Run: nop}, {Name: "a02-off", Run: nop}}},
		{Name: "control", Tests: []Test{{Name: "a24-off", Run: nop}}},
	}
	f, err := plan.ParseFilter("a02")
	if err != nil {
		t.Fatal(err)
	}
	// Select drops a group without a selected test.
	if got := Names(Select(groups, f)); !slices.Equal(got, []string{"hook/a02-off"}) || len(Select(groups, f)) != 1 {
		t.Errorf("got %q", got)
	}
}

func TestValidate(t *testing.T) {
	good := Test{Name: "a01-x", Run: nop}
	for name, tc := range map[string]struct {
		groups []Group
		ok     bool
	}{
		"good":        {[]Group{{Name: "hook", Tests: []Test{good}}}, true},
		"same name":   {[]Group{{Name: "hook", Tests: []Test{good, good}}}, false},
		"two groups":  {[]Group{{Name: "hook", Tests: []Test{good}}, {Name: "query", Tests: []Test{good}}}, true},
		"no tests":    {[]Group{{Name: "hook"}}, false},
		"no function": {[]Group{{Name: "hook", Tests: []Test{{Name: "a01-x"}}}}, false},
		"upper case":  {[]Group{{Name: "hook", Tests: []Test{{Name: "A01", Run: nop}}}}, false},
		"slash":       {[]Group{{Name: "hook/x", Tests: []Test{good}}}, false},
		"end hyphen":  {[]Group{{Name: "hook", Tests: []Test{{Name: "a-", Run: nop}}}}, false},
		"two hyphens": {[]Group{{Name: "hook", Tests: []Test{{Name: "a--b", Run: nop}}}}, false},
		"empty":       {[]Group{{Name: "", Tests: []Test{good}}}, false},
	} {
		if err := Validate(tc.groups); (err == nil) != tc.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
