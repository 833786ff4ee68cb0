// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// apart are headers whose content depends on the headers before them.
var apart = map[string]string{
	"plain.h":      "#define PLAIN 1\nstruct plain { int a; };\n",
	"ifndef.h":     "#define DEPENDS 1\n#ifndef OTHER\n#define OTHER 2\n#endif\n",
	"other.h":      "#define OTHER 3\n",
	"undef.h":      "#undef OTHER\n#define UNDEF 1\n",
	"sizeof.h":     "struct only;\n#define SIZE_OF_ONLY sizeof(struct missing)\n",
	"missing.h":    "struct missing { long a[3]; };\n",
	"uses.h":       "#define USES (NOWHERE + 1)\n",
	"nowhere.h":    "enum { NOWHERE = 7 };\n",
	"incomplete.h": "struct incomplete { later_t a; };\n",
	"later.h":      "typedef int later_t;\n",
	"guard_a.h":    "#ifndef GUARD\n#define GUARD\n#define FROM_A 1\n#endif\n",
	"guard_b.h":    "#ifndef GUARD\n#define GUARD\n#define FROM_B 1\n#endif\n",
	"same_a.h":     "struct same { int a; };\n#define SAME_A sizeof(struct same)\n",
	"same_b.h":     "struct same { int a, b; };\n#define SAME_B sizeof(struct same)\n",
	"pack.h":       "#pragma pack(1)\nstruct packed { char c; int i; };\n#define PACK 1\n",
	"zloose.h":     "struct loose { char c; int i; };\n#define LOOSE sizeof(struct loose)\n",
	"shadow.h":     "enum { SHADOW = 1 };\n#define SHADOW 2\n",
}

// TestBatchesAreApart analyses headers together and alone, and compares the results.
func TestBatchesAreApart(t *testing.T) {
	requireCompiler(t, "gcc")
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "linux"), 0o755); err != nil {
		t.Fatal(err)
	}
	var inputs []Input
	for _, name := range sortedKeys(apart) {
		mustWrite(t, filepath.Join(root, "linux", name), apart[name])
		inputs = append(inputs, Input{Path: "linux/" + name})
	}
	cc := &Compiler{Command: "gcc"}
	together, errs, err := AnalyseEach(t.Context(), cc, []string{root}, inputs, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, in := range inputs {
		alone, err := Analyse(t.Context(), cc, []string{root}, in)
		if fmt.Sprint(err) != fmt.Sprint(errs[i]) {
			t.Errorf("%s: together %v, alone %v", in.Path, errs[i], err)
		}
		if diff := cmp.Diff(alone, together[i], cmpopts.IgnoreFields(Field{}, "Doc"), cmp.AllowUnexported(Header{})); diff != "" {
			t.Errorf("%s (-alone +together)\n%s", in.Path, diff)
		}
	}
	for i, in := range inputs {
		if in.Path == "linux/incomplete.h" && (errs[i] != nil || fmt.Sprint(together[i].With) != "[linux/later.h]") {
			t.Errorf("%s: %v, want it completed by linux/later.h", in.Path, errs[i])
		}
	}
}

func TestFootprint(t *testing.T) {
	in := newInterner()
	set := func(names ...string) *bitset {
		m := make(map[string]bool)
		for _, n := range names {
			m[n] = true
		}
		return in.all(m)
	}
	base := func() *footprint {
		return &footprint{set("A"), set("A", "B"), map[string]string{"A": "1"}}
	}
	for name, tt := range map[string]struct {
		other *footprint
		want  bool
	}{
		"strangers":      {&footprint{set("C"), set("C"), map[string]string{"C": "1"}}, false},
		"same":           {base(), false},
		"other meaning":  {&footprint{set("A"), set("A"), map[string]string{"A": "2"}}, true},
		"declares B":     {&footprint{set("B"), set("B"), map[string]string{"B": "1"}}, true},
		"mentions A":     {&footprint{set(), set("A"), nil}, true},
		"mentions alike": {&footprint{set(), set("B"), nil}, false},
	} {
		if got := base().clashes(tt.other); got != tt.want {
			t.Errorf("%s: got %t", name, got)
		}
		if got := tt.other.clashes(base()); got != tt.want {
			t.Errorf("%s, reversed: got %t", name, got)
		}
	}
}

func TestDeclScanner(t *testing.T) {
	for text, want := range map[string][]string{
		"struct a { int b; } c;":                       {"a"},
		"struct a;":                                    nil,
		"struct a *f(struct b *);":                     nil,
		"typedef unsigned int u32;":                    {"u32"},
		"typedef struct a { int b; } c;":               {"a", "c"},
		"typedef struct { int b; } c;":                 {"c"},
		"typedef __u8 mac[6];":                         {"mac"},
		"typedef void (*fn)(int x);":                   {"fn"},
		"enum e { X };":                                {"e"},
		"union u { struct { int a; } b; };":            {"u"},
		"extern struct a { int b; } x; typedef int y;": {"a", "y"},
	} {
		var d declScanner
		var got []string
		for rest := text; rest != ""; {
			tok := nextToken(rest)
			rest = rest[len(tok):]
			if !isSpace(tok[0]) {
				if name := d.token(tok); name != "" {
					got = append(got, name)
				}
			}
		}
		for _, w := range want {
			if !strings.Contains(" "+strings.Join(got, " ")+" ", " "+w+" ") {
				t.Errorf("%s: got %q, want %q among them", text, got, w)
			}
		}
		if len(want) == 0 && len(got) > 0 {
			t.Errorf("%s: got %q", text, got)
		}
	}
}
