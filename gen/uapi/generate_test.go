// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sampleStamp is the stamp of the golden files.
func sampleStamp() Stamp { return Stamp{Base: "sample", Series: "v1", SeriesHash: "0123abcd"} }

// sample returns options for the headers in testdata.
func sample(tb testing.TB, out string) Options {
	tb.Helper()
	requireCompiler(tb, "gcc")
	cfg, err := LoadConfig("testdata/sample.toml")
	if err != nil {
		tb.Fatal(err)
	}
	return Options{Include: []string{"testdata/include"}, Config: cfg, Stamp: sampleStamp(), Out: out, CC: "gcc"}
}

// readDir returns the files of a directory by name.
func readDir(tb testing.TB, dir string) map[string]string {
	tb.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		tb.Fatal(err)
	}
	files := make(map[string]string)
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			tb.Fatal(err)
		}
		files[e.Name()] = string(text)
	}
	return files
}

func TestGenerateGolden(t *testing.T) {
	out := t.TempDir()
	if *update {
		out = "testdata/golden"
	}
	res, err := Generate(t.Context(), sample(t, out))
	if err != nil {
		t.Fatal(err)
	}
	if res.Release != "6.12.117" {
		t.Errorf("release %q", res.Release)
	}
	if diff := cmp.Diff(readDir(t, "testdata/golden"), readDir(t, out)); diff != "" {
		t.Errorf("(-want +got; -update rewrites)\n%s", diff)
	}
}

