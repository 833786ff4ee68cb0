// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"slices"
	"testing"
)

func nop(*T) {}

func TestFilter(t *testing.T) {
	groups := []Group{
		{Name: "hook", Tests: []Test{{Name: "a01-x", Run: nop}, {Name: "a02-off", Run: nop}}},
		{Name: "control", Tests: []Test{{Name: "a24-off", Run: nop}}},
	}
	for _, tc := range []struct {
		filter string
		want   []string
	}{
		{"", []string{"hook/a01-x", "hook/a02-off", "control/a24-off"}},
		{"hook", []string{"hook/a01-x", "hook/a02-off"}},
		{"hook/", []string{"hook/a01-x", "hook/a02-off"}},
		{"/off", []string{"hook/a02-off", "control/a24-off"}},
		{"off", []string{"hook/a02-off", "control/a24-off"}},
		{"hook/a0[12]-o", []string{"hook/a02-off"}},
		{"hook|control/24|01", []string{"hook/a01-x", "control/a24-off"}},
		{"hook/x|control/off", []string{"hook/a01-x", "control/a24-off"}},
		{"hook/x|off|control/off", []string{"hook/a01-x", "hook/a02-off", "control/a24-off"}},
		{"hook/(x|control/off)", []string{"hook/a01-x"}},
		{"^a24", []string{"control/a24-off"}},
		{"(hook/a01)", nil},
		{"nothing", nil},
	} {
		f, err := ParseFilter(tc.filter)
		if err != nil {
			t.Errorf("%q: %v", tc.filter, err)
			continue
		}
		if got := Names(Select(groups, f)); !slices.Equal(got, tc.want) {
			t.Errorf("%q selects %q, want %q", tc.filter, got, tc.want)
		}
	}
	for _, bad := range []string{"a/b/c", "a/b|a/b/c", "(", "hook/[", "*"} {
		if _, err := ParseFilter(bad); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

func FuzzParseFilter(f *testing.F) {
	f.Add("hook/a0[12]|(b/c)")
	f.Add(`\`)
	f.Fuzz(func(t *testing.T, s string) {
		if filter, err := ParseFilter(s); err == nil {
			filter.Match("hook", "a01-x")
		}
	})
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
