// SPDX-License-Identifier: GPL-2.0-only OR MIT

package reach

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const sample = `static int table[] = { 1, 2 };

#ifdef CONFIG_A
/* One line and
 * another.
 */
static int used(int n)
{
	int x;

	x = n; /* why */
	if (x)
		return 1;
#ifdef CONFIG_B
	x = only_with_b();
	return x;
#else
	return 0;
#endif
}
#else
static int used(int n)
{
	return -1;
}
#endif

static int some_configuration(void)
{
	if (!IS_ENABLED(CONFIG_C)) {
		give_up();
		return 1;
	}
	if (IS_ENABLED(CONFIG_C))
		return 2;
	return 3;
}

static int inline_of_another_file(void)
{
	return MACRO(1,
		     2);
}
`

// TestClassify checks each added line. With a count, it ran or not. Without
// one, it has no code, or is in code that this configuration leaves out.
func TestClassify(t *testing.T) {
	added := map[int]bool{}
	for n := range strings.Count(sample, "\n") {
		added[n+1] = true
	}
	delete(added, 12)
	of := counts{7: 3, 11: 3, 12: 3, 13: 0, 18: 3, 28: 1, 35: 1}
	var got []string
	for _, l := range classify("a.c", sample, added, of) {
		got = append(got, fmt.Sprintf("%d %s %d %s: %s", l.Line, l.Func, l.Count, l.State, l.Text))
	}
	want := []string{
		"7 used 3 run: static int used(int n)",
		"11 used 3 run: x = n; /* why */",
		"13 used 0 never run: return 1;",
		"15 used 0 not compiled: x = only_with_b();",
		"16 used 0 not compiled: return x;",
		"18 used 3 run: return 0;",
		"22 used 0 not compiled: static int used(int n)",
		"24 used 0 not compiled: return -1;",
		"28 some_configuration 1 run: static int some_configuration(void)",
		"31 some_configuration 0 not compiled: give_up();",
		"32 some_configuration 0 not compiled: return 1;",
		"35 some_configuration 1 run: return 2;",
		"39 inline_of_another_file 0 not compiled: static int inline_of_another_file(void)",
		"41 inline_of_another_file 0 not compiled: return MACRO(1,",
		"42 inline_of_another_file 0 not compiled: 2);",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestCode(t *testing.T) {
	for text, want := range map[string]string{
		"a;\n\n}\n{\n};":                  "10000",
		"/* a */\n/* b\nc\nd */ e;\nf;":   "00011",
		"#define A \\\n\tb \\\n\tc\nd;":   "0001",
		"/* a */ b; /* c\n*/\nelse {\n":   "1010",
		"#if 1 /* a\nb */\nc;":            "001",
		"a; /* b */ /* c */ d;\n/**/\n\t": "100",
	} {
		var got strings.Builder
		for _, has := range code(strings.Split(text, "\n")) {
			got.WriteByte("01"[map[bool]int{true: 1}[has]])
		}
		if got.String() != want {
			t.Errorf("%q: %s, want %s", text, got.String(), want)
		}
	}
}
