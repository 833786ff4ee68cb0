// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ipobjects

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"xpsgen/vmtest/guest/objects/record"
	"xpsgen/vmtest/ipobjects/objecttest"
)

// goldenObjects lists every object of the matrix. It has the arguments, the
// return value, the contexts, the hash of the compiled code, and the bytes that
// the damage changes in [objecttest.Object].
const goldenObjects = "testdata/objects.golden"

func TestObjects(t *testing.T) {
	objecttest.Toolchain(t)
	var b strings.Builder
	for _, s := range sources() {
		o := s.object()
		fmt.Fprintf(&b, "%s: %q contexts=%q builds=%q", o.Name, shortened(o.Args), o.Contexts, o.Builds)
		if o.Value != nil {
			fmt.Fprintf(&b, " value=%d", *o.Value)
		}
		if c := s.command("WORK"); c != (command{}) {
			sum := sha256.Sum256([]byte(c.args + "\n" + c.code))
			fmt.Fprintf(&b, " code=%x", sum[:8])
		}
		b.WriteString("\n")
		if s.edit == nil {
			continue
		}
		was := objecttest.Object()
		is, err := s.edit(bytes.Clone(was))
		if err != nil {
			fmt.Fprintf(&b, "  error: %v\n", err)
			continue
		}
		if len(is) != len(was) {
			fmt.Fprintf(&b, "  %d bytes instead of %d\n", len(is), len(was))
			if !bytes.HasPrefix(was, is) && !bytes.HasPrefix(is, was) {
				fmt.Fprintf(&b, "  %q\n", is[:min(len(is), 80)])
			} else if len(is) > len(was) {
				fmt.Fprintf(&b, "  with %q added\n", is[len(was):])
			}
			continue
		}
		for i := range is {
			if is[i] != was[i] {
				fmt.Fprintf(&b, "  %#x: %02x -> %02x\n", i, was[i], is[i])
			}
		}
	}
	for _, o := range noFiles() {
		fmt.Fprintf(&b, "%s: %q contexts=%q\n", o.Name, shortened(o.Args), o.Contexts)
	}
	if *update {
		if err := os.WriteFile(goldenObjects, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(goldenObjects)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	got, expected := strings.Split(b.String(), "\n"), strings.Split(string(want), "\n")
	for i := range min(len(got), len(expected)) {
		if got[i] != expected[i] {
			t.Fatalf("%s:%d: expected %s\nseen %s", goldenObjects, i+1, expected[i], got[i])
		}
	}
	if len(got) != len(expected) {
		t.Errorf("%d lines, expected %d", len(got), len(expected))
	}
}

// shortened replaces long arguments by their lengths.
func shortened(args []string) []string {
	args = slices.Clone(args)
	for i, a := range args {
		if len(a) > 100 {
			args[i] = fmt.Sprintf("%s... (%d bytes)", a[:4], len(a))
		}
	}
	return args
}

// Generate compiles each code once, writes all files, and returns the objects in the order
// of the table.
func TestGenerate(t *testing.T) {
	log := objecttest.Toolchain(t)
	dir := t.TempDir()
	objects, err := Generate(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	all := sources()
	codes := map[command]bool{}
	for i, s := range all {
		if c := s.command(""); c != (command{}) {
			codes[c] = true
		}
		if objects[i].Name != s.name {
			t.Fatalf("object %d is %s, expected %s", i, objects[i].Name, s.name)
		}
		data, err := os.ReadFile(filepath.Join(dir, s.fileName()))
		if err != nil {
			t.Fatal(err)
		}
		if s.edit == nil && !bytes.Equal(data, objecttest.Object()) {
			t.Errorf("%s is not what the compiler wrote", s.name)
		}
	}
	if n, want := len(objects), len(all)+len(noFiles()); n != want {
		t.Errorf("%d objects, expected %d", n, want)
	}
	runs := log()
	if len(runs) != len(codes) {
		t.Errorf("clang ran %d times for %d codes", len(runs), len(codes))
	}
	plain := "-target bpfel -g -O2 -Wall -include object.h -ffile-prefix-map=DIR/"
	if !strings.HasPrefix(runs[0], "-target ") || !slices.ContainsFunc(runs, func(s string) bool { return strings.HasPrefix(s, plain) }) {
		t.Errorf("clang ran as %q, expected %q", runs[0], plain)
	}
	if _, err := Generate(t.Context(), filepath.Join(dir, "nosuch")); err == nil || !strings.HasPrefix(err.Error(), "generate object plain: ") {
		t.Errorf("no directory: %v", err)
	}
	t.Setenv("TMPDIR", "/nosuch")
	if _, err := Generate(t.Context(), dir); err == nil || !strings.HasPrefix(err.Error(), "generate objects: ") {
		t.Errorf("no temporary directory: %v", err)
	}
}

func TestCompileFails(t *testing.T) {
	objecttest.Toolchain(t)
	_, err := compileAll(t.Context(), []source{{name: "a", code: "ok"}, {name: "b", code: "broken"}}, t.TempDir())
	if err == nil || !strings.HasPrefix(err.Error(), "compile an object: ") || !strings.Contains(err.Error(), "broken") {
		t.Errorf("got %v", err)
	}
	if _, err := stripped("-s")(nil); err != nil {
		t.Errorf("strip: %v", err)
	}
	t.Setenv("PATH", "/nosuch")
	if _, err := stripped("-s")(nil); err == nil {
		t.Error("no llvm-strip: no error")
	}
	t.Setenv("TMPDIR", "/nosuch")
	if _, err := stripped("-s")(nil); err == nil {
		t.Error("no temporary directory: no error")
	}
}

// Data that is no object, or an object without the part to change, is an error. Nothing is
// written outside of the data.
func TestDamageFails(t *testing.T) {
	empty := objecttest.Object()
	for _, name := range []string{"p", "m", "one", "two", "sub", "_license"} {
		at, err := symbolOffset(empty, name)
		if err != nil {
			t.Fatal(err)
		}
		copy(empty[at:], make([]byte, 4))
	}
	for _, name := range []string{"prog", ".relprog", "maps", ".maps", "license", ".BTF", ".BTF.ext", "a", "b"} {
		at, err := sectionHeader(empty, name)
		if err != nil {
			t.Fatal(err)
		}
		copy(empty[at:], make([]byte, 4))
	}
	for _, s := range damaged() {
		if s.edit == nil || s.code == "" || strings.HasPrefix(s.name, "stripped-") || strings.Contains(s.name, "truncated-") {
			continue
		}
		if data, err := s.edit([]byte("x")); err == nil {
			t.Errorf("%s: no error for a text, %q", s.name, data)
		}
		if _, err := s.edit(bytes.Clone(empty)); err == nil && !strings.Contains(s.name, "-header-") {
			t.Errorf("%s: no error for an object without names", s.name)
		}
	}
	for _, tt := range []struct {
		off, width int
		ok         bool
	}{{0, 8, true}, {2, 8, true}, {3, 8, false}, {-1, 2, false}, {9, 1, true}, {10, 1, false}} {
		if err := put(make([]byte, 10), tt.off, tt.width, 1); (err == nil) != tt.ok {
			t.Errorf("%d bytes at %d of 10: %v", tt.width, tt.off, err)
		}
	}
}

func TestReplace(t *testing.T) {
	if got := replace("a%sb%s", "a", "x", "%s", "-"); got != "x-b-" {
		t.Error(got)
	}
	if got := many(3, "m%d;"); got != "m0;\nm1;\nm2;\n" {
		t.Errorf("%q", got)
	}
	if got := fileName("a/b/c"); got != "a_b_c.o" {
		t.Error(got)
	}
}

func TestExamples(t *testing.T) {
	const page = "ip link set dev x xps off\n%s\nip link show\n.PP\n  ip link set dev eth0 xps object \\-\\-x.o  \nip \\- xps y\ntc xps z\n"
	want := []string{"ip link set dev eth0 xps object --x.o", "ip - xps y"}
	for _, heading := range []string{".SH EXAMPLES", `.SH "EXAMPLES"`} {
		got, err := examplesOf(fmt.Sprintf(page, heading))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v, expected %q", heading, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"ip link set dev x xps off\n": "no section EXAMPLES", "\n.SH EXAMPLES\nip link show\n": "no example with xps",
	} {
		if got, err := examplesOf(text); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

func TestCalls(t *testing.T) {
	job := &record.Job{
		Builds: []record.Build{{Name: "x"}, {Name: "y"}}, Contexts: []string{"c", "d", "e"}, Examples: []string{"1", "2", "3", "4", "5"},
		Objects: []record.Object{{Name: "all"}, {Name: "some", Builds: []string{"x"}, Contexts: []string{"d"}}},
	}
	if n := calls(job); n != 5*2+3*2+1 {
		t.Errorf("%d calls", n)
	}
	if got := named(job.Objects, []string{"some"}); len(got) != 1 || got[0].Name != "some" || len(named(job.Objects, nil)) != 2 {
		t.Errorf("named: %v", got)
	}
	if got := or(nil, []string{"a"}); !slices.Equal(got, []string{"a"}) {
		t.Errorf("none chosen: %q", got)
	}
	if got := or([]string{"b"}, []string{"a"}); !slices.Equal(got, []string{"b"}) {
		t.Errorf("one chosen: %q", got)
	}
}

func TestRead(t *testing.T) {
	got, err := read[record.Result](strings.NewReader(`{"build":"x"}` + "\n" + `{"build":"y","exit":3}`))
	if err != nil || len(got) != 2 || got[1].Build != "y" || got[1].Exit != 3 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := read[record.Result](strings.NewReader(`{"build":"x"} {`)); err == nil || !strings.HasPrefix(err.Error(), "object matrix: read results: ") {
		t.Errorf("cut off: %v", err)
	}
}
