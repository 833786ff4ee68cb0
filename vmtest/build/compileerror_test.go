// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/cache"
)

var errMake = errors.New("make: exit status 2")

func mustLog(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "log", name+".txt"))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// TestCompilerLines reads logs of real tools: gcc 12.2, clang 14, binutils
// 2.40, make 4.3, kconfig of 6.12.
func TestCompilerLines(t *testing.T) {
	for name, want := range map[string][]string{
		"gcc": {
			"a.h: In function 'f':",
			"a.h:1:47: error: invalid use of undefined type 'struct nope'",
			"    1 | static inline int f(struct nope *p) { return p->x; }",
			"      |                                               ^~",
			"a.c: In function 'g':",
			"a.c:5:9: error: unknown type name 'retrun'",
			"    5 |         retrun a;",
			"      |         ^~~~~~",
			"a.c:5:16: error: 'a' redeclared as different kind of symbol",
			"    5 |         retrun a;",
			"      |                ^",
			"a.c:3:11: note: previous definition of 'a' with type 'int'",
			"    3 | int g(int a)",
			"      |       ~~~~^",
		},
		"clang": {
			"./a.h:1:47: error: incomplete definition of type 'struct nope'",
			"static inline int f(struct nope *p) { return p->x; }",
			"                                             ~^",
			"./a.h:1:28: note: forward declaration of 'struct nope'",
			"static inline int f(struct nope *p) { return p->x; }",
			"                           ^",
			"a.c:5:2: error: use of undeclared identifier 'retrun'; did you mean 'return'?",
			"        retrun a;",
			"        ^~~~~~",
			"        return",
			"a.c:6:31: error: use of undeclared identifier 'b'",
			"        return undeclared_thing(a) + b;",
			"                                     ^",
		},
		"ld": {
			"/usr/bin/ld: /tmp/cc81JYZn.o: in function `main':",
			"l.c:(.text+0x5): undefined reference to `h'",
		},
		"as": {
			"s.s: Assembler messages:",
			"s.s:1: Error: operand size mismatch for `int'",
			"s.s:1: Error: junk at end of line, first unrecognized character is `b'",
		},
		"norule": {"make: *** No rule to make target 'nothere.c', needed by 'norule'.  Stop."},
		"kconfig": {
			"Kconfig:4: syntax error",
			"Kconfig:4: unknown statement \"depnds\"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := parseLog("build kernel", "build.log", mustLog(t, name), errMake)
			var cerr *CompileError
			if !errors.As(err, &cerr) || !errors.Is(err, errMake) {
				t.Fatalf("got %T %v", err, err)
			}
			if diff := cmp.Diff(want, cerr.Lines); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestBreakdown reads logs of builds that failed for no fault of the source.
func TestBreakdown(t *testing.T) {
	for name, want := range map[string]string{
		"killed":     "was killed: gcc: fatal error: Killed signal terminated program cc1",
		"makekilled": "was killed: make: *** [Makefile:3: m] Killed",
		"notool":     "a tool is missing: flexx",
		"nohead":     "a header of the system is missing: libmnl/nothere.h",
	} {
		t.Run(name, func(t *testing.T) {
			err := parseLog("build kernel", "build.log", mustLog(t, name), errMake)
			var berr *BreakdownError
			if !errors.As(err, &berr) || !strings.Contains(err.Error(), want) {
				t.Errorf("got %T %v", err, err)
			}
		})
	}
	m := &makeRun{dir: t.TempDir(), step: "build kernel", log: "build.log", needBytes: kernelBytes}
	var serr *cache.SpaceError
	if err := m.explain(mustLog(t, "full"), errMake); !errors.As(err, &serr) || !strings.Contains(err.Error(), "needs about 1.0 GiB, ") {
		t.Errorf("got %T %v", err, err)
	}
}

// TestParallelLog has other jobs' lines within an error.
func TestParallelLog(t *testing.T) {
	log := strings.ReplaceAll(string(mustLog(t, "gcc")), "    5 |", "  CC      net/core/sock.o\n    5 |")
	var cerr *CompileError
	if err := parseLog("s", "l", []byte(log), errMake); !errors.As(err, &cerr) {
		t.Fatal(err)
	}
	if n := len(cerr.Lines); n != 14 {
		t.Errorf("%d lines:\n%s", n, strings.Join(cerr.Lines, "\n"))
	}
}

func TestNothingRecognised(t *testing.T) {
	var cerr *CompileError
	if err := parseLog("s", "l", []byte("  CC      a.o\nstrange words\nmake: *** [x] Error 3\n"), errMake); !errors.As(err, &cerr) {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"strange words"}, cerr.Lines); diff != "" {
		t.Error(diff)
	}
}

// FuzzParseLog checks that the result is a short extract of the log, in its
// order.
func FuzzParseLog(f *testing.F) {
	logs, err := filepath.Glob("testdata/log/*.txt")
	if err != nil || len(logs) == 0 {
		f.Fatalf("logs: %v, %v", logs, err)
	}
	for _, l := range logs {
		data, err := os.ReadFile(l)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		lines := compilerLines(data)
		if len(lines) > maxErrors*(2*maxLines+2) {
			t.Fatalf("%d lines", len(lines))
		}
		rest := strings.Split(string(data), "\n")
		for _, l := range lines {
			for len(rest) > 0 && strings.TrimRight(rest[0], "\r") != l {
				rest = rest[1:]
			}
			if len(rest) == 0 {
				t.Fatalf("%q is not in the log, or not in this order", l)
			}
			rest = rest[1:]
		}
		if err := parseLog("step", "log", data, errMake); !errors.Is(err, errMake) {
			t.Fatalf("cause lost: %v", err)
		}
	})
}
