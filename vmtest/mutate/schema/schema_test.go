// SPDX-License-Identifier: GPL-2.0-only OR MIT

package schema

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/testenv"
)

func TestLeaves(t *testing.T) {
	for body, want := range map[string]bool{
		"return a;": true, "goto out;": true, "{ f(); break; }": true, "{ continue; }": true,
		"{ if (a) { return 1; } f(); }": false, "{ f(); if (a) return 1; }": false, "{ if (a) { f(); } return 1; }": true,
		"f(return_value);": false, "{ }": false, "{ f(({ return 1; })); }": false, "if (a) return 1;": false, "": false,
	} {
		if got := leaves(lex(body)); got != want {
			t.Errorf("%q: %v", body, got)
		}
	}
}

func every(int) bool { return true }

func changes(s *Source) []string {
	var out []string
	for _, m := range s.Mutants {
		out = append(out, fmt.Sprintf("%s %q %q", m.Kind, m.Before, m.After))
	}
	return out
}

func TestMutants(t *testing.T) {
	for name, c := range map[string]struct {
		src  string
		want []string
	}{
		"statement": {"void f(void) { g(a, 1); }", []string{`delete "g(a, 1)" ""`, `number "1" "1 + 1"`}},
		"assertion": {"void f(void) { ASSERT_RTNL(); lockdep_assert_held(&x); }", nil},
		"negate":    {"int f(int a) { if (g(a)) h(); else i(); }", []string{`negate "g(a)" "!(g(a))"`, `delete "h()" ""`, `delete "i()" ""`}},
		"swallow": {"int f(int a) { if (a) { h(); return a; } }",
			[]string{`swallow "a" "0"`, `negate "a" "!(a)"`, `delete "h()" ""`, `return "a" "0"`}},
		"relation alone is not negated, too": {"void f(int a) { if (a < b) goto out; out: return; }",
			[]string{`swallow "a < b" "0"`, `relate "a < b" "a <= b"`}},
		"and":                      {"bool f(int a) { return a && !b; }", []string{`return "a && !b" "!(a && !b)"`, `operand "a && !b" "!!(!b)"`, `operand "a && !b" "!!(a)"`}},
		"flag":                     {"void f(void) { x = A | B; y = a & ~C; }", []string{`delete "x = A | B" ""`, `flag "A | B" "A"`, `flag "A | B" "B"`, `delete "y = a & ~C" ""`, `flag "a & ~C" "a"`}},
		"sign":                     {"int f(void) { return a - (b + 1); }", []string{`return "a - (b + 1)" "0"`, `sign "a - (b + 1)" "a + ((b + 1))"`, `sign "b + 1" "b - (1)"`, `number "1" "1 + 1"`}},
		"once":                     {"void f(void) { x = READ_ONCE(d->y); }", []string{`delete "x = READ_ONCE(d->y)" ""`, `once "READ_ONCE(d->y)" "d->y"`}},
		"zero becomes an error":    {"static int f(void) { return 0; }", []string{`return "0" "-1"`, `number "0" "0 + 1"`}},
		"pointer":                  {"struct x *f(void) { return y; }", []string{`return "y" "NULL"`}},
		"no constant in a case":    {"void f(int a) { switch (a) { case 1: g(); break; default: break; } }", []string{`delete "g()" ""`}},
		"declaration":              {"void f(void) { struct a *b = c(1), *d; int e[3]; u32 x = 0; foo_t *p = q; }", []string{`number "1" "1 + 1"`, `number "0" "0 + 1"`}},
		"product is not a pointer": {"int f(void) { a = b * c; }", []string{`delete "a = b * c" ""`}},
		"static data":              {"void f(void) { static const int a[] = { 1, 2 }; static int b = 3; }", nil},
		"nothing of tables":        {"static const struct nla_policy p[A + 1] = { [A] = { .type = 1 }, };\nstruct s { int a; };\nenum { B = 1 };", nil},
		"loop macro":               {"void f(void) { list_for_each_entry(a, &b, c) { g(); } list_for_each_entry(a, &b, c)\n\tg(); }", []string{`delete "g()" ""`, `delete "g()" ""`}},
		"cast":                     {"int f(void) { return (int)a == (u8)-1; }", []string{`return "(int)a == (u8)-1" "0"`, `relate "(int)a == (u8)-1" "(int)a != (u8)-1"`}},
		"a macro with a type":      {"void f(void) { x = container_of(p, struct y, z) + 1; }", []string{`delete "x = container_of(p, struct y, z) + 1" ""`, `sign "container_of(p, struct y, z) + 1" "container_of(p, struct y, z) - (1)"`, `number "1" "1 + 1"`}},
		"attributes of functions":  {"static int\nf(void)\n\t__must_hold(x)\n{\n\tg();\n}", []string{`delete "g()" ""`}},
		"comments and lines":       {"void f(void) { g(a, /* why */\n\t  b); }", []string{`delete "g(a, b)" ""`}},
		"directive within":         {"void f(void) {\n\tg(a,\n#ifdef X\n\t  1,\n#endif\n\t  2);\n\th();\n}", []string{`delete "h()" ""`}},
		"do while":                 {"void f(void) { do { g(); } while (a > 0); }", []string{`delete "g()" ""`, `relate "a > 0" "a >= 0"`, `number "0" "0 + 1"`}},
	} {
		t.Run(name, func(t *testing.T) {
			s := Parse("f.c", c.src, every, 1)
			if diff := cmp.Diff(c.want, changes(s)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(s.Unread) > 0 {
				t.Errorf("not read: %q", s.Unread)
			}
		})
	}
}

// Only what begins on a wanted line is changed, and IDs begin where they should.
func TestWanted(t *testing.T) {
	s := Parse("f.c", "void f(void)\n{\n\ta();\n\tb();\n\tb();\n}\n", func(line int) bool { return line > 3 }, 7)
	if len(s.Mutants) != 2 {
		t.Fatalf("mutants %q", changes(s))
	}
	for i, m := range s.Mutants {
		if m.ID != 7+i || m.Line != 4+i || m.Last != 4+i || m.Func != "f" || m.Nth != 1+i {
			t.Errorf("mutant %+v", m)
		}
	}
	if got := s.Mutants[0].Name(); got != "f.c:4:f:delete:7" {
		t.Errorf("name %q", got)
	}
	if s := Parse("f.c", "void f(void)\n{\n\tif a;\n}\n", every, 1); len(s.Unread) != 1 || s.Unread[0] != "f" {
		t.Errorf("a function that cannot be read: %q", s.Unread)
	}
}

const program = `// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <stdio.h>

static unsigned int pick(unsigned int want, unsigned int count, int flags)
{
	unsigned int q = 0;
	int i;

	if (flags & 1)
		goto out; /* a jump */
	if (want < count && count != 7)
		q = want;
	else if (count)
		q = want % count;
	for (i = 0; i < 2; i++)
		q |= 1 << (i +
			   3);
	while (q > 40) {
		q -= 16;
	}
out:
	return q + (flags ? 100 : 0);
}

int main(void)
{
	unsigned int want, count, sum = 0;
	int flags;

	for (flags = 0; flags < 4; flags++)
		for (count = 0; count < 60; count++)
			for (want = 0; want < 70; want++)
				sum = sum * 31 + pick(want, count, flags);
	printf("%u\n", sum);
	return 0;
}
`

// Each mutant changes what the program prints. The exceptions are a few mutants
// that are arithmetically equivalent.
func TestRun(t *testing.T) {
	if _, err := exec.LookPath("gcc"); err != nil {
		testenv.Require(t, "gcc", err.Error())
	}
	dir := t.TempDir()
	s := Parse("p.c", program, func(line int) bool { return line < 25 }, 1)
	text := "#include <stdlib.h>\nstatic int xmut(int n) { return atoi(getenv(\"XMUT\")) == n; }\n#define XMUT(n) xmut(n)\n" +
		s.Render(func(*Mutant) bool { return true })
	if got, want := strings.Count(text, "\n"), strings.Count(program, "\n")+3; got != want {
		t.Errorf("%d lines, want %d", got, want)
	}
	file, exe := filepath.Join(dir, "p.c"), filepath.Join(dir, "p")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("gcc", "-Wall", "-Wno-parentheses", "-o", exe, file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, text)
	}
	run := func(id int) string {
		cmd := exec.CommandContext(t.Context(), "timeout", "1", exe)
		cmd.Env = append(os.Environ(), fmt.Sprintf("XMUT=%d", id))
		out, err := cmd.CombinedOutput()
		if err != nil {
			return err.Error()
		}
		return string(out)
	}
	normal := run(0)
	var same []string
	for _, m := range s.Mutants {
		if run(m.ID) == normal {
			same = append(same, fmt.Sprintf("%s %q %q", m.Kind, m.Before, m.After))
		}
	}
	// want % count is want below count.
	want := []string{
		`operand "want < count && count != 7" "!!(want < count)"`,
		`relate "count != 7" "count == 7"`,
		`number "7" "7 + 1"`,
	}
	if diff := cmp.Diff(want, same); diff != "" {
		t.Errorf("without effect (-want +got):\n%s", diff)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(program)
	f.Add("void f(void) { if (a) b; else c; }")
	f.Add("int f(x) { return ({ a; }); }")
	f.Add("#define A {\nvoid f(void) { \"\\\" }")
	f.Fuzz(func(t *testing.T, src string) {
		s := Parse("f.c", src, every, 1)
		if got := s.Render(func(*Mutant) bool { return false }); got != src {
			t.Errorf("without mutants the source changed")
		}
		if got := s.Render(func(*Mutant) bool { return true }); strings.Count(got, "\n") != strings.Count(src, "\n") {
			t.Errorf("the number of lines changed")
		}
	})
}
