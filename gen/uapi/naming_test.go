// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// buildOne generates one header with a configuration, for amd64 with gcc.
func buildOne(tb testing.TB, config string, files map[string]string) (*Result, error) {
	tb.Helper()
	requireCompiler(tb, "gcc")
	return Build(tb.Context(), Options{
		Include: []string{headersIn(tb, files)}, Config: mustConfig(tb, "package = \"x\"\n"+config), CC: "gcc", Arch: []string{"amd64"},
	})
}

// rendered returns all files of a result as one text.
func rendered(res *Result) string {
	var b strings.Builder
	for _, f := range res.Rendered {
		b.Write(f.Content)
	}
	return b.String()
}

// vet compiles and vets the files, together with a program or test of this
// package, and runs the tests.
func vet(tb testing.TB, res *Result, test string) {
	tb.Helper()
	dir := tb.TempDir()
	for _, f := range res.Rendered {
		mustWrite(tb, filepath.Join(dir, f.Name), string(f.Content))
	}
	mustWrite(tb, filepath.Join(dir, "go.mod"), "module x\n\ngo 1.26\n")
	if test != "" {
		mustWrite(tb, filepath.Join(dir, "more_test.go"), test)
	}
	for _, args := range [][]string{{"vet", "."}, {"test", "-vet=all", "."}} {
		cmd := exec.CommandContext(tb.Context(), "go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			tb.Fatalf("go %s: %v\n%s", args[0], err, out)
		}
	}
}

// TestNaming checks the effect of the keys about names, and the Go names of C names that Go
// does not allow.
func TestNaming(t *testing.T) {
	const header = `
enum my_state { MY_UP = 1, MY_DOWN };
#define MY_FLAG 0x10
#define my_small 7
#define MY_type 8
#define range 9
struct my_thing { enum my_state state; int a$b; int type; int func; int \u00fcber; int foo_bar, fooBar; };
`
	for name, tt := range map[string]struct{ config, want, not string }{
		"typed":      {"", "MY_UP   MyState = 1", ""},
		"field":      {"", "State   MyState", ""},
		"untyped":    {"enums = \"untyped\"\n", "MY_UP   = 1", "MyState = 1"},
		"none":       {"enums = \"none\"\n", "State   uint32", "MyState"},
		"strip":      {"strip = [\"MY_\", \"my_\"]\n", "UP   State = 1 // MY_UP in C", "MY_FLAG "},
		"prefix":     {"prefix = \"K\"\n", "KMY_FLAG = 0x10", ""},
		"rename":     {"rename = { MY_FLAG = \"Flag\", my_small = \"Small\", my_thing = \"Thing\", \"my_thing.type\" = \"Kind\" }\n", "Small   = 7 // my_small in C", ""},
		"rename tag": {"rename = { my_thing = \"Thing\", \"my_thing.type\" = \"Kind\" }\n", "Kind    int32 // type in C", ""},
		"unexported": {"unexported = true\n", "type myThing struct", "MY_"},
		"keyword":    {"unexported = true\n", "range_", ""},
		"dollar":     {"", "AB      int32 // a$b in C", ""},
		"utf-8":      {"", "Über    int32", ""},
		"folded":     {"", "FooBar2 int32 // fooBar in C", ""},
	} {
		t.Run(name, func(t *testing.T) {
			config := tt.config + "[[header]]\npath = \"linux/my.h\"\nstructs = [\"my_thing\"]\n"
			res, err := buildOne(t, config, map[string]string{"linux/my.h": strings.ReplaceAll(header, `\u00fc`, "ü")})
			if err != nil {
				t.Fatal(err)
			}
			text := rendered(res)
			var code []string
			for line := range strings.Lines(text) {
				if !strings.HasPrefix(strings.TrimSpace(line), "//") {
					code = append(code, line)
				}
			}
			if !strings.Contains(squeeze(text), squeeze(tt.want)) {
				t.Errorf("no %q in\n%s", tt.want, text)
			}
			for _, line := range code {
				if before, _, _ := strings.Cut(line, "//"); tt.not != "" && strings.Contains(squeeze(before), squeeze(tt.not)) && !strings.Contains(line, `"`) {
					t.Errorf("%q in %s", tt.not, line)
				}
			}
			vet(t, res, "")
		})
	}
}

// squeeze reduces each run of spaces to one, so that alignment does not matter.
func squeeze(text string) string { return strings.Join(strings.Fields(text), " ") }

