// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"xpsgen/vmtest/build"
	"xpsgen/vmtest/config"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/prepare/preparetest"
	"xpsgen/vmtest/seed"
	"xpsgen/vmtest/testenv"
	"xpsgen/vmtest/tree"
)

// TestEdits makes random edits to the patched kernel of each base. It builds each edit twice:
// as xpsgen vmtest does, and in another object directory with the whole make. Both must give
// the same image or fail. A build from nothing checks the last edit.
//
// Both builds of an edit need a working tree, so the test holds its lock.
func TestEdits(t *testing.T) {
	testenv.Require(t, "edits", "builds 60 edits of the kernel twice")
	rng := seed.Rand(t)
	bases := preparetest.Bases(t)
	for i, base := range bases {
		n := 50
		if i > 0 {
			n = 10
		}
		if text := os.Getenv("XPS_TEST_EDITS"); text != "" {
			var err error
			if n, err = strconv.Atoi(text); err != nil {
				t.Fatal(err)
			}
		}
		if only := os.Getenv("XPS_TEST_BASE"); only != "" && only != base {
			continue
		}
		t.Run(base, func(t *testing.T) {
			p := newPlayground(t, rng, preparetest.Source(t, base))
			ways := map[string]int{}
			for i := range n {
				ways[p.try(t, i, i == n-1)]++
			}
			t.Logf("%d edits: %v", n, ways)
		})
	}
}

// playground is a kernel tree to edit, with two object directories.
type playground struct {
	rng    *rand.Rand
	source prepare.Source
	stack  *tree.Source
	// objects is where builds find their objects. mine keeps the objects of the edits
	// while a whole make runs. other keeps the objects of the whole make while it does not.
	objects, other, mine string
	sources              []string
	private, public      []string
	// edits are the current edits: files with their new content.
	edits map[string]string
}

func newPlayground(t *testing.T, rng *rand.Rand, s prepare.Source) *playground {
	t.Helper()
	p := &playground{rng: rng, source: s, edits: map[string]string{}}
	p.stack = p.open(t)
	p.objects = filepath.Join(p.stack.WorkDir(), build.Objects)
	p.other, p.mine = p.objects+".whole", p.objects+".mine"
	w := p.checkout(t, p.stack)
	defer w.Close()
	// A killed test may have left the objects under another name.
	if _, err := os.Stat(p.mine); err == nil {
		if err := errors.Join(os.RemoveAll(p.objects), os.Rename(p.mine, p.objects)); err != nil {
			t.Fatal(err)
		}
	}
	p.build(t, p.stack, w, false)
	if err := os.RemoveAll(p.other); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(p.other); err != nil {
			t.Error(err)
		}
	})
	if out, err := exec.Command("cp", "-a", p.objects, p.other).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	sources, headers, err := build.Sources(p.objects, w.Dir, "include/", "net/", "kernel/", "mm/", "fs/", "drivers/")
	if err != nil || len(sources) < 500 {
		t.Fatalf("%d sources: %v", len(sources), err)
	}
	p.sources = sources
	for _, h := range slices.Sorted(maps.Keys(headers)) {
		switch n := headers[h]; {
		case n > 15:
		case strings.HasPrefix(h, "include/"):
			p.public = append(p.public, h)
		default:
			p.private = append(p.private, h)
		}
	}
	return p
}

