// SPDX-License-Identifier: GPL-2.0-only OR MIT

package schema

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFunctions(t *testing.T) {
	const src = `#define A(x) { x }
static const struct ops o = { .f = f, };
EXPORT_SYMBOL(o);

/* f() { } */
static __always_inline int f(struct a *a,
			     int b)
{
	if (b) {
		return "}"[0];
	}
	return b;
}
EXPORT_SYMBOL_GPL(f);

struct s { int a; };
#ifdef X
bool g(void) { return true; }
#else
static inline bool g(void)
{
	return false;
}
#endif
int declared(void);
`
	want := []Function{
		{"f", "static __always_inline int f(struct a *a,\n\t\t\t     int b)\n{\n\tif (b) {\n\t\treturn \"}\"[0];\n\t}\n\treturn b;\n}", 6, 13},
		{"g", "bool g(void) { return true; }", 18, 18},
		{"g", "static inline bool g(void)\n{\n\treturn false;\n}", 20, 23},
	}
	if diff := cmp.Diff(want, Functions(src)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := Functions("int f(void) {"); got != nil {
		t.Errorf("a function without end: %v", got)
	}
}

func TestCode(t *testing.T) {
	const want = `int f ( int a ) { return a + "/*" [ 0 ] ; }`
	for _, src := range []string{
		"int f(int a)\n{\n\t/* why */\n\treturn a + \"/*\"[0]; // end\n}\n",
		"int f(int a) { return a+\"/*\"[0]; }",
	} {
		if got := Code(src); got != want {
			t.Errorf("%q: got %q, want %q", src, got, want)
		}
	}
}
