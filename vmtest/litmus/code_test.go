// SPDX-License-Identifier: GPL-2.0-only OR MIT

package litmus

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/prepare/preparetest"
	"xpsgen/vmtest/testenv"
	"xpsgen/vmtest/tree"
)

var update = flag.Bool("update", false, "record the functions of the bases in code.sum: somebody has compared them with the tests")

// reads returns a reader of files in memory.
func reads(files map[string]string) reader {
	return func(_ context.Context, file string) (string, error) {
		text, ok := files[file]
		if !ok {
			return "", fmt.Errorf("read %s: %w", file, tree.ErrNoFile)
		}
		return text, nil
	}
}

// A change of the code fails the test that models it, and says which.
func TestCodeChanges(t *testing.T) {
	const base = `/* Set it. */
int set(int a)
{
	lock(a);
	if (a)
		sync(a);
	unlock(a);
	return 0;
}
`
	whole := Test{Name: "t", Code: []Code{{File: "a.c", Function: "set"}}}
	parts := Test{Name: "t", Code: []Code{{File: "a.c", Function: "set", Lines: []string{"lock(a);", "unlock(a);"}}}}
	code, err := whole.Code[0].find(t.Context(), reads(map[string]string{"a.c": base}))
	if err != nil {
		t.Fatal(err)
	}
	recorded := sums{{"6.12", "a.c", "set"}: hash(code)}
	for name, c := range map[string]struct {
		test     *Test
		on       string
		old, new string
		want     string
	}{
		"the same":              {&whole, "6.12", "", "", ""},
		"a comment":             {&whole, "6.12", "Set it.", "Set it to a.", ""},
		"the layout":            {&whole, "6.12", "\n\t\tsync", " sync", ""},
		"a call":                {&whole, "6.12", "sync(a);", ";", "a.c: set() has changed: compare it with vmtest/litmus/tests/t.litmus, then run XPS_TEST_REQUIRE=prove"},
		"another variant":       {&whole, "6.12", "return 0;\n}\n", "return 0;\n}\nint set(int a) { return 1; }\n", "a.c: set() has changed"},
		"another base":          {&whole, "net-next", "", "", "a.c: set() of base net-next has not been compared with vmtest/litmus/tests/t.litmus"},
		"another name":          {&whole, "6.12", "int set", "int reset", "a.c: set(): not in the tree: change tests/t.litmus"},
		"lines, the same":       {&parts, "net-next", "", "", ""},
		"lines, another call":   {&parts, "net-next", "sync(a);", ";", ""},
		"lines, one is gone":    {&parts, "net-next", "\tunlock(a);\n", "", `a.c: set() has no line "unlock(a);" after those before it`},
		"lines, another order":  {&parts, "net-next", "\tlock(a);\n\tif (a)\n\t\tsync(a);\n\tunlock(a);", "unlock(a);\nlock(a);", `a.c: set() has no line "unlock(a);"`},
		"lines, another file":   {&Test{Name: "t", Code: []Code{{File: "b.c", Function: "set", Lines: []string{"lock(a);"}}}}, "6.12", "", "", "b.c: set(): not in the tree"},
		"lines, only a comment": {&parts, "6.12", "\tunlock(a);\n", "\t/* unlock(a); */\n", `has no line "unlock(a);"`},
	} {
		text := base
		if c.old != "" {
			text = strings.Replace(base, c.old, c.new, 1)
			if text == base {
				t.Fatalf("%s: nothing replaced", name)
			}
		}
		why, err := c.test.compare(t.Context(), reads(map[string]string{"a.c": text}), c.on, recorded)
		if err != nil {
			t.Fatal(err)
		}
		if c.want == "" && len(why) > 0 || c.want != "" && (len(why) != 1 || !strings.Contains(why[0], c.want)) {
			t.Errorf("%s: %q, want %q", name, why, c.want)
		}
	}
}

func TestSums(t *testing.T) {
	sum := strings.Repeat("a", 64)
	text := "6.12 a.c f " + sum + "\nnet-next a.c f " + sum + "\n"
	all, err := readSums(text)
	if err != nil || all.String() != text {
		t.Errorf("%v, %q", err, all)
	}
	for _, bad := range []string{"6.12 a.c f\n", "6.12 a.c f 12\n", text + "6.12 a.c f " + sum + "\n", "\n", "6.12 a.c f " + sum + " more\n"} {
		if _, err := readSums(bad); err == nil || !strings.Contains(err.Error(), "code.sum: line ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// code.sum has exactly the functions that the table names, for each base of the workbench.
func TestCode(t *testing.T) {
	testenv.Require(t, "prove", "reads the patched trees")
	got := sums{}
	for _, base := range preparetest.Bases(t) {
		source := preparetest.Source(t, base)
		src, err := source.OpenKernel(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := got.add(t.Context(), treeFile(src), src.Base); err != nil {
			t.Fatal(err)
		}
	}
	if *update {
		if err := os.WriteFile("code.sum", []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(sumsText, got.String()); diff != "" {
		t.Errorf("compare the functions with the tests that model them, then add -update (-code.sum +trees):\n%s", diff)
	}
}
