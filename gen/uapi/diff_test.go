// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// snapshotOf returns the snapshot of a header with this text.
func snapshotOf(t *testing.T, text string) *Snapshot {
	t.Helper()
	requireCompiler(t, "gcc")
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "linux"), 0o755); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, filepath.Join(root, "linux", "a.h"), text)
	h, err := Analyse(t.Context(), &Compiler{Command: "gcc"}, []string{root}, Input{Path: "linux/a.h"})
	if err != nil {
		t.Fatal(err)
	}
	return TakeSnapshot("x", []*Header{h})
}

func TestDiff(t *testing.T) {
	const before = `enum { A_ONE, A_TWO, __A_MAX };
#define A_MAX (__A_MAX - 1)
#define A_ALIAS __A_MAX
#define A_GONE 1
#define A_MINUS -1
#define A_NAME "a"
#define A_BITS 1
#define A_FLAGS (A_BITS | 2)
struct same { int a; };
struct grown { int a; };
struct moved { int a, b; };
struct less { int a, b; };
struct bits { unsigned a:1, b:2; };
`
	const after = `enum { A_ONE, A_NEW, A_TWO, __A_MAX };
#define A_MAX (__A_MAX - 1)
#define A_ALIAS __A_MAX
#define A_MINUS 0xffffffffU
#define A_NAME "b"
#define A_BITS 1
#define A_FLAGS (A_BITS | 6)
struct same { int a; };
struct grown { int a; long more; };
struct moved { int b, a; };
struct less { int a; };
struct bits { unsigned c:1, a:1, b:2; };
`
	d := Diff(snapshotOf(t, before), snapshotOf(t, after))
	var b strings.Builder
	if err := d.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	want := `- A_GONE = 1	linux/a.h:4
+ A_NEW = 1	linux/a.h:1
! A_MINUS = -1 -> 0xffffffff	linux/a.h:4
! A_NAME = "a" -> "b"	linux/a.h:5
! A_TWO = 1 -> 2	linux/a.h:1
! struct bits = 4 -> 4	linux/a.h:12	moved or gone: a b
! struct less = 8 -> 4	linux/a.h:11	moved or gone: b
! struct moved = 8 -> 8	linux/a.h:10	moved or gone: a b
~ struct grown = 4 -> 16	linux/a.h:9
m A_ALIAS = 2 -> 3	linux/a.h:3
m A_FLAGS = 0x3 -> 0x7	linux/a.h:7
m A_MAX = 1 -> 2	linux/a.h:2
m __A_MAX = 2 -> 3	linux/a.h:1
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := d.String(); got != "x to x: 1 added, 1 removed, 6 changed, 1 grown, 4 limits" {
		t.Error(got)
	}
}

func TestPackageSnapshot(t *testing.T) {
	s, err := PackageSnapshot(t.Context(), "p", "testdata/golden", "")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"SAMPLE_NEGATIVE": "-3", "SAMPLE_NAME": `"sample"`, "SAMPLE_BIT_TOP": "2147483648"} {
		if got := s.Symbols[name].Value; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if base := StampedBase("testdata/golden"); base != "sample" {
		t.Errorf("base %q", base)
	}
	if _, err := PackageSnapshot(t.Context(), "p", t.TempDir(), ""); err == nil {
		t.Error("no error for an empty directory")
	}
	if base := StampedBase(t.TempDir()); base != "" {
		t.Errorf("base %q of nothing", base)
	}
}
