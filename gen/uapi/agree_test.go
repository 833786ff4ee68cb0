// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCompilersAndTargetsAgree compares the packages of two compilers and of three targets.
func TestCompilersAndTargetsAgree(t *testing.T) {
	requireCompiler(t, "gcc")
	requireCompiler(t, "clang")
	dir := headersIn(t, map[string]string{
		"linux/values.h": valuesHeader,
		"linux/size.h":   "#define LONG_BITS (8 * sizeof(long))\nstruct size { long a; int b:3, c:5; };\n",
		// gcc describes a typedef once, at its first declaration.
		"linux/first.h": "typedef signed char mine;\n",
		"linux/again.h": "#include <linux/first.h>\ntypedef signed char mine;\ntypedef unsigned char other;\n",
	})
	var results []*TreeResult
	for _, arch := range []string{"amd64", "arm64", "s390x"} {
		compilers := []string{"clang"}
		if arch == "amd64" {
			compilers = []string{"gcc", "clang"}
		}
		r, err := VerifyHeaders(t.Context(), nil, VerifyOptions{Include: []string{dir}, Compilers: compilers, Arch: arch})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range r.Disagreements {
			t.Errorf("%s: %s", arch, d)
		}
		if r.Failed() {
			t.Errorf("%s: %+v", arch, r)
		}
		if want := len(valuesWant) + 4; arch == "amd64" && r.Compared < want {
			t.Errorf("%s: compared %d names of two compilers, want at least %d", arch, r.Compared, want)
		}
		results = append(results, r)
	}
	compared, differ := CompareTargets(results)
	if want := 3 * len(valuesWant); compared < want || len(differ) > 0 {
		t.Errorf("compared %d constants of three targets, want at least %d; differ: %v", compared, want, differ)
	}
}

// TestDisagreements lists what counts as a difference.
func TestDisagreements(t *testing.T) {
	set := func(name string, facts map[string]symbolFact) *factSet {
		s := &factSet{name, make(map[symbolKey]symbolFact)}
		for k, v := range facts {
			s.facts[symbolKey{"linux/x.h", k}] = v
		}
		return s
	}
	a := set("gcc for amd64", map[string]symbolFact{
		"SAME": {"1", "1"}, "SIGN": {"4294967280", "-16"}, "SIZE": {"8", "8"}, "struct s": {"8 bytes", ""}, "ONLY_A": {"3", "3"},
	})
	b := set("clang for arm", map[string]symbolFact{
		"SAME": {"1", "1"}, "SIGN": {"-16", "-16"}, "SIZE": {"4", "4"}, "struct s": {"4 bytes", ""}, "ONLY_B": {"4", "4"},
	})
	names := func(list []Disagreement) []string {
		var out []string
		for _, d := range list {
			out = append(out, d.Name)
		}
		slices.Sort(out)
		return out
	}
	if n, got := disagreements(a, b, false); n != 2 || !cmp.Equal(names(got), []string{"SIGN"}) {
		t.Errorf("two targets: %d compared, %v differ", n, got)
	}
	n, got := disagreements(a, b, true)
	if n != 6 || !cmp.Equal(names(got), []string{"ONLY_A", "ONLY_B", "SIGN", "SIZE", "struct s"}) {
		t.Errorf("two compilers: %d compared, %v differ", n, got)
	}
	if len(got) > 0 && !strings.Contains(got[0].String(), "linux/x.h: ONLY_A: gcc for amd64 has 3, clang for arm has nothing") {
		t.Errorf("text %q", got[0])
	}
}
