// SPDX-License-Identifier: GPL-2.0-only OR MIT

package bpf_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"xpsgen/bpf"
	"xpsgen/bpf/internal/objects"
)

// TestObjectsMatchSources fails when a source, a header or an object has
// changed since the last go generate.
func TestObjectsMatchSources(t *testing.T) {
	requireSources(t)
	if err := objects.Verify("."); err != nil {
		t.Fatal(err)
	}
}

// TestObjectsReproduce compiles every source again. It needs the compiler that the
// objects were compiled with, because another one generates other code.
func TestObjectsReproduce(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: compiling every BPF program takes seconds")
	}
	requireSources(t)
	stamp, err := objects.ReadStamp(".")
	if err != nil {
		t.Fatal(err)
	}
	cc, err := objects.FindCompiler(context.Background(), os.Getenv)
	if errors.Is(err, objects.ErrNoCompiler) {
		skipUnlessRequired(t, "clang", err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	if cc.Version != stamp.Compiler {
		skipUnlessRequired(t, "clang", "the objects were compiled with "+stamp.Compiler+
			", here is "+cc.Version+" (set CLANG)")
	}

	out := t.TempDir()
	if err := objects.Compile(context.Background(), ".", out, cc); err != nil {
		t.Fatal(err)
	}
	made, err := filepath.Glob(filepath.Join(out, "*"))
	if err != nil {
		t.Fatal(err)
	}
	if want := 4 * len(bpf.Names()); len(made) != want {
		t.Errorf("compiled %d files, want %d", len(made), want)
	}
	for _, path := range made {
		name := filepath.Base(path)
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		have, err := os.ReadFile(name)
		if err != nil {
			t.Errorf("%v (run: go generate ./bpf)", err)
			continue
		}
		if !bytes.Equal(want, have) {
			t.Errorf("%s differs from the output of its source (run: go generate ./bpf)", name)
		}
	}
}

func TestNamesAreSources(t *testing.T) {
	requireSources(t)
	want, err := objects.Sources(".")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, bpf.Names()); diff != "" {
		t.Errorf("Names() is not the list of *.bpf.c (-sources +names):\n%s", diff)
	}
}

func TestSpec(t *testing.T) {
	for _, name := range bpf.Names() {
		t.Run(name, func(t *testing.T) {
			spec, err := bpf.Spec(name)
			if err != nil {
				t.Fatal(err)
			}
			if len(spec.Programs) != 1 {
				t.Fatalf("%d programs, want 1", len(spec.Programs))
			}
			prog := spec.Programs[name]
			if prog == nil {
				t.Fatalf("no program of the object's name")
			}
			if prog.Type != ebpf.SocketFilter {
				t.Errorf("type %s, want %s", prog.Type, ebpf.SocketFilter)
			}
			if prog.License != "GPL" {
				t.Errorf("licence %q, want GPL", prog.License)
			}
			// The section names in the examples: hello for the four
			// programs of the RFC, else the default of the loaders.
			section := "socket"
			if strings.HasPrefix(name, "hello") {
				section = "hello"
			}
			if prog.SectionName != section {
				t.Errorf("section %q, want %q", prog.SectionName, section)
			}
		})
	}
}

func TestUnknown(t *testing.T) {
	if _, err := bpf.Object("hello3"); !errors.Is(err, bpf.ErrUnknown) {
		t.Errorf("Object: %v, want %v", err, bpf.ErrUnknown)
	}
	if _, err := bpf.Spec("hello3"); !errors.Is(err, bpf.ErrUnknown) {
		t.Errorf("Spec: %v, want %v", err, bpf.ErrUnknown)
	}
}

// TestObjectIsACopy: a caller that changes its bytes must not affect others.
func TestObjectIsACopy(t *testing.T) {
	a, err := bpf.Object("hello0")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(a, []byte("\x7fELF")) {
		t.Fatalf("not an ELF file: % x", a[:4])
	}
	clear(a)
	b, err := bpf.Object("hello0")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(b, []byte("\x7fELF")) {
		t.Error("Object returns its own bytes, not a copy")
	}
}

// TestObjectsNamePlaces: no object contains the directory in which it was compiled. It
// would differ on every machine.
func TestObjectsNamePlaces(t *testing.T) {
	requireSources(t)
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob("*.o")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{wd, os.TempDir() + "/", ".objects-", "clang version"} {
			if bytes.Contains(b, []byte(s)) {
				t.Errorf("%s contains %q", path, s)
			}
		}
	}
}
