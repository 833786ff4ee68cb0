// SPDX-License-Identifier: GPL-2.0-only OR MIT

package plan

import (
	"slices"
	"testing"
)

func TestFilter(t *testing.T) {
	tests := []Test{
		{Group: "hook", Name: "a01-x"},
		{Group: "hook", Name: "a02-off"},
		{Group: "control", Name: "a24-off"},
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
		var got []string
		for _, one := range tests {
			if f.Match(one.Group, one.Name) {
				got = append(got, one.FullName())
			}
		}
		if !slices.Equal(got, tc.want) {
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
