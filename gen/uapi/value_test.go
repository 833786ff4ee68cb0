// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// headersIn writes headers below a new directory, which it returns.
func headersIn(tb testing.TB, files map[string]string) string {
	tb.Helper()
	dir := tb.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			tb.Fatal(err)
		}
		mustWrite(tb, file, text)
	}
	return dir
}

// valuesHeader has all ways to write a negative number in C, and similar ones that are not
// negative. valuesWant has the values that Go must have.
const valuesHeader = `
#define PAREN (-0x10)
#define DIFF (0x10 - 0x20)
#define ALIAS PAREN
#define SHIFT (-(1 << 2))
#define MIN (-0x7fffffff - 1)
#define MASK (~0x0f)
#define CAST ((int)0xf0000000)
#define TOP (1 << 31)
#define TOP_ALIAS TOP
#define TOP_SET (TOP | 1)
#define NIBBLE (0xf << 28)
#define WIDE_TOP (1LL << 63)
#define WIDE_MIN (-0x7fffffffffffffffLL - 1)
#define UNSIGNED (1U << 31)
#define ALL (~0U)
#define BYTE ((unsigned char)-1)
enum flags { LOW = 1, HIGH = 1 << 31, AFTER };
#define HIGH_ALIAS HIGH
enum mixed { NEGATIVE = -1, SIGNED_TOP = 1 << 31 };
#define SIGNED_ALIAS SIGNED_TOP
enum wide { SMALL = -1, LARGE = 0xffffffff };
enum huge { HUGE = 0xfedcba9876543210ULL };
#define HALF 0.5
#define FLOAT 1.5f
#define FLOAT_CAST ((float)0.1)
#define FLOAT_HEX 0x1.fffffep+127f
#define FLOAT_LEAST 4.9e-324
#define FLOAT_LONG 0.1L
#define FLOAT_SUM (0.1 + 0.2)
#define FLOAT_WHOLE (1 ? 2 : 0.5)
#define NO_FLOAT_MINUS_ZERO (-0.0)
#define NO_FLOAT_INFINITE (1.0 / 0.0)
#define NO_FLOAT_NAN (0.0 / 0.0)
#define NO_FLOAT_COMPLEX 1.0i
`

var valuesWant = map[string]string{
	"PAREN": "-16", "DIFF": "-16", "ALIAS": "-16", "SHIFT": "-4", "MIN": "-2147483648", "MASK": "-16", "CAST": "-268435456",
	"TOP": "2147483648", "TOP_ALIAS": "2147483648", "TOP_SET": "2147483649", "NIBBLE": "4026531840",
	"WIDE_TOP": "9223372036854775808", "WIDE_MIN": "-9223372036854775808", "UNSIGNED": "2147483648", "ALL": "4294967295",
	"BYTE": "255", "LOW": "1", "HIGH": "2147483648", "AFTER": "2147483649", "HIGH_ALIAS": "2147483648",
	"NEGATIVE": "-1", "SIGNED_TOP": "-2147483648", "SIGNED_ALIAS": "-2147483648", "SMALL": "-1", "LARGE": "4294967295",
	"HUGE": "18364758544493064720", "HALF": "0.5", "FLOAT": "1.5", "FLOAT_CAST": "0.10000000149011612",
	"FLOAT_HEX": "3.4028234663852886e+38", "FLOAT_LEAST": "5e-324", "FLOAT_LONG": "0.1", "FLOAT_SUM": "0.30000000000000004",
	"FLOAT_WHOLE": "2.0",
}

