// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMatchPath(t *testing.T) {
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"linux/*.h", "linux/a.h", true},
		{"linux/*.h", "linux/can/a.h", false},
		{"linux/**/*.h", "linux/a.h", true},
		{"linux/**/*.h", "linux/can/raw/a.h", true},
		{"**/*.h", "asm/a.h", true},
		{"**/b.h", "asm/a.h", false},
		{"linux/a.h", "linux/a.h", true},
		{"linux", "linux/a.h", false},
	} {
		if got := matchPath(tt.pattern, tt.name); got != tt.want {
			t.Errorf("%s of %s: %t", tt.pattern, tt.name, got)
		}
	}
}

// TestConfigOfHeaders checks the errors about keys that depend on the headers.
func TestConfigOfHeaders(t *testing.T) {
	const sampleHeader = "package = \"x\"\n[[header]]\npath = \"linux/sample.h\"\n"
	for name, tt := range map[string]struct{ text, want string }{
		"no match":        {"package = \"x\"\n[[header]]\npath = \"net/*.h\"\n", `test.toml:3: path: no header matches "net/*.h"`},
		"except":          {"package = \"x\"\n[[header]]\npath = \"linux/*.h\"\nexcept = [\"asm/*\"]\n", `test.toml:4: except: "asm/*" matches none of "linux/*.h"`},
		"typedefs":        {sampleHeader + "typedefs = [\"none_t\"]\n", `test.toml:4: typedefs: linux/sample.h has no typedef "none_t"`},
		"strings":         {sampleHeader + "[header.strings]\nKind = [\"NONE_*\"]\n", `test.toml:4: strings: Kind: linux/sample.h has no number "NONE_*" in the package`},
		"mapping unused":  {"package = \"x\"\n[types]\n\"struct none\" = \"[4]byte\"\n[[header]]\npath = \"linux/sample.h\"\n", `test.toml:3: types: no selected struct has a "struct none"`},
		"mapping too big": {"package = \"x\"\n[types]\n\"struct sample_addr\" = \"uint64\"\n[[header]]\npath = \"linux/sample.h\"\nstructs = [\"sample_ids\"]\n", `test.toml:3: types: "struct sample_addr" has 16 bytes, uint64 has 8`},
	} {
		t.Run(name, func(t *testing.T) {
			opt := sample(t, t.TempDir())
			opt.Config = mustConfig(t, tt.text)
			if _, err := Generate(t.Context(), opt); err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestGlob(t *testing.T) {
	cfg, _, err := mustConfig(t, "package = \"x\"\n[[header]]\npath = \"linux/*.h\"\nexcept = [\"linux/version.h\"]\n[[header]]\npath = \"linux/other.h\"\n").expand([][]string{{"testdata/include"}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range cfg.Headers {
		got = append(got, h.Path)
	}
	for _, p := range got {
		if p == "linux/version.h" {
			t.Error("version.h is excepted")
		}
	}
	if n := strings.Count(strings.Join(got, " "), "linux/other.h"); n != 1 || len(got) < 3 {
		t.Errorf("got %v", got)
	}
}

// TestTargets generates for two word sizes and both byte orders at once. The compiler of
// each target confirms the files for it.
func TestTargets(t *testing.T) {
	requireCompiler(t, "clang")
	out := t.TempDir()
	opt := sample(t, out)
	opt.CC, opt.Arch = "clang", []string{"amd64", "386", "arm", "s390x"}
	res, err := Generate(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range res.Packages {
		got, err := Verify(t.Context(), p, res.Rendered, VerifyOptions{Include: opt.Include, Compilers: []string{"clang"}, Arch: p.Arch})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range append(got.Failures, got.Undecided...) {
			t.Errorf("%s: %s", p.Arch, f)
		}
		if got.Constants < 20 || got.BitOffsets == 0 {
			t.Errorf("%s: proved %+v", p.Arch, got)
		}
	}
	text, err := os.ReadFile(filepath.Join(out, "types_s390x_uapi.go"))
	if err != nil || !strings.Contains(string(text), "\n//go:build s390x\n") {
		t.Errorf("no file for big-endian bits: %v", err)
	}
	common, err := os.ReadFile(filepath.Join(out, "sample_uapi.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"SAMPLE_FD ", "type SamplePacked struct"} {
		if !strings.Contains(string(common), word) {
			t.Errorf("the shared file lacks %q", word)
		}
	}
	if strings.Contains(string(common), "type SampleAll struct") {
		t.Error("a struct with a pointer is in the shared file")
	}
	res, err = Generate(t.Context(), opt)
	if err != nil || len(res.Changed) != 0 {
		t.Errorf("again: changed %v, %v", res.Changed, err)
	}
}

func TestCompilerFor(t *testing.T) {
	for _, tt := range []struct{ command, arch, want string }{
		{"", "arm64", "clang --target=aarch64-linux-gnu"},
		{"clang-14", "s390x", "clang-14 --target=s390x-linux-gnu"},
		{"clang -target x", "arm", "clang -target x"},
		{"s390x-linux-gnu-gcc", "s390x", "s390x-linux-gnu-gcc"},
	} {
		cc, err := CompilerFor(tt.command, tt.arch)
		if err != nil || cc.Command != tt.want {
			t.Errorf("%q for %s: %v, %v", tt.command, tt.arch, cc, err)
		}
	}
	for _, tt := range [][2]string{{"gcc", "loong64"}, {"", "vax"}, {" ", "arm"}} {
		if cc, err := CompilerFor(tt[0], tt[1]); err == nil {
			t.Errorf("%q for %s: %v", tt[0], tt[1], cc)
		}
	}
}

func TestParseGoType(t *testing.T) {
	for text, want := range map[string]goType{
		"[16]byte": {"[16]byte", 16, 1}, "uint32": {"uint32", 4, 4}, "[2]int64": {"[2]int64", 16, 8},
		"[0]byte": {}, "string": {}, "[]byte": {}, "[4]Be32": {}, "": {}, "uint32 ": {},
	} {
		got, ok := parseGoType(text)
		if ok != (want.text != "") || got != want {
			t.Errorf("%q: got %+v, %t", text, got, ok)
		}
	}
	if diff := cmp.Diff([]string{"386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64", "ppc64le", "riscv64", "s390x"}, Arches()); diff != "" {
		t.Error(diff)
	}
}
