// SPDX-License-Identifier: GPL-2.0-only OR MIT

package objects

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// mustTree makes a directory with these files and their stamp.
func mustTree(tb testing.TB, files map[string]string) string {
	tb.Helper()
	dir := tb.TempDir()
	for name, text := range files {
		mustWrite(tb, dir, name, text)
	}
	s, err := NewStamp(dir, "some clang")
	if err != nil {
		tb.Fatal(err)
	}
	mustWrite(tb, dir, StampFile, string(s.Bytes()))
	return dir
}

func mustWrite(tb testing.TB, dir, name, text string) {
	tb.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
		tb.Fatal(err)
	}
}

func mustRemove(tb testing.TB, dir, name string) {
	tb.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		tb.Fatal(err)
	}
}

func TestVerify(t *testing.T) {
	files := map[string]string{
		"a.bpf.c": "source", "a.h": "header", "a_bpfel.o": "object", "a_bpfel.go": "binding",
		"a_bpfeb.o": "object", "a_bpfeb.go": "binding", "other.go": "not compiled",
	}
	tests := map[string]struct {
		change func(testing.TB, string)
		want   string // empty: nothing stale
	}{
		"nothing":            {func(testing.TB, string) {}, ""},
		"another file":       {func(tb testing.TB, d string) { mustWrite(tb, d, "other.go", "x") }, ""},
		"source":             {func(tb testing.TB, d string) { mustWrite(tb, d, "a.bpf.c", "x") }, "a.bpf.c: changed"},
		"header":             {func(tb testing.TB, d string) { mustWrite(tb, d, "a.h", "x") }, "a.h: changed"},
		"object":             {func(tb testing.TB, d string) { mustWrite(tb, d, "a_bpfeb.o", "x") }, "a_bpfeb.o: changed"},
		"binding":            {func(tb testing.TB, d string) { mustWrite(tb, d, "a_bpfel.go", "x") }, "a_bpfel.go: changed"},
		"source without":     {func(tb testing.TB, d string) { mustWrite(tb, d, "b.bpf.c", "x") }, "b.bpf.c: not known to objects.sum"},
		"no object":          {func(tb testing.TB, d string) { mustRemove(tb, d, "a_bpfel.o") }, "a_bpfel.o: missing"},
		"no stamp":           {func(tb testing.TB, d string) { mustRemove(tb, d, StampFile) }, "objects.sum: missing"},
		"compiled otherwise": {otherFlags, `flags: compiled with "-O0", now "` + flags + `"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := mustTree(t, files)
			tt.change(t, dir)
			err := Verify(dir)
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, ErrStale) {
				t.Fatalf("%v, want %v", err, ErrStale)
			}
			want := ErrStale.Error() + " (run: go generate ./bpf):\n\t" + tt.want
			if err.Error() != want {
				t.Errorf("%q\nwant %q", err, want)
			}
		})
	}
}

func otherFlags(tb testing.TB, dir string) {
	s, err := ReadStamp(dir)
	if err != nil {
		tb.Fatal(err)
	}
	s.Flags = "-O0"
	mustWrite(tb, dir, StampFile, string(s.Bytes()))
}

func TestParseStamp(t *testing.T) {
	want := &Stamp{
		Compiler: "Some clang: version 1", Flags: "-O2 -DX=a:b", Targets: "bpfel",
		Files: map[string]string{"b.o": strings.Repeat("0", 64), "a.c": strings.Repeat("f", 64)},
	}
	got, err := ParseStamp(want.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Error("a parsed stamp has another text")
	}

	sum := strings.Repeat("0", 64)
	for _, text := range []string{
		"weather: fine\n", "abc  a.o\n", sum + "\n", sum + "  \n", sum + "  a.o\n" + sum + "  a.o\n",
	} {
		if s, err := ParseStamp([]byte(text)); err == nil || s != nil {
			t.Errorf("%q: %+v, %v, want an error", text, s, err)
		}
	}
}

func TestIdent(t *testing.T) {
	for name, want := range map[string]string{
		"hello0": "Hello0", "hello_neg1": "HelloNeg1", "xps_flow_hash": "XpsFlowHash", "a__b_": "AB",
	} {
		if got := ident(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// tools makes PATH a directory with scripts that print their own names.
func tools(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		mustWrite(t, dir, name, "#!/bin/sh\necho "+name+" version\necho more\n")
	}
	t.Setenv("PATH", dir)
	return dir
}

func TestFindCompiler(t *testing.T) {
	tests := map[string]struct {
		tools []string
		env   map[string]string
		want  Compiler
		bad   bool
	}{
		"plain": {
			tools: []string{"clang", "llvm-strip", "clang-19", "llvm-strip-19"},
			want:  Compiler{CC: "clang", Strip: "llvm-strip", Version: "clang version"},
		},
		"newest of those with a version": {
			tools: []string{"clang-14", "clang-16", "llvm-strip-14", "llvm-strip-16"},
			want:  Compiler{CC: "clang-16", Strip: "llvm-strip-16", Version: "clang-16 version"},
		},
		"CLANG": {
			tools: []string{"clang", "clang-15", "llvm-strip-15"},
			env:   map[string]string{"CLANG": "clang-15"},
			want:  Compiler{CC: "clang-15", Strip: "llvm-strip-15", Version: "clang-15 version"},
		},
		"BPF2GO_CC before CLANG": {
			tools: []string{"clang", "mine", "his", "strip"},
			env:   map[string]string{"CLANG": "his", "BPF2GO_CC": "mine", "BPF2GO_STRIP": "strip"},
			want:  Compiler{CC: "mine", Strip: "strip", Version: "mine version"},
		},
		"several words": {
			tools: []string{"ccache", "clang", "llvm-strip"},
			env:   map[string]string{"CLANG": "ccache clang"},
			want:  Compiler{CC: "ccache clang", Strip: "llvm-strip", Version: "ccache version"},
		},
		"nothing":        {bad: true},
		"no strip":       {tools: []string{"clang"}, bad: true},
		"not there":      {tools: []string{"clang", "llvm-strip"}, env: map[string]string{"CLANG": "clang-99"}, bad: true},
		"strip wrong":    {tools: []string{"clang", "llvm-strip"}, env: map[string]string{"BPF2GO_STRIP": "nope"}, bad: true},
		"only older one": {tools: []string{"clang-13", "llvm-strip"}, bad: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := tools(t, tt.tools...)
			got, err := FindCompiler(context.Background(), func(k string) string { return tt.env[k] })
			if tt.bad {
				if !errors.Is(err, ErrNoCompiler) || got != nil {
					t.Errorf("%+v, %v, want %v", got, err, ErrNoCompiler)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Strip = filepath.Join(dir, tt.want.Strip)
			if diff := cmp.Diff(&tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestEnviron(t *testing.T) {
	got := environ([]string{"PATH=/bin", "BPF2GO_CFLAGS=-O0", "GOPACKAGE=x", "GOFILE=a_test.go", "CPATH=/x", "GOFLAGS=-v"})
	if diff := cmp.Diff([]string{"PATH=/bin", "GOFLAGS=-v"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReplace(t *testing.T) {
	dir := mustTree(t, map[string]string{"a_bpfel.o": "old", "gone_bpfel.o": "old", "gone_bpfel.go": "old", "kept.go": "kept"})
	from := filepath.Join(dir, "from")
	if err := os.Mkdir(from, 0o755); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, from, "a_bpfel.o", "new")
	mustWrite(t, from, "b_bpfeb.go", "new")
	if err := Replace(dir, from); err != nil {
		t.Fatal(err)
	}
	got, err := outputs(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{"a_bpfel.o": true, "b_bpfeb.go": true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	b, err := os.ReadFile(filepath.Join(dir, "a_bpfel.o"))
	if err != nil || string(b) != "new" {
		t.Errorf("%q, %v, want the new one", b, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "kept.go")); err != nil {
		t.Error(err)
	}
}

// TestCompileError: the error contains the output of the compiler.
func TestCompileError(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: starting bpf2go takes seconds")
	}
	cc, err := FindCompiler(context.Background(), os.Getenv)
	if errors.Is(err, ErrNoCompiler) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("bpf2go needs the go command, which a guest does not have")
	}
	// The go command finds bpf2go only within the module.
	dir, err := os.MkdirTemp(".", ".test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	mustWrite(t, dir, "bad.bpf.c", "int nonsense(void) { return nothing; }\n")
	err = Compile(context.Background(), dir, t.TempDir(), cc)
	ce := (*CompileError)(nil)
	if !errors.As(err, &ce) {
		t.Fatalf("%v is not a *CompileError", err)
	}
	if !strings.HasSuffix(ce.Source, "bad.bpf.c") || !strings.Contains(err.Error(), "undeclared identifier 'nothing'") {
		t.Errorf("%v", err)
	}
}