// TestValues checks the value of each form, which must not depend on compiler or target.
// verify must confirm it.
func TestValues(t *testing.T) {
	dir := headersIn(t, map[string]string{"linux/values.h": valuesHeader})
	for _, tt := range []struct{ cc, arch string }{
		{"gcc", "amd64"}, {"clang", "amd64"}, {"gcc", "386"}, {"clang", "arm64"}, {"clang", "arm"}, {"clang", "s390x"}, {"clang", "mips64"},
	} {
		t.Run(tt.cc+" "+tt.arch, func(t *testing.T) {
			requireCompiler(t, tt.cc)
			cc, err := CompilerFor(tt.cc, tt.arch)
			if err != nil {
				t.Fatal(err)
			}
			h, err := Analyse(t.Context(), cc, []string{dir}, Input{Path: "linux/values.h"})
			if err != nil {
				t.Fatal(err)
			}
			got := make(map[string]string)
			for _, g := range h.Groups {
				for _, c := range g.Consts {
					got[c.Name] = c.Value.text()
				}
			}
			if diff := cmp.Diff(valuesWant, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			res, err := VerifyHeaders(t.Context(), []string{"linux/values.h"}, VerifyOptions{Include: []string{dir}, Compilers: []string{tt.cc}, Arch: tt.arch})
			if err != nil {
				t.Fatal(err)
			}
			if res.Failed() || res.Constants != len(valuesWant) {
				t.Errorf("%d of %d constants confirmed: %v %v %v", res.Constants, len(valuesWant), res.Failures, res.Undecided, res.Lost)
			}
		})
	}
}

// TestVerifyFindsSign: verify denies a wrong sign or width, and a number that only looks
// like a set of bits.
func TestVerifyFindsSign(t *testing.T) {
	dir := headersIn(t, map[string]string{"linux/values.h": valuesHeader})
	cfg := mustConfig(t, "package = \"x\"\n[[header]]\npath = \"linux/values.h\"\n")
	for name, tt := range map[string]struct{ old, new string }{
		"unsigned for negative": {"PAREN     = -16", "PAREN = 0xfffffff0"},
		"unsigned minimum":      {"MIN       = -2147483648", "MIN = 0x80000000"},
		"unsigned mask":         {"MASK      = -16", "MASK = 0xfffffff0"},
		"other bits":            {"TOP_SET   = 0x80000001", "TOP_SET = 0x80000003"},
		"too wide":              {"TOP       = 0x80000000", "TOP = 0x180000000"},
		"sign of an enum":       {"type Flags uint32", "type Flags int64"},
		"float":                 {"FLOAT_SUM   = 0.30000000000000004", "FLOAT_SUM = 0.3"},
	} {
		t.Run(name, func(t *testing.T) {
			res, err := Build(t.Context(), Options{Include: []string{dir}, Config: cfg, CC: "gcc", Arch: []string{"amd64"}})
			if err != nil {
				t.Fatal(err)
			}
			changed := false
			for i, f := range res.Rendered {
				text := strings.Replace(string(f.Content), tt.old, tt.new, 1)
				changed = changed || text != string(f.Content)
				res.Rendered[i].Content = []byte(text)
			}
			if !changed {
				t.Fatalf("no %q in\n%s", tt.old, res.Rendered[0].Content)
			}
			got, err := Verify(t.Context(), res.Packages[0], res.Rendered, VerifyOptions{Include: []string{dir}, Compilers: []string{"gcc"}, Arch: "amd64"})
			if err != nil && !strings.Contains(err.Error(), "overflows") {
				t.Fatal(err)
			}
			if err == nil && len(got.Failures) == 0 {
				t.Error("verify saw nothing")
			}
		})
	}
}

func TestExact(t *testing.T) {
	names := map[string]string{"A": "1 << 31", "B": "A + 1", "LOOP": "LOOP"}
	for text, want := range map[string]string{
		"1 << 31": "2147483648", "(1 << 31) | 1": "2147483649", "1 << 2 + 3": "32", "~0xf": "-16", "-0x7fffffff - 1": "-2147483648",
		"B": "2147483649", "010": "8", "7 / 2 * 2 % 4": "2", "1ULL << 63": "9223372036854775808", "6 & 3 ^ 1": "3",
		"sizeof(int)": "", "(int)1": "", "LOOP": "", "1 +": "", "1 / 0": "", "C": "", "1 << 99": "",
	} {
		v, err := exact(text, names, 0)
		got := ""
		if err == nil {
			got = v.ExactString()
		}
		if got != want {
			t.Errorf("%q is %q, want %q (%v)", text, got, want, err)
		}
	}
}
