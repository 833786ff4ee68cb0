// SPDX-License-Identifier: GPL-2.0-only OR MIT

package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplit(t *testing.T) {
	for s, want := range map[string][]string{
		"":              {""},
		"/":             {"", ""},
		"a":             {"a"},
		"a/b/c":         {"a", "b", "c"},
		"a/":            {"a", ""},
		"(a/b)/c":       {"(a/b)", "c"},
		"((a/b)/c)/d":   {"((a/b)/c)", "d"},
		"[/]/c":         {"[/]", "c"},
		"[(]/c":         {"[(]", "c"},
		"[^]x/]y/c":     {"[^]x", "]y", "c"},
		`\//b`:          {`\/`, "b"},
		`[\]/]/b`:       {`[\]/]`, "b"},
		`\(a/b`:         {`\(a`, "b"},
		")a/b":          {")a", "b"},
		"a)/(b/c)/d":    {"a)", "(b/c)", "d"},
		"(a))/b":        {"(a))", "b"},
		`a\`:            {`a\`},
		"[a/b":          {"[a/b"},
		"(a/b":          {"(a/b"},
		"x[ab]/[cd]y/z": {"x[ab]", "[cd]y", "z"},
	} {
		if diff := cmp.Diff(want, split(s, '/')); diff != "" {
			t.Errorf("%q (-want +got)\n%s", s, diff)
		}
	}
}

// What Exactly and AnyOf return selects these tests and no others.
func TestPatternsSelect(t *testing.T) {
	tests := []string{"control/a1-x", "control/a1-xy", "fast/a1-x", "fast/b2", "hash/control"}
	for name, tt := range map[string]struct{ pattern, want string }{
		"exactly one":         {Exactly(tests[:1]), "control/a1-x"},
		"exactly two":         {Exactly([]string{tests[0], tests[3]}), "control/a1-x fast/b2"},
		"a dot is a dot":      {Exactly([]string{"control/a1.x"}), ""},
		"any group or test":   {AnyOf([]string{"control"}), "control/a1-x control/a1-xy hash/control"},
		"any with a slash":    {AnyOf([]string{"fast/a1"}), "fast/a1-x"},
		"any of both":         {AnyOf([]string{"control", "fast/b"}), "control/a1-x control/a1-xy fast/b2 hash/control"},
		"any of the reverse":  {AnyOf([]string{"fast/b", "^a1-x$"}), "control/a1-x fast/a1-x fast/b2"},
		"any of alternatives": {AnyOf([]string{"b2|y$", "hash/c"}), "control/a1-xy fast/b2 hash/control"},
	} {
		f, err := ParseFilter(tt.pattern)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, full := range tests {
			group, test, _ := strings.Cut(full, "/")
			if f.Match(group, test) {
				got = append(got, full)
			}
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s: %s selects %q, want %q", name, tt.pattern, s, tt.want)
		}
	}
}

func TestListLength(t *testing.T) {
	names := strings.Fields("a b c d e f g")
	for n, want := range map[int]string{0: "", 1: "a", 5: "a, b, c, d, e", 6: "a, b, c, d, e and 1 more", 7: "a, b, c, d, e and 2 more"} {
		if got := List(names[:n]); got != want {
			t.Errorf("%d names: %q, want %q", n, got, want)
		}
	}
}
