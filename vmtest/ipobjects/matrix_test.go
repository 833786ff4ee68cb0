// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ipobjects

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"xpsgen/vmtest/guest/objects/record"
	"xpsgen/vmtest/prepare/preparetest"
	"xpsgen/vmtest/testenv"
)

var update = flag.Bool("update", false, "write the golden tables")

// TestMatrix compares the whole matrix with the golden tables, on every base.
func TestMatrix(t *testing.T) {
	testenv.Require(t, "objects", "boots the patched kernel for some thousand calls of ip")
	dir := t.TempDir()
	made, err := Generate(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, base := range preparetest.Bases(t) {
		t.Run(base, func(t *testing.T) {
			t.Parallel() // most of the time is the guest's, which has one CPU of the host
			table, err := Run(t.Context(), Options{
				Source:  preparetest.Source(t, base),
				Dir:     dir,
				Made:    made,
				Timeout: 20 * time.Minute,
			})
			if err != nil {
				t.Fatal(err)
			}
			slow := slices.SortedFunc(slices.Values(table.results), func(a, b record.Result) int { return int(b.Elapsed - a.Elapsed) })
			for _, r := range slow[:10] {
				t.Logf("slow: %s/%s/%s: %v", r.Build, r.Context, r.Object, r.Elapsed.Round(time.Millisecond))
			}
			for _, fault := range table.Faults() {
				t.Error(fault)
			}
			for _, name := range BuildNames() {
				compare(t, filepath.Join("testdata", base+"-"+name+".golden"), table.String(name))
			}
			t.Logf("%d objects, %d calls of ip, %v", len(table.objects), len(table.results), table.elapsed.Round(time.Second))
		})
	}
}

// sectionDefinition is a line of the table of section names in libbpf.
var sectionDefinition = regexp.MustCompile(`SEC_DEF\("([^"]+)"`)

// TestSectionNames compares the names of sections with those that libbpf knows.
func TestSectionNames(t *testing.T) {
	testenv.Require(t, "objects", "reads the source of both kernels")
	for _, base := range preparetest.Bases(t) {
		s := preparetest.Source(t, base)
		src, err := s.OpenKernel(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		text, err := src.Show(t.Context(), "tools/lib/bpf/libbpf.c")
		if err != nil {
			t.Fatal(err)
		}
		all := sectionDefinition.FindAllStringSubmatch(string(text), -1)
		if len(all) < 50 {
			t.Errorf("%s: libbpf knows %d names of sections, expected more", base, len(all))
		}
		for _, m := range all {
			name, takesTarget := strings.CutSuffix(m[1], "+")
			if !slices.ContainsFunc(sectionNames, func(s string) bool {
				return s == name || takesTarget && strings.HasPrefix(s, name+"/")
			}) {
				t.Errorf("%s: no object has section %q", base, m[1])
			}
		}
	}
}

func compare(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	want, have := blocks(string(data)), blocks(got)
	for name, text := range have {
		if want[name] != text {
			t.Errorf("%s: %s\nexpected:\n%sseen:\n%s", file, name, want[name], text)
		}
	}
	for name := range want {
		if _, ok := have[name]; !ok {
			t.Errorf("%s: %s is not among the objects", file, name)
		}
	}
}

// blocks splits a table by objects.
func blocks(s string) map[string]string {
	all := map[string]string{}
	for _, b := range strings.Split("\n"+s, "\n== ") {
		name, text, _ := strings.Cut(b, "\n")
		if name != "" {
			all[name] = strings.TrimSuffix(text, "\n") + "\n"
		}
	}
	return all
}
