// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ipcompare

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeMake puts a make into PATH that logs its directory, LIBBPF_FORCE and arguments. It
// prints the file "says" of its directory, if there is one. It fails in a directory with
// a file "broken".
func fakeMake(t *testing.T) (log func() []string) {
	t.Helper()
	dir := t.TempDir()
	const script = `#!/bin/sh
echo "${PWD##*/} $LC_ALL $LIBBPF_FORCE $*" >>"$FAKE_MAKE_LOG"
[ ! -e says ] || case "$*" in *clean*|*config.mk*) ;; *) cat says >&2;; esac
[ ! -e broken ]
`
	if err := os.WriteFile(filepath.Join(dir, "make"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "log")
	t.Setenv("FAKE_MAKE_LOG", file)
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return func() []string {
		t.Helper()
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSpace(string(text)), "\n")
	}
}

// writeTree writes files below dir.
func writeTree(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Each directory compiles only the touched C files that the side has. The warnings of
// all directories are counted together.
func TestWarningsCompilesTouchedFiles(t *testing.T) {
	log := fakeMake(t)
	dir := filepath.Join(t.TempDir(), "tree")
	const source = "int f(int a)\n{\n\treturn 0;\n}\n"
	writeTree(t, dir, map[string]string{
		"config.mk": "stale", "ip/one.c": source, "ip/two.c": source, "testsuite/tools/gen.c": source,
		"says": "one.c:3:1: warning: odd\ngen.c:3:1: warning: odd\n",
	})
	touched := []string{"ip/one.c", "ip/two.c", "ip/new.c", "ip/one.h", "man/x.c", "testsuite/tools/gen.c"}
	for _, tt := range []struct {
		libbpf bool
		force  string
	}{{true, "on"}, {false, "off"}} {
		got, err := trees{before: dir}.warnings(t.Context(), before, "cc1", tt.libbpf, touched)
		if err != nil {
			t.Fatal(err)
		}
		want := map[warning]int{{"ip/one.c", "f", "odd"}: 1, {"testsuite/tools/gen.c", "f", "odd"}: 1}
		if !maps.Equal(got, want) {
			t.Errorf("warnings: %v, expected %v", got, want)
		}
		lines := strings.Join(log(), "\n")
		want2 := strings.Join([]string{
			"tree C " + tt.force + " CC=cc1 config.mk",
			"tree C " + tt.force + " CC=cc1 SUBDIRS=lib ip clean",
			"tree C " + tt.force + " CC=cc1 CCOPTS=-O2 -Wall -Wextra SUBDIRS=ip SCRIPTS= TARGETS=one.o two.o",
			"tree C " + tt.force + " CC=cc1 CFLAGS=-O2 -Wall -Wextra -C testsuite/tools gen",
		}, "\n")
		if lines != want2 {
			t.Errorf("make ran as\n%s\nexpected\n%s", lines, want2)
		}
		if _, err := os.Stat(filepath.Join(dir, "config.mk")); !os.IsNotExist(err) {
			t.Errorf("the configuration of an earlier build remains: %v", err)
		}
	}
}

// A make that fails, and warnings in files that cannot be read, are errors.
func TestWarningsFails(t *testing.T) {
	fakeMake(t)
	for name, files := range map[string]map[string]string{
		"make fails":        {"broken": "", "lib/a.c": ""},
		"no such line":      {"says": "a.c:9:1: warning: odd\n", "lib/a.c": "int a;\n"},
		"line 0":            {"says": "a.c:0:1: warning: odd\n", "lib/a.c": "int a;\n"},
		"line of any size":  {"says": "a.c:99999999999999999999:1: warning: odd\n", "lib/a.c": "int a;\n"},
		"configuration dir": {"config.mk/x": "", "lib/a.c": ""},
	} {
		dir := t.TempDir()
		writeTree(t, dir, files)
		if got, err := (trees{after: dir}).warnings(t.Context(), after, "cc", true, []string{"lib/a.c"}); err == nil {
			t.Errorf("%s: no error, %v", name, got)
		}
	}
}

// Without a file to compile, there is no error and no warning.
func TestWarningsOfNothing(t *testing.T) {
	log := fakeMake(t)
	got, err := (trees{after: t.TempDir()}).warnings(t.Context(), after, "cc", true, []string{"lib/a.c"})
	if err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
	if lines := log(); len(lines) != 2 {
		t.Errorf("make ran %d times, expected only to configure: %q", len(lines), lines)
	}
}

// Without a function above it, a line belongs to the first line of its definition.
func TestFunction(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"int f(int a)\n{\n\treturn a;", "f"},
		{"int f(int a)\n{\nout:\n\treturn a;", "f"},
		{"struct s {\n\tint x;", "struct s {"},
		{"\tint x;", ""},
	} {
		if got := function(strings.Split(tt.text, "\n")); got != tt.want {
			t.Errorf("%q: %q, expected %q", tt.text, got, tt.want)
		}
	}
}

// The order of the added warnings does not depend on the order of a map.
func TestAddedIsSorted(t *testing.T) {
	seen := map[warning]int{{"b", "f", "x"}: 1, {"a", "g", "x"}: 1, {"a", "f", "y"}: 1, {"a", "f", "x"}: 2, {"c", "f", "x"}: 1}
	want := "a: f: x\na: f: x\na: f: y\na: g: x\nb: f: x\nc: f: x"
	if got := strings.Join(added(nil, seen), "\n"); got != want {
		t.Errorf("added\n%s\nexpected\n%s", got, want)
	}
}