func (p *playground) open(t *testing.T, extra ...string) *tree.Source {
	t.Helper()
	s := p.source
	s.KernelExtra = extra
	src, err := s.OpenKernel(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func (p *playground) checkout(t *testing.T, src *tree.Source) *tree.Tree {
	t.Helper()
	w, err := src.Checkout(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// build returns the reason for a whole make.
func (p *playground) build(t *testing.T, src *tree.Source, w *tree.Tree, whole bool) (string, error) {
	t.Helper()
	fragments, err := config.LoadAll("base")
	if err != nil {
		t.Fatal(err)
	}
	reason, err := build.BuildObjects(context.WithoutCancel(t.Context()), build.KernelOptions{
		Source: src, Fragments: fragments, Cache: p.source.Cache, Early: !whole}, w, whole)
	var cerr *build.CompileError
	if err != nil && !errors.As(err, &cerr) {
		t.Fatal(err)
	}
	return reason, err
}

// images returns the hashes of what a build makes.
func (p *playground) images(t *testing.T) (sums []string) {
	t.Helper()
	for _, name := range []string{"vmlinux", "System.map", "arch/x86/boot/bzImage", ".config"} {
		data, err := os.ReadFile(filepath.Join(p.objects, name))
		if err != nil {
			t.Fatal(err)
		}
		sums = append(sums, fmt.Sprintf("%s %x", name, sha256.Sum256(data)))
	}
	return sums
}

// swap puts the objects of the whole make in place, or back.
func (p *playground) swap(t *testing.T, from, to, next string) {
	t.Helper()
	if err := errors.Join(os.Rename(from, to), os.Rename(next, from)); err != nil {
		t.Fatal(err)
	}
}

// try makes an edit, builds it in both ways and compares. It returns how it was built.
func (p *playground) try(t *testing.T, i int, clean bool) string {
	t.Helper()
	e := p.draw(t, i)
	src := p.open(t, p.patch(t, i))
	w := p.checkout(t, src)
	defer w.Close()
	reason, err := p.build(t, src, w, false)
	way := "in part"
	if reason != "" {
		way = "whole"
	}
	t.Logf("edit %d: %s: %s %s", i, e.what, way, reason)
	if (err != nil) != e.broken {
		t.Fatalf("edit %d: %s: %v", i, e.what, err)
	}
	if e.part && reason != "" && !strings.Contains(reason, "last build") {
		t.Errorf("edit %d: %s: whole make, %s", i, e.what, reason)
	}
	var want []string
	if !e.broken {
		want = p.images(t)
	}
	p.swap(t, p.objects, p.mine, p.other)
	_, err = p.build(t, src, w, true)
	if (err != nil) != e.broken {
		t.Errorf("edit %d: %s: the whole make: %v", i, e.what, err)
	}
	if !e.broken {
		if got := p.images(t); !slices.Equal(got, want) {
			t.Errorf("edit %d: %s, %s:\ngot  %s\nwant %s", i, e.what, way, want, got)
		}
	}
	p.swap(t, p.objects, p.other, p.mine)
	if !clean || e.broken {
		return way
	}
	if err := os.Rename(p.objects, p.mine); err != nil {
		t.Fatal(err)
	}
	if _, err := p.build(t, src, w, true); err != nil {
		t.Errorf("edit %d from nothing: %v", i, err)
	} else if got := p.images(t); !slices.Equal(got, want) {
		t.Errorf("edit %d from nothing:\ngot  %s\nwant %s", i, want, got)
	}
	if err := errors.Join(os.RemoveAll(p.objects), os.Rename(p.mine, p.objects)); err != nil {
		t.Fatal(err)
	}
	return way
}

// drawn describes an edit.
type drawn struct {
	what string
	// part is true for an edit that needs no whole make, broken for one that no compiler
	// accepts.
	part, broken bool
}

// draw adds a random edit to the current ones, or replaces them.
func (p *playground) draw(t *testing.T, i int) drawn {
	t.Helper()
	if _, broken := p.edits["broken"]; broken || p.rng.IntN(10) < 7 {
		p.edits = map[string]string{}
	}
	rebuilt := func(name string) bool {
		return !slices.Contains(p.sources, name) && filepath.Ext(name) != ".h" && strings.Contains(name, "net/")
	}
	before := slices.ContainsFunc(slices.Collect(maps.Keys(p.edits)), rebuilt)
	d := drawn{part: !before}
	set := func(kind, name string, change func(text string) string) drawn {
		text, ok := p.edits[name]
		if !ok {
			text = p.show(t, name)
		}
		p.edits[name] = change(text)
		d.what = kind + " in " + name
		return d
	}
	after := func(more string) func(string) string { return func(text string) string { return text + more } }
	n := 1 + p.rng.IntN(100)
	source := p.sources[p.rng.IntN(len(p.sources))]
	const end = "\n\treturn 0;\n}\n"
	switch kind := p.rng.IntN(50); {
	case kind < 18:
		for !strings.Contains(p.show(t, source), end) {
			source = p.sources[p.rng.IntN(len(p.sources))]
		}
		return set("code", source, func(text string) string {
			return strings.Replace(text, end, fmt.Sprintf("\n\tasm volatile(\".fill %d, 1, 0x90\");%s", n, end), 1)
		})
	case kind < 23:
		return set("data", source, after(fmt.Sprintf("\nstatic const char xps_edit_%d[%d] __used = \"%d\";\n", i, n+8, i)))
	case kind < 28:
		return set("function", source, after(fmt.Sprintf("\nstatic noinline __used int xps_edit_%d(int x)\n{\n\treturn x / %d;\n}\n", i, n+2)))
	case kind < 32:
		return set("comment", source, func(text string) string { return fmt.Sprintf("/* edit %d */\n%s", i, text) })
	case kind < 36:
		return set("private header", p.private[p.rng.IntN(len(p.private))], func(text string) string { return fmt.Sprintf("/* edit %d */\n\n%s", i, text) })
	case kind < 39:
		d.part = false
		return set("public header", p.public[p.rng.IntN(len(p.public))], func(text string) string { return fmt.Sprintf("/* edit %d */\n\n%s", i, text) })
	case kind < 41:
		d.part = false
		return set("Kconfig", "net/packet/Kconfig", after(fmt.Sprintf("\nconfig XPS_EDIT_%d\n\tbool\n\tdefault y\n", i)))
	case kind < 43:
		d.part = false
		return set("makefile", "net/packet/Makefile", after(fmt.Sprintf("\nccflags-y += -DXPS_EDIT=%d\n", n)))
	case kind < 45:
		d.part = false
		name := fmt.Sprintf("xps_edit_%d", i)
		p.edits["net/packet/"+name+".c"] = fmt.Sprintf("// SPDX-License-Identifier: GPL-2.0\nint %s(int x);\nint %[1]s(int x)\n{\n\treturn x * %d;\n}\n", name, n)
		return set("new file", "net/packet/Makefile", after(fmt.Sprintf("\nobj-y += %s.o\n", name)))
	case kind < 47:
		d.broken = true
		p.edits["broken"] = ""
		return set("error", source, after("\nint xps_edit = ;\n"))
	case kind < 48:
		return set("document", "Documentation/networking/scaling.rst", after(fmt.Sprintf("\nEdit %d.\n", i)))
	case kind < 49:
		return set("selftest", "tools/testing/selftests/net/Makefile", after(fmt.Sprintf("\n# edit %d\n", i)))
	}
	p.edits = map[string]string{}
	d.what = "no edit"
	return d
}

// show returns a file of the tree without edits; "" if there is none.
func (p *playground) show(t *testing.T, name string) string {
	t.Helper()
	text, err := p.stack.Show(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// patch writes the edits as a patch and returns its path.
func (p *playground) patch(t *testing.T, i int) string {
	t.Helper()
	dir := t.TempDir()
	var diff bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(p.edits)) {
		if name == "broken" {
			continue
		}
		from, label := "/dev/null", "/dev/null"
		if !strings.Contains(name, "xps_edit_") {
			from, label = filepath.Join(dir, "old"), "a/"+name
			if err := os.WriteFile(from, []byte(p.show(t, name)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		to := filepath.Join(dir, "new")
		if err := os.WriteFile(to, []byte(p.edits[name]), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("diff", "-u", "--label", label, "--label", "b/"+name, from, to).Output()
		var exit *exec.ExitError
		if err == nil || !errors.As(err, &exit) || exit.ExitCode() != 1 {
			t.Fatalf("diff of %s: %v", name, err)
		}
		fmt.Fprintf(&diff, "diff --git a/%s b/%[1]s\n", name)
		if label == "/dev/null" {
			diff.WriteString("new file mode 100644\n")
		}
		diff.Write(out)
	}
	if diff.Len() == 0 {
		// A patch without a diff does not apply.
		diff.WriteString("diff --git a/Documentation/xps_edit b/Documentation/xps_edit\nnew file mode 100644\n--- /dev/null\n+++ b/Documentation/xps_edit\n@@ -0,0 +1 @@\n+none\n")
	}
	path := filepath.Join(dir, "edit.patch")
	mail := fmt.Sprintf("From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\nFrom: xpsgen <xpsgen@workbench.invalid>\n"+
		"Date: Sun, 22 Nov 2026 12:00:00 +0000\nSubject: [PATCH] edit %d\n\nA test.\n---\n%s-- \n2.39.5\n", i, diff.Bytes())
	if err := os.WriteFile(path, []byte(mail), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
