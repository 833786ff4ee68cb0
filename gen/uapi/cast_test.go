// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"bytes"
	"go/types"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// castHeader has macros that are a cast, and macros that only contain one.
const castHeader = `
typedef int format_t;
typedef unsigned short port_t;
typedef float gain_t;
typedef unsigned int unchosen_t;
enum mode { MODE_OFF, MODE_ON };
typedef enum mode mode_t;
typedef enum { LEVEL_LOW, LEVEL_HIGH = 7 } level_t;
#define FORMAT ((format_t)2)
#define FORMAT_UNBRACKETED (format_t) 3
#define FORMAT_NEGATIVE ((format_t) -1)
#define FORMAT_SUM ((format_t)(1 + 2))
#define FORMAT_ALIAS FORMAT
#define FORMAT_ALIAS_OF_ALIAS (FORMAT_ALIAS)
#define PORT ((port_t)~0)
#define GAIN ((gain_t)0.5)
#define MODE_MACRO ((enum mode)1)
#define MODE_BY_TYPEDEF ((mode_t)1)
#define LEVEL_MACRO ((level_t)7)
#define MIXED ((format_t)1 | 2)
#define TWO_CASTS ((format_t)1 + (format_t)2)
#define INNER (1 + (format_t)2)
#define UNCHOSEN ((unchosen_t)1)
#define PLAIN ((unsigned int)1)
#define BRACKETS (FORMAT)
#define TOO_LARGE ((enum mode)-1)
`

// TestCasts: with both compilers, macros get the type that they cast to, and no others do.
func TestCasts(t *testing.T) {
	dir := headersIn(t, map[string]string{"linux/cast.h": castHeader})
	types := map[string]string{
		"FORMAT": "FormatT", "FORMAT_UNBRACKETED": "FormatT", "FORMAT_NEGATIVE": "FormatT", "FORMAT_SUM": "FormatT",
		"FORMAT_ALIAS": "FormatT", "FORMAT_ALIAS_OF_ALIAS": "FormatT", "BRACKETS": "FormatT",
		"PORT": "PortT", "GAIN": "GainT",
	}
	enums := map[string]string{
		"MODE_OFF": "Mode", "MODE_ON": "Mode", "MODE_MACRO": "Mode", "MODE_BY_TYPEDEF": "Mode", "TOO_LARGE": "Mode",
		"LEVEL_LOW": "LevelT", "LEVEL_HIGH": "LevelT", "LEVEL_MACRO": "LevelT",
	}
	for _, tt := range []struct {
		name, cc, config string
		want             []map[string]string
	}{
		{"gcc", "gcc", "typedefs = [\"format_t\", \"port_t\", \"gain_t\"]\n", []map[string]string{types, enums}},
		{"clang", "clang", "typedefs = [\"format_t\", \"port_t\", \"gain_t\"]\n", []map[string]string{types, enums}},
		{"untyped enums", "gcc", "typedefs = [\"format_t\", \"port_t\", \"gain_t\"]\nenums = \"untyped\"\n", []map[string]string{types}},
		{"no typedefs", "gcc", "", []map[string]string{enums}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			requireCompiler(t, tt.cc)
			cfg := mustConfig(t, "package = \"x\"\n[[header]]\npath = \"linux/cast.h\"\n"+tt.config)
			res, err := Build(t.Context(), Options{Include: []string{dir}, Config: cfg, CC: tt.cc})
			if err != nil {
				t.Fatal(err)
			}
			code, err := check(res.Rendered, HostArch(), nil)
			if err != nil {
				t.Fatal(err)
			}
			got, want := make(map[string]string), make(map[string]string)
			for _, m := range tt.want {
				for k, v := range m {
					want[k] = v
				}
			}
			for _, name := range code.scope.Names() {
				if typ := constType(code.scope.Lookup(name)); typ != "" {
					got[name] = typ
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("types of constants (-want +got)\n%s", diff)
			}
		})
	}
}

// constType returns the name of a constant's type; empty for other objects and
// for constants without one.
func constType(obj types.Object) string {
	if c, ok := obj.(*types.Const); ok {
		if named, ok := c.Type().(*types.Named); ok {
			return named.Obj().Name()
		}
	}
	return ""
}

// TestVerifyFindsType gives a macro another type of the same size.
func TestVerifyFindsType(t *testing.T) {
	requireCompiler(t, "gcc")
	dir := headersIn(t, map[string]string{"linux/cast.h": "typedef int first_t;\nenum second { SECOND };\n#define FIRST ((first_t)2)\n"})
	cfg := mustConfig(t, "package = \"x\"\n[[header]]\npath = \"linux/cast.h\"\ntypedefs = [\"first_t\"]\n")
	res, err := Build(t.Context(), Options{Include: []string{dir}, Config: cfg, CC: "gcc"})
	if err != nil {
		t.Fatal(err)
	}
	verify := func() *VerifyResult {
		t.Helper()
		got, err := Verify(t.Context(), res.Packages[0], res.Rendered, VerifyOptions{Include: []string{dir}})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := verify(); len(got.Failures) > 0 {
		t.Errorf("failures %v", got.Failures)
	}
	for i, f := range res.Rendered {
		res.Rendered[i].Content = bytes.Replace(f.Content, []byte("FIRST FirstT = 2"), []byte("FIRST Second = 2"), 1)
	}
	if got := verify(); len(got.Failures) != 1 || !strings.Contains(got.Failures[0].Assertion, "__typeof__(FIRST), enum second") {
		t.Errorf("failures %v, want one about the type of FIRST", got.Failures)
	}
}