// TestSkipped checks the reasons for names that have no form in Go. The text after "does
// not evaluate" is the compiler's.
func TestSkipped(t *testing.T) {
	res, err := Generate(t.Context(), sample(t, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"sample_lower_case":  "Go exports no name in lower case",
		"SAMPLE_POINTER":     "neither a number nor a string",
		"SAMPLE_MISSING":     "does not evaluate: 'SAMPLE_NOWHERE' undeclared",
		"SAMPLE_MISSING_TOO": "does not evaluate: 'SAMPLE_NOWHERE' undeclared",
		"SAMPLE_TYPE":        "does not evaluate: ",
		"SAMPLE_OPEN":        "unbalanced brackets",
		"SAMPLE_OPENS":       "unbalanced brackets",
		"SAMPLE_LIST":        "does not evaluate: ",
		"SAMPLE_SEMI":        "does not evaluate: ",
		"SAMPLE_CALL":        "function-like macro",
		"SAMPLE_EMPTY":       "empty macro",
		"SAMPLE_ADDRESS":     "an address, known only to the linker",
		"SAMPLE_DECIMAL":     "same as at linux/sample.h:",
		"OTHER_H":            "empty macro",
		"sample_alias_t":     "a second name of struct sample_inner",
		"sample_call_t":      "a typedef of no number",
	}
	got := make(map[string]string)
	for _, s := range res.Skipped() {
		if s.Pos.Line == 0 || s.Pos.File == "" {
			t.Errorf("%s has no place", s)
		}
		got[s.Name] = s.Reason
	}
	for name, reason := range want {
		if !strings.HasPrefix(got[name], reason) {
			t.Errorf("%s: got %q, want %q", name, got[name], reason)
		}
		delete(got, name)
	}
	for name, reason := range got {
		t.Errorf("%s was left out: %s", name, reason)
	}
}

// TestCompilersAgree: clang and gcc give the same package.
func TestCompilersAgree(t *testing.T) {
	requireCompiler(t, "clang")
	opt := sample(t, "testdata/golden")
	opt.CC, opt.Check = "clang", true
	_, err := Generate(t.Context(), opt)
	var drift *DriftError
	if errors.As(err, &drift) {
		t.Fatal(drift.Diff)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestReproducible generates from another directory and in another environment.
func TestReproducible(t *testing.T) {
	one, two := t.TempDir(), filepath.Join(t.TempDir(), "deep", "er")
	if _, err := Generate(t.Context(), sample(t, one)); err != nil {
		t.Fatal(err)
	}
	opt := sample(t, two)
	opt.Include = []string{t.TempDir()}
	if err := os.CopyFS(opt.Include[0], os.DirFS("testdata/include")); err != nil {
		t.Fatal(err)
	}
	for k, v := range map[string]string{
		"TZ": "Asia/Kathmandu", "LANG": "de_DE.UTF-8", "LC_ALL": "de_DE.UTF-8", "C_INCLUDE_PATH": "/usr/include",
		"CPATH": "/usr/include", "GCC_COLORS": "error=01", "SOURCE_DATE_EPOCH": "1", "TMPDIR": t.TempDir(),
	} {
		t.Setenv(k, v)
	}
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	if _, err := Generate(t.Context(), opt); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(readDir(t, one), readDir(t, two)); diff != "" {
		t.Errorf("(-one +other)\n%s", diff)
	}
	info, err := os.Stat(filepath.Join(two, "sample_uapi.go"))
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestGenerateAgain(t *testing.T) {
	out := t.TempDir()
	opt := sample(t, out)
	res, err := Generate(t.Context(), opt)
	if err != nil || len(res.Changed) != len(res.Files) {
		t.Fatalf("first run changed %v, %v", res.Changed, err)
	}
	mustWrite(t, filepath.Join(out, "doc.go"), "// Package sample is by hand.\npackage sample\n")
	if res, err = Generate(t.Context(), opt); err != nil || len(res.Changed) != 0 {
		t.Fatalf("second run changed %v, %v", res.Changed, err)
	}
	// The file of a header that is no longer wanted is removed.
	opt.Config.Headers = opt.Config.Headers[:1]
	res, err = Generate(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"asm_arch_uapi.go", "other_uapi.go"}, res.Changed); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if files := readDir(t, out); files["doc.go"] == "" || files["other_uapi.go"] != "" {
		t.Errorf("left %v", sortedKeys(files))
	}
}

func TestCheck(t *testing.T) {
	tests := map[string]struct {
		change func(t *testing.T, dir string, opt *Options)
		files  []string
		diff   string
		stale  bool
	}{
		"same": {change: func(*testing.T, string, *Options) {}},
		"value": {
			change: func(t *testing.T, dir string, _ *Options) {
				replace(t, filepath.Join(dir, "sample_uapi.go"), "SAMPLE_FD       = 1 ", "SAMPLE_FD       = 2 ")
			},
			files: []string{"sample_uapi.go"}, diff: "-\tSAMPLE_FD       = 2 // s32\n+\tSAMPLE_FD       = 1 // s32\n",
		},
		"missing": {
			change: func(t *testing.T, dir string, _ *Options) { mustRemove(t, filepath.Join(dir, "other_uapi.go")) },
			files:  []string{"other_uapi.go"}, diff: "+\tOTHER_ONE = 1\n",
		},
		"too many": {
			change: func(t *testing.T, dir string, _ *Options) {
				mustWrite(t, filepath.Join(dir, "gone_uapi.go"), "// "+generatedLine+"\n\npackage sample\n")
			},
			files: []string{"gone_uapi.go"}, diff: "-package sample\n",
		},
		"other series": {
			change: func(_ *testing.T, _ string, opt *Options) { opt.Stamp.SeriesHash, opt.Stamp.Release = "ffff", "7.3.4" },
			stale:  true,
		},
		"no directory": {
			change: func(_ *testing.T, dir string, opt *Options) { opt.Out = filepath.Join(dir, "none") },
			files:  []string{"sample_uapi.go", "other_uapi.go", "asm_arch_uapi.go", "types_uapi.go", "layout_uapi_test.go"},
			diff:   "+package sample\n",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS("testdata/golden")); err != nil {
				t.Fatal(err)
			}
			opt := sample(t, dir)
			opt.Check = true
			tt.change(t, dir, &opt)
			before := readDir(t, dir)
			res, err := Generate(t.Context(), opt)
			if diff := cmp.Diff(before, readDir(t, dir)); diff != "" {
				t.Errorf("check wrote (-before +after)\n%s", diff)
			}
			if tt.files == nil {
				if err != nil || res.StaleStamp != tt.stale {
					t.Errorf("got %+v, %v", res, err)
				}
				return
			}
			var drift *DriftError
			if !errors.As(err, &drift) {
				t.Fatalf("got %v", err)
			}
			if diff := cmp.Diff(tt.files, drift.Files); diff != "" {
				t.Errorf("files (-want +got)\n%s", diff)
			}
			if !strings.Contains(drift.Diff, tt.diff) {
				t.Errorf("diff lacks %q:\n%s", tt.diff, drift.Diff)
			}
		})
	}
}

// TestGenerateErrors checks the error of each failure, and that the package does not
// change.
func TestGenerateErrors(t *testing.T) {
	const one = "package = \"sample\"\n[[header]]\npath = "
	tests := map[string]struct {
		config string
		change func(opt *Options)
		want   string
		is     error
	}{
		"missing header":    {config: one + `"linux/none.h"`, want: "linux/none.h: no such header below ", is: ErrNoHeader},
		"broken header":     {config: one + `"bad/broken.h"`, want: "bad/broken.h: bad/broken.h:2:17: error: unknown type name"},
		"unended enum":      {config: one + `"bad/unended.h"`, want: "bad/unended.h: enum unended at bad/unended.h:1 does not end"},
		"missing include":   {config: one + `"bad/includes.h"`, want: "bad/includes.h: bad/includes.h:1:10: fatal error: linux/nowhere.h: No such file"},
		"unknown name":      {config: one + "\"linux/other.h\"\ninclude = [\"OTHER_*\", \"OTHER_TWO\"]", want: `test.toml:4: include: linux/other.h has no constant "OTHER_TWO"`},
		"unknown exclusion": {config: one + "\"linux/other.h\"\nexclude = [\"OTHER_TWO\"]", want: `test.toml:4: exclude: linux/other.h has no constant "OTHER_TWO"`},
		"unknown struct":    {config: one + "\"linux/other.h\"\nstructs = [\"other\"]", want: `test.toml:4: structs: linux/other.h has no struct or union "other"`},
		"disagreement": {
			config: one + "\"linux/sample.h\"\n[[header]]\npath = \"bad/disagrees.h\"\n",
			want:   "bad/disagrees.h:1: SAMPLE_DECIMAL is 13, but 12 at linux/sample.h:37",
		},
		"no compiler":       {change: func(o *Options) { o.CC = "xpsgen-no-such-cc" }, want: "linux/", is: ErrNoCompiler},
		"wrong compiler":    {change: func(o *Options) { o.CC = "false" }, want: "linux/"},
		"silent compiler":   {change: func(o *Options) { o.CC = "true" }, want: "linux/"},
		"no headers":        {change: func(o *Options) { o.Include = []string{"testdata/golden"} }, want: "linux/sample.h: no such header"},
		"no directory":      {change: func(o *Options) { o.Include = []string{"testdata/none"} }, want: "uapi: stat "},
		"no tree":           {change: func(o *Options) { o.Include, o.Tree = nil, "testdata" }, want: "uapi: "},
		"both":              {change: func(o *Options) { o.Tree = "testdata" }, want: "uapi: want either a kernel tree or a directory of headers"},
		"neither":           {change: func(o *Options) { o.Include = nil }, want: "uapi: want either a kernel tree or a directory of headers"},
		"unknown arch":      {change: func(o *Options) { o.Arch = []string{"vax"} }, want: `uapi: unknown architecture "vax"`},
		"no configuration":  {change: func(o *Options) { o.Config = nil }, want: "uapi: configuration and output directory are required"},
		"no temp directory": {change: func(o *Options) { t.Setenv("TMPDIR", "/nonexistent") }, want: "uapi: "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS("testdata/golden")); err != nil {
				t.Fatal(err)
			}
			opt := sample(t, dir)
			if tt.config != "" {
				opt.Config = mustConfig(t, tt.config)
			}
			if tt.change != nil {
				old := os.Getenv("TMPDIR")
				tt.change(&opt)
				defer os.Setenv("TMPDIR", old)
			}
			res, err := Generate(t.Context(), opt)
			if res != nil || err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %v\nwant %s", err, tt.want)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("%v is no %v", err, tt.is)
			}
			if diff := cmp.Diff(readDir(t, "testdata/golden"), readDir(t, dir)); diff != "" {
				t.Errorf("package changed (-before +after)\n%s", diff)
			}
		})
	}
}

func TestGenerateForeignFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "sample_uapi.go")
	mustWrite(t, name, "package sample\n")
	_, err := Generate(t.Context(), sample(t, dir))
	if err == nil || !strings.Contains(err.Error(), "not a generated file") {
		t.Errorf("got %v", err)
	}
	if files := readDir(t, dir); len(files) != 1 || files["sample_uapi.go"] != "package sample\n" {
		t.Errorf("left %v", sortedKeys(files))
	}
}

func TestGenerateUnwritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	mustWrite(t, file, "")
	// Even root cannot create a directory there.
	if _, err := Generate(t.Context(), sample(t, filepath.Join(file, "sub"))); err == nil {
		t.Error("no error for a directory below a file")
	}
	if os.Geteuid() == 0 {
		return
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	if _, err := Generate(t.Context(), sample(t, dir)); !errors.Is(err, os.ErrPermission) {
		t.Errorf("got %v", err)
	}
}

func TestGenerateCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	if _, err := Generate(ctx, sample(t, dir)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if files := readDir(t, dir); len(files) != 0 {
		t.Errorf("left %v", sortedKeys(files))
	}
}

// TestGoldenRuns compiles the golden files and runs their layout test, and a hand-written
// test of bits and accessors.
func TestGoldenRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: runs the go command")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/golden")); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/accessors_test.go.txt")
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, filepath.Join(dir, "accessors_test.go"), string(text))
	mustWrite(t, filepath.Join(dir, "go.mod"), "module sample\n\ngo 1.26\n")
	cmd := exec.CommandContext(t.Context(), "go", "test", "-vet=all", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func mustWrite(tb testing.TB, name, text string) {
	tb.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		tb.Fatal(err)
	}
}

func mustRemove(tb testing.TB, name string) {
	tb.Helper()
	if err := os.Remove(name); err != nil {
		tb.Fatal(err)
	}
}

func replace(tb testing.TB, name, old, new string) {
	tb.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		tb.Fatalf("%s lacks %q", name, old)
	}
	mustWrite(tb, name, strings.ReplaceAll(string(text), old, new))
}
