// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// below returns the path below /i/, or "".
func below(name string) string {
	rel, ok := strings.CutPrefix(name, "/i/")
	if !ok {
		return ""
	}
	return rel
}

func TestScanMacros(t *testing.T) {
	tests := map[string]struct {
		text string
		want map[string]macro
	}{
		"empty": {"", map[string]macro{}},
		"plain": {"# 5 \"/i/a.h\" 1\n#define A 1\n#define B\n", map[string]macro{
			"A": {name: "A", body: "1", pos: Pos{"a.h", 5}},
			"B": {name: "B", pos: Pos{"a.h", 6}},
		}},
		"function": {"# 1 \"/i/a.h\"\n#define F(x, y) ((x) + (y))\n#define G (1)\n", map[string]macro{
			"F": {name: "F", body: "((x) + (y))", function: true, params: "(x, y", pos: Pos{"a.h", 1}},
			"G": {name: "G", body: "(1)", pos: Pos{"a.h", 2}},
		}},
		"undone": {"# 1 \"/i/a.h\"\n#define A 1\n#undef A\n", map[string]macro{}},
		"anew": {"# 1 \"/i/a.h\"\n#define A 1\n#undef A\n#define A 2\n", map[string]macro{
			"A": {name: "A", body: "2", pos: Pos{"a.h", 3}},
		}},
		"elsewhere": {"# 1 \"/usr/b.h\"\n#define A 1\n# 9 \"/i/c.h\" 2\n\n#define B 2\n", map[string]macro{
			"A": {name: "A", body: "1", pos: Pos{"", 1}},
			"B": {name: "B", body: "2", pos: Pos{"c.h", 10}},
		}},
		"quoted name": {"# 1 \"/i/a\\\"b.h\"\n#define A 1\n", map[string]macro{
			"A": {name: "A", body: "1", pos: Pos{"a\"b.h", 1}},
		}},
		"pragma": {"# 1 \"/i/a.h\"\n#pragma pack(1)\n#define A 1\n", map[string]macro{
			"A": {name: "A", body: "1", pos: Pos{"a.h", 2}},
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			sc, err := scan(tt.text, below)
			if err != nil {
				t.Fatal(err)
			}
			got := make(map[string]macro)
			for k, m := range sc.macros {
				plain := *m
				plain.file = ""
				got[k] = plain
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(macro{})); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestScanEnumerators(t *testing.T) {
	tests := map[string]struct {
		text string
		want string // name=expr@line, the tag in front of an enum's first
	}{
		"none":           {"int x;\n", ""},
		"one line":       {"enum e { A, B = 2, C };\n", "e: A@1 B=2@1 C@1"},
		"anonymous":      {"enum {\n A,\n\n B\n};\n", ": A@2 B@4"},
		"trailing comma": {"enum {\nA,\n};\n", ": A@2"},
		"expression":     {"enum { A = F(1, 2) + (B), C = 'x', D = ',' };\n", ": A=F ( 1 , 2 ) + ( B )@1 C='x'@1 D=','@1"},
		"over lines":     {"enum\nf\n{\nA\n=\n1\n};\n", "f: A=1@4"},
		"only used":      {"enum e x; enum e f(enum e y);\nenum e;\n", ""},
		"attribute":      {"enum __attribute__((packed)) e { A };\n", "e: A@1"},
		"two":            {"enum { A }; enum g { B };\n", ": A@1 g: B@1"},
		"in a struct":    {"struct s { enum t { A } x; };\n", "t: A@1"},
		"with marker":    {"enum {\nA,\n# 40 \"/i/a.h\"\nB };\n", ": A@2 B@40"},
		"with define":    {"enum {\nA,\n#define A A\nB };\n", ": A@2 B@4"},
		"no keyword":     {"int enumerate; { A, B }\n", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			sc, err := scan("# 1 \"/i/a.h\"\n"+tt.text, below)
			if err != nil {
				t.Fatal(err)
			}
			var parts []string
			last := 0
			for _, e := range sc.enumerators {
				if e.enum != last {
					parts = append(parts, e.tag+":")
					last = e.enum
				}
				s := e.name
				if e.expr != "" {
					s += "=" + e.expr
				}
				_, line, _ := strings.Cut(e.pos.String(), ":")
				parts = append(parts, s+"@"+line)
			}
			if got := strings.Join(parts, " "); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestScanErrors(t *testing.T) {
	for name, text := range map[string]string{
		"marker without file": "# 1\n",
		"marker of letters":   "# x \"a\"\n",
		"marker unquoted":     "# 1 a.h\n",
		"nameless macro":      "#define \n",
		"enum without end":    "enum { A\n",
	} {
		t.Run(name, func(t *testing.T) {
			if sc, err := scan(text, below); err == nil || sc != nil {
				t.Errorf("got %v, %v", sc, err)
			}
		})
	}
}

func FuzzScan(f *testing.F) {
	f.Add("# 1 \"/i/a.h\"\n#define A 1\n#define F(x) x\n#undef A\nenum e { B = '\\'', C };\n")
	f.Add("enum { A = \"")
	f.Add("#define A\\\n")
	files, err := filepath.Glob("testdata/include/*/*.h")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		sc, err := scan(text, below)
		if (sc == nil) == (err == nil) {
			t.Fatalf("got %v and %v", sc, err)
		}
		if err != nil {
			return
		}
		for name, m := range sc.macros {
			if name != m.name || identLen(name) != len(name) {
				t.Errorf("macro %q named %q", name, m.name)
			}
		}
		for _, e := range sc.enumerators {
			if identLen(e.name) != len(e.name) || e.enum < 1 {
				t.Errorf("enumerator %+v", e)
			}
		}
	})
}

func FuzzSource(f *testing.F) {
	f.Add("/* a\n * b\n */\n#define A 1 /* c */ // d\n\"/*\" '\\'' \\\n")
	f.Add("/*")
	f.Add("\"\\")
	f.Fuzz(func(t *testing.T, text string) {
		s := readSource(text)
		for l := 1; l <= len(s.lines); l++ {
			for _, c := range append(s.before(l), s.beside(l)...) {
				if strings.Contains(c, "\n") {
					t.Errorf("comment line %q", c)
				}
			}
			s.locate("A", l)
			s.adjoins(l, l+2)
		}
	})
}
