// SPDX-License-Identifier: GPL-2.0-only OR MIT

package mutate

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/mutate/schema"
)

func TestParseAdded(t *testing.T) {
	const diff = `diff --git a/net/core/dev.c b/net/core/dev.c
index 1..2 100644
--- a/net/core/dev.c
+++ b/net/core/dev.c
@@ -10,0 +11,2 @@ static int f(void)
+	a();
+++ b/this is a line
@@ -20 +22 @@
-@@ -1 +1 @@
+	b();
\ No newline at end of file
@@ -30,2 +31,0 @@
-	c();
-	d();
diff --git a/net/core/dev.h b/net/core/dev.h
--- a/net/core/dev.h
+++ b/net/core/dev.h
@@ -1 +1,3 @@
-x
+x
+y
+z
diff --git a/gone.c b/gone.c
--- a/gone.c
+++ /dev/null
@@ -1 +0,0 @@
-x
`
	got, err := ParseAdded([]byte(diff), func(f string) bool { return strings.HasSuffix(f, ".c") })
	if err != nil {
		t.Fatal(err)
	}
	want := Added{"net/core/dev.c": {11: true, 12: true, 22: true}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for _, bad := range []string{"+++ b/a.c\n@@ -1 @@\n", "+++ b/a.c\n@@ -1 +x @@\n", "+++ b/a.c\n@@ -1,y +1 @@\n"} {
		if _, err := ParseAdded([]byte(bad), func(string) bool { return true }); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestBuilds(t *testing.T) {
	for file, want := range map[string]bool{
		"net/core/dev.c": true, "drivers/net/tun.c": true, "net/core/dev.h": false, "tools/lib/bpf/libbpf.c": false,
		"samples/bpf/x.c": false, "toolset/x.c": true,
	} {
		if got := kernelPart.builds(file); got != want {
			t.Errorf("%s of the kernel: %v", file, got)
		}
	}
	for file, want := range map[string]bool{"ip/iplink.c": true, "lib/bpf_legacy.c": true, "tc/m_xt.c": false, "ip/x.h": false} {
		if got := ipPart.builds(file); got != want {
			t.Errorf("%s of ip: %v", file, got)
		}
	}
}

func sample(ids ...int) *Result {
	r := &Result{Verdicts: map[int]Verdict{}}
	for _, id := range ids {
		r.Mutants = append(r.Mutants, &schema.Mutant{ID: id, File: "net/a.c", Func: "f", Kind: schema.Delete, Before: "g()"})
	}
	r.All, r.Chosen = len(ids), len(ids)
	return r
}

func TestListed(t *testing.T) {
	const list = `[[mutant]]
file = "net/"
kind = "delete"
before = "g()"
state = "survived"
reason = "no effect"

[[mutant]]
file = "net/a.c"
bases = ["6.12"]
reason = "old"

[[mutant]]
file = "net/b.c"
reason = "never"
`
	path := filepath.Join(t.TempDir(), "list.toml")
	if err := os.WriteFile(path, []byte(list), 0o644); err != nil {
		t.Fatal(err)
	}
	all, err := ReadListed(path)
	if err != nil {
		t.Fatal(err)
	}
	r := sample(1, 2, 3)
	r.Verdicts = map[int]Verdict{1: {State: Survived}, 2: {State: Unreached}, 3: {State: Killed}}
	l := all.For("net-next")
	l.apply(r, r.Mutants)
	if r.Bad() != 1 || r.Verdicts[1].State != Excused || r.Verdicts[1].By != "no effect" || r.Verdicts[2].State != Unreached {
		t.Errorf("verdicts %+v", r.Verdicts)
	}
	if d := cmp.Diff([]string{"net/b.c"}, r.Stale); d != "" {
		t.Errorf("stale (-want +got):\n%s", d)
	}
	if n := len(all.For("6.12").Mutants); n != 3 {
		t.Errorf("%d entries for 6.12", n)
	}
	// A sample says nothing of the entries that it did not meet.
	r = sample(1)
	r.All = 2
	r.Verdicts[1] = Verdict{State: Killed}
	l.apply(r, r.Mutants)
	if len(r.Stale) > 0 {
		t.Errorf("stale after a sample: %q", r.Stale)
	}
	for _, bad := range []string{"[[mutant]]\nfile = \"a\"\n", "[[mutant]]\nreason = \"a\"\n", "[[mutant]]\nfile = \"a\"\nreason = \"b\"\nstate = \"killed\"\n",
		"[[mutant]]\nfile = \"a\"\nreason = \"b\"\nfunction = \"c\"\n", "x"} {
		if err := os.WriteFile(path, []byte(bad), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadListed(path); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
	if l, err := ReadListed(path + "-none"); err != nil || len(l.Mutants) != 0 {
		t.Errorf("no file: %v, %v", l, err)
	}
}

func parse(t *testing.T, text string) *ktap.Report {
	t.Helper()
	r, err := ktap.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestVerdicts(t *testing.T) {
	tasks := []wire.MutantTask{{ID: 1}, {ID: 2}, {ID: 3}}
	const first = "KTAP version 1\n1..3\n# start 1 a/b\nok 1 m1 # a/b: queue 2, want 1\n"
	for name, c := range map[string]struct {
		session session
		done    map[int]Verdict
		rest    []int
	}{
		"all": {session{report: parse(t, first+"# start 2 a/b\nnot ok 2 m2 # survived\n# start 3 a/b\nok 3 m3 # a/b: no\n")},
			map[int]Verdict{1: {State: Killed, By: "a/b: queue 2, want 1"}, 2: {State: Survived}, 3: {State: Killed, By: "a/b: no"}}, nil},
		"died": {session{report: parse(t, first+"# start 2 c/d\n"), ended: errors.New("guest hung\nmore"), splat: "BUG: x"},
			map[int]Verdict{1: {State: Killed, By: "a/b: queue 2, want 1"}, 2: {State: Killed, By: "c/d: BUG: x", Died: true}}, []int{3}},
		"died silently": {session{report: parse(t, first+"# start 2 c/d\n"), ended: errors.New("guest hung\nmore")},
			map[int]Verdict{1: {State: Killed, By: "a/b: queue 2, want 1"}, 2: {State: Killed, By: "c/d: guest hung", Died: true}}, []int{3}},
		"unhealthy": {session{report: parse(t, first+"# start 2 c/d\n# unhealthy c/d fails without a mutant: x\n")},
			map[int]Verdict{1: {State: Killed, By: "a/b: queue 2, want 1"}}, []int{2, 3}},
		"died before the next": {session{report: parse(t, first), ended: errors.New("guest hung")},
			map[int]Verdict{1: {State: Killed, By: "a/b: queue 2, want 1"}}, []int{2, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			done, rest, err := c.session.verdicts(tasks)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.done, done); d != "" {
				t.Errorf("done (-want +got):\n%s", d)
			}
			var ids []int
			for _, r := range rest {
				ids = append(ids, r.ID)
			}
			if d := cmp.Diff(c.rest, ids); d != "" {
				t.Errorf("rest (-want +got):\n%s", d)
			}
		})
	}
	s := session{report: parse(t, "KTAP version 1\n1..1\nok 1 other\n")}
	if _, _, err := s.verdicts(tasks); err == nil {
		t.Error("a result of no mutant was taken")
	}
}

func TestSelect(t *testing.T) {
	all := sample(1, 2, 3, 4, 5, 6, 7, 8).Mutants
	a, err := Select(all, nil, 3, 5)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := Select(all, nil, 3, 5)
	if d := cmp.Diff(names(a), names(b)); d != "" || len(a) != 3 {
		t.Errorf("the same seed chooses others: %s", d)
	}
	if a, err = Select(all, []string{":delete:4"}, 0, 0); err != nil || len(a) != 1 || a[0].ID != 4 {
		t.Errorf("by name: %q, %v", names(a), err)
	}
	if a, err = Select(all, []string{":delete:2", ":delete:8"}, 0, 0); err != nil || len(a) != 2 || a[1].ID != 8 {
		t.Errorf("by two names: %q, %v", names(a), err)
	}
	if a, err = Select(all, nil, 0, 0); err != nil || len(a) != 8 {
		t.Errorf("all: %q, %v", names(a), err)
	}
	if _, err = Select(all, []string{"nosuch"}, 0, 0); !errors.Is(err, ErrUnknown) {
		t.Errorf("unknown name: %v", err)
	}
}

func names(list []*schema.Mutant) []string {
	var out []string
	for _, m := range list {
		out = append(out, m.Name())
	}
	return out
}

func TestReport(t *testing.T) {
	r := sample(1, 2, 3, 4, 5)
	r.Verdicts = map[int]Verdict{1: {State: Killed, By: "a/b: x"}, 2: {State: Survived}, 3: {State: Unreached}, 4: {State: Refused}, 5: {State: Excused, By: "why"}}
	var b bytes.Buffer
	o := Options{KTAP: &b}
	if err := o.report(r, r.Mutants); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# noticed by a/b: x\n", "\nok 1 net/a.c:0:f:delete:1\n", "\nnot ok 2 net/a.c:0:f:delete:2 # survived\n",
		"\nnot ok 3 net/a.c:0:f:delete:3 # unreached\n", "\nok 4 net/a.c:0:f:delete:4 # SKIP does not compile\n",
		"# listed: why\n", "\nok 5 net/a.c:0:f:delete:5\n", "# g()  is left out\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, &b)
		}
	}
}

// The compiler's errors name the mutants that it refuses.
func TestDrop(t *testing.T) {
	src := "int f(void)\n{\n\ta();\n\tb();\n\treturn 1;\n}\n"
	g := &program{part: &kernelPart, sources: []*schema.Source{schema.Parse("net/core/x.c", src, func(int) bool { return true }, 1)}}
	log := filepath.Join(t.TempDir(), "log")
	for text, want := range map[string][]int{
		"net/core/x.c:5:2: error: expected\n":                         {2}, // b(), one line down
		"../net/core/x.c:4:2: error: expected\n":                      {1}, // a()
		"x.c:7:1: error: control reaches end of non-void function\n":  {4}, // the brace: the last before it
		"net/core/y.c:4:2: error: expected\nnet/core/x.c:5: warning:": nil,
	} {
		if err := os.WriteFile(log, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		c := &compiled{refused: map[int]bool{}}
		n, err := c.drop([]*program{g}, log)
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for id := range 10 {
			if c.refused[id] {
				got = append(got, id)
			}
		}
		if d := cmp.Diff(want, got); d != "" || n != len(want) {
			t.Errorf("%q drops %d (-want +got):\n%s", text, n, d)
		}
	}
}
