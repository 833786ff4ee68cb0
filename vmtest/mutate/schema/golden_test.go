// SPDX-License-Identifier: GPL-2.0-only OR MIT

package schema

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// The sample has every kind of statement and expression. The golden files have its
// mutants, and the source with all of them.
func TestSample(t *testing.T) {
	text, err := os.ReadFile("testdata/sample.c")
	if err != nil {
		t.Fatal(err)
	}
	s := Parse("sample.c", string(text), every, 1)
	if len(s.Unread) > 0 {
		t.Errorf("not read: %q", s.Unread)
	}
	var b strings.Builder
	for _, m := range s.Mutants {
		fmt.Fprintf(&b, "%s-%d #%d: %q -> %q\n", m.Name(), m.Last, m.Nth, m.Before, m.After)
	}
	golden(t, "testdata/mutants.golden", b.String())
	golden(t, "testdata/rendered.golden", s.Render(func(*Mutant) bool { return true }))
}

// A function that cannot be read is named if it has a wanted line. The functions before and
// after it are read.
func TestUnread(t *testing.T) {
	for _, body := range []string{
		"if a;", "if", "while b;", "do f();", "do f(); while", "do { if a; } while (b);", "return a", "goto out", "f(a",
		"{ if a; }", "if (a) { while b; }", "list_for_each(a) while b;", "int a = f(", "int a[3", "x = {",
	} {
		src := "void before(void) { a(); }\nvoid broken(void)\n{\n" + body + "\n}\nvoid after(void) { b(); }\n"
		s := Parse("f.c", src, every, 1)
		if strings.ContainsAny(body, "([{") && strings.Count(body, "(")+strings.Count(body, "[")+strings.Count(body, "{") !=
			strings.Count(body, ")")+strings.Count(body, "]")+strings.Count(body, "}") {
			// A bracket that stays open hides the rest of the file.
			if len(s.Mutants) != 1 {
				t.Errorf("%q: mutants %q, expected those of the first function only", body, changes(s))
			}
			continue
		}
		if !slices.Equal(s.Unread, []string{"broken"}) {
			t.Errorf("%q: unread %q", body, s.Unread)
		}
		if got := changes(s); got[0] != `delete "a()" ""` || got[len(got)-1] != `delete "b()" ""` {
			t.Errorf("%q: mutants %q", body, got)
		}
		if s := Parse("f.c", src, func(line int) bool { return line == 1 }, 1); len(s.Unread) != 0 {
			t.Errorf("%q: unread %q without a wanted line", body, s.Unread)
		}
	}
}