// TestNothingLost checks that a name that the configuration spells out is
// generated or causes an error with a remedy.
func TestNothingLost(t *testing.T) {
	const use = "[[header]]\npath = \"linux/use.h\"\n"
	files := map[string]string{
		"linux/use.h":   "#define SIZE sizeof(size_t)\n#define OTHER (VALUE + 1)\n#define TWICE (AMBIGUOUS + 1)\n#define NOWHERE (NOT_THERE + 1)\n#define __HELPER 3\n#define small 4\n#define CALL(x) (x)\nstruct FooBar { int a; };\nstruct foo_bar { int b; };\ntypedef void (*call_t)(int);\n#define FOO 1\n",
		"linux/value.h": "#define VALUE 41\n",
		"linux/two.h":   "#define AMBIGUOUS 1\n",
		"linux/three.h": "#define AMBIGUOUS 2\n",
	}
	for name, tt := range map[string]struct{ config, want, err string }{
		"size_t":             {use + "include = [\"SIZE\"]\n", "SIZE = 8", ""},
		"one header has it":  {use + "include = [\"OTHER\"]\n", "OTHER = 42", ""},
		"said in the file":   {use + "include = [\"OTHER\"]\n", "// With: linux/value.h", ""},
		"two headers do":     {use + "include = [\"TWICE\"]\n", "", "linux/use.h:3: TWICE: does not evaluate: 'AMBIGUOUS' undeclared"},
		"remedy":             {use + "include = [\"TWICE\"]\n", "", "(include the header that declares AMBIGUOUS first: with = "},
		"with":               {use + "include = [\"TWICE\"]\nwith = [\"linux/three.h\"]\n", "TWICE = 3", ""},
		"nowhere":            {use + "include = [\"NOWHERE\"]\n", "", "'NOT_THERE' undeclared"},
		"pattern":            {use + "include = [\"NOW*\", \"FOO\"]\n", "FOO = 1", ""},
		"reserved":           {use + "include = [\"__HELPER\"]\n", "", "Go exports no name in lower case (rename"},
		"reserved, renamed":  {use + "include = [\"__HELPER\"]\nrename = { __HELPER = \"Helper\" }\n", "Helper = 3", ""},
		"small":              {use + "include = [\"small\"]\n", "", "linux/use.h:6: small: Go exports no name in lower case"},
		"function":           {use + "include = [\"CALL\"]\n", "", "CALL: function-like macro"},
		"typedef":            {use + "typedefs = [\"call_t\"]\n", "", "call_t: a typedef of no number"},
		"clash":              {use + "structs = [\"FooBar\", \"foo_bar\"]\n", "", "linux/use.h:9: struct foo_bar: the Go name FooBar is taken by struct FooBar at linux/use.h:8 (rename = { \"foo_bar\" = \"...\" })"},
		"clash, renamed":     {use + "structs = [\"FooBar\", \"foo_bar\"]\nrename = { foo_bar = \"Other\" }\n", "type Other struct", ""},
		"clash by strip":     {"strip = [\"F\"]\n" + use + "include = [\"FOO\", \"OTHER\"]\nrename = { OTHER = \"OO\" }\n", "", "the Go name OO is taken"},
		"star finds nothing": {use + "[[header]]\npath = \"linux/value.h\"\nstructs = [\"*\"]\ntypedefs = [\"*\"]\n", "VALUE = 41", ""},
	} {
		t.Run(name, func(t *testing.T) {
			res, err := buildOne(t, tt.config, files)
			if tt.err != "" {
				_, lost := errors.AsType[*LostError](err)
				_, clash := errors.AsType[*ClashError](err)
				if err == nil || !strings.Contains(err.Error(), tt.err) || !lost && !clash {
					t.Errorf("got %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if text := rendered(res); !strings.Contains(squeeze(text), squeeze(tt.want)) {
				t.Errorf("no %q in\n%s", tt.want, text)
			}
		})
	}
}

// TestDepends: opaque bytes become types.
func TestDepends(t *testing.T) {
	files := map[string]string{
		"linux/inner.h": "enum kind { KIND_A };\nstruct deep { int x; };\nstruct inner { struct deep d[2]; enum kind k; };\n",
		"linux/outer.h": "#include <linux/inner.h>\nstruct outer { struct inner i; int flex[]; };\n",
	}
	const config = "[[header]]\npath = \"linux/outer.h\"\nstructs = [\"outer\"]\n"
	res, err := buildOne(t, config, files)
	if err != nil {
		t.Fatal(err)
	}
	if text := rendered(res); !strings.Contains(squeeze(text), "I [3]uint32") {
		t.Errorf("no opaque bytes in\n%s", text)
	}
	if res, err = buildOne(t, config+"depends = true\n", files); err != nil {
		t.Fatal(err)
	}
	vet(t, res, "package x\n\nimport \"testing\"\n\nfunc TestOuter(t *testing.T) {\n\tvar o Outer\n\to.I.D[1].X = 3\n\to.I.K = Kind(1)\n}\n")
}

// TestSetterClash: a member has the name that another member's setter would have.
func TestSetterClash(t *testing.T) {
	res, err := buildOne(t, "[[header]]\npath = \"linux/acc.h\"\nstructs = [\"acc\"]\n", map[string]string{
		"linux/acc.h": "struct acc { int set_a; unsigned a:3; unsigned set_b:2; unsigned b:1; };\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	vet(t, res, `package x

import "testing"

func TestAcc(t *testing.T) {
	var a Acc
	a.SetA = 1
	a.SetA2(5)
	a.SetSetB(2)
	a.SetB2(1)
	if a.SetA != 1 || a.A() != 5 || a.SetB() != 2 || a.B() != 1 {
		t.Errorf("%+v", a)
	}
}
`)
}
