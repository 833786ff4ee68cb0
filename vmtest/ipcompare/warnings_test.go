// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ipcompare

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"xpsgen/vmtest/prepare/preparetest"
	"xpsgen/vmtest/testenv"
)

// TestWarnings compiles the files that the series touches, without it and with it. No
// compiler may warn of more.
func TestWarnings(t *testing.T) {
	testenv.Require(t, "ip-warnings", "compiles iproute2 of each base eight times")
	for _, base := range preparetest.Bases(t) {
		both, touched, err := extract(t.Context(), preparetest.Source(t, base), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		for _, compiler := range []string{"gcc", "clang"} {
			for _, libbpf := range []bool{true, false} {
				name := base + "-" + compiler + "-legacy"
				if libbpf {
					name = base + "-" + compiler + "-libbpf"
				}
				t.Run(name, func(t *testing.T) {
					seen := map[string]map[warning]int{}
					for _, side := range []string{before, after} {
						if seen[side], err = both.warnings(t.Context(), side, compiler, libbpf, touched); err != nil {
							t.Fatal(err)
						}
						if len(seen[side]) == 0 {
							t.Errorf("%s the series: no warnings, expected those of %s", side, flags)
						}
					}
					for _, w := range added(seen[before], seen[after]) {
						t.Errorf("the series adds a warning: %s", w)
					}
					gone := added(seen[after], seen[before])
					for _, w := range gone {
						t.Logf("the series removes a warning: %s", w)
					}
					t.Logf("%d warnings before, %d after", total(seen[before]), total(seen[after]))
				})
			}
		}
	}
}

func total(all map[warning]int) int {
	sum := 0
	for _, n := range all {
		sum += n
	}
	return sum
}

// TestCount reads the output of compilers.
func TestCount(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	const text = `static int one(int a,
	       int b)
{
	if (a)
		goto out;
out:
	return 0;
}
struct s {
	int x;
};
`
	if err := os.WriteFile(filepath.Join(dir, "lib", "a.c"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	const out = `a.c: In function 'one':
a.c:2:20: warning: unused parameter 'b' [-Wunused-parameter]
    2 |                 int b)
a.c:7:9: warning: odd [-Wodd]
a.c:7:9: note: odd
a.c:10: warning: stale
../lib/a.c:7:1: warning: odd [-Wodd]
other.c:1:1: warning: not touched
`
	all := map[warning]int{}
	both := trees{after: dir}
	if err := both.count(after, "lib", []byte(out), []string{"lib/a.c"}, all); err != nil {
		t.Fatal(err)
	}
	odd := warning{"lib/a.c", "one", "odd [-Wodd]"}
	want := map[warning]int{
		{"lib/a.c", "one", "unused parameter 'b' [-Wunused-parameter]"}: 1,
		odd:                                2,
		{"lib/a.c", "struct s {", "stale"}: 1,
	}
	for w, n := range want {
		if all[w] != n {
			t.Errorf("%s: %d times, expected %d", w, all[w], n)
		}
	}
	if len(all) != len(want) {
		t.Errorf("%d warnings, expected %d: %v", len(all), len(want), all)
	}
	if got := added(map[warning]int{odd: 1}, map[warning]int{odd: 2}); !slices.Equal(got, []string{odd.String()}) {
		t.Errorf("added: %q, expected %s once", got, odd)
	}
	if got := added(map[warning]int{odd: 2}, map[warning]int{odd: 1}); len(got) > 0 {
		t.Errorf("added: %q, expected none", got)
	}
	if err := both.count(after, "lib", []byte("a.c:99:1: warning: x\n"), []string{"lib/a.c"}, all); err == nil {
		t.Error("a line behind the end of the file: no error")
	}
}
