// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"xpsgen/bpf/internal/objects"
)

// tools installs fake go, clang and llvm-strip programs. The fake go writes the outputs
// of bpf2go. It fails for a source that contains "broken".
func tools(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	for name, script := range map[string]string{
		"clang":      `echo "clang version 99"`,
		"llvm-strip": ``,
		"go": `while [ $# -gt 2 ]; do
	case $1 in
	-output-dir) out=$2 ;;
	-output-stem) stem=$2 ;;
	esac
	shift
done
if grep -q broken "$stem.bpf.c"; then echo "error: broken"; exit 1; fi
for end in el eb; do cat "$stem.bpf.c" > "$out/${stem}_bpf$end.o"; echo "package bpf" > "$out/${stem}_bpf$end.go"; done`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	for _, name := range []string{"BPF2GO_CC", "CLANG", "BPF2GO_STRIP"} {
		t.Setenv(name, "")
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// names lists the working directory.
func names(t *testing.T) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestRun(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	tools(t)
	t.Chdir(t.TempDir())
	write(t, "a.bpf.c", "source\n")
	// The object of a source that is gone.
	write(t, "old_bpfel.o", "old\n")
	var stderr bytes.Buffer
	if code := run(&stderr); code != 0 || stderr.Len() != 0 {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	want := []string{"a.bpf.c", "a_bpfeb.go", "a_bpfeb.o", "a_bpfel.go", "a_bpfel.o", "objects.sum"}
	if got := names(t); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := objects.Verify("."); err != nil {
		t.Error(err)
	}
	stamp, err := objects.ReadStamp(".")
	if err != nil || stamp.Compiler != "clang version 99" {
		t.Errorf("stamp %+v, %v", stamp, err)
	}
	if info, err := os.Stat(objects.StampFile); err != nil || info.Mode() != 0o644 {
		t.Errorf("stamp: %v, %v", info, err)
	}

	// A source that does not compile leaves everything as it was.
	write(t, "b.bpf.c", "broken\n")
	before, err := os.ReadFile(objects.StampFile)
	if err != nil {
		t.Fatal(err)
	}
	code := run(&stderr)
	if text := stderr.String(); code != 1 || !strings.Contains(text, "b.bpf.c") || !strings.Contains(text, "error: broken") {
		t.Errorf("exit code %d: %s", code, text)
	}
	after, err := os.ReadFile(objects.StampFile)
	if err != nil || !bytes.Equal(before, after) || !slices.Equal(names(t), append([]string{"a.bpf.c", "a_bpfeb.go", "a_bpfeb.o", "a_bpfel.go", "a_bpfel.o", "b.bpf.c"}, "objects.sum")) {
		t.Errorf("after a failure: %q, %v", names(t), err)
	}
}

func TestRunFails(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T){
		"no compiler": func(t *testing.T) { t.Setenv("CLANG", "/nosuch/clang") },
		"stamp cannot be replaced": func(t *testing.T) {
			if err := os.MkdirAll(filepath.Join(objects.StampFile, "x"), 0o755); err != nil {
				t.Fatal(err)
			}
		},
		"object cannot be replaced": func(t *testing.T) {
			if err := os.MkdirAll("a_bpfel.o/x", 0o755); err != nil {
				t.Fatal(err)
			}
		},
		"header cannot be read": func(t *testing.T) {
			if err := os.Mkdir("x.h", 0o755); err != nil {
				t.Fatal(err)
			}
		},
		"no directory": func(t *testing.T) {
			dir, err := os.Getwd()
			if err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			tools(t)
			t.Chdir(t.TempDir())
			write(t, "a.bpf.c", "source\n")
			spoil(t)
			var stderr bytes.Buffer
			if code := run(&stderr); code != 1 || !strings.HasPrefix(stderr.String(), "generate BPF objects: ") {
				t.Errorf("exit code %d: %s", code, &stderr)
			}
			if left, err := filepath.Glob(".objects-*"); err != nil || len(left) != 0 {
				t.Errorf("left over: %q, %v", left, err)
			}
		})
	}
}
