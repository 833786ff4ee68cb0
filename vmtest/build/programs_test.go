// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/tree"
)

func TestIPRoute2(t *testing.T) {
	b := newBench(t)
	b.series.Name, b.series.VersionFile, b.series.VersionPattern = "iproute2", "include/version.h", `version\[\] = "([^"]+)"`
	b.dir = t.TempDir()
	for name, text := range map[string]string{
		"ip/iplink.c":       "ip1\n",
		"include/version.h": "static const char version[] = \"6.1.0\";\n",
		"Makefile": `ifeq ($(wildcard config.mk),)
all: ; @echo "error: not configured" >&2; exit 1
else
all: ; @echo "    CC       iplink.o"; cp ip/iplink.c ip/ip; echo "$(SUBDIRS)" >> ip/ip
endif
config.mk: ; @touch $@
`,
	} {
		b.write(t, name, text)
	}
	tools := t.TempDir()
	mustWrite(t, filepath.Join(tools, "pkg-config"), "#!/bin/sh\n[ $2 = libbpf ] || exit 1\necho ${LIBBPF:-1.1.2}\n")
	if err := os.Chmod(filepath.Join(tools, "pkg-config"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", tools+":"+os.Getenv("PATH"))

	make := func() (*IPRoute2Result, error) {
		return IPRoute2(t.Context(), IPRoute2Options{Source: b.source(t), Cache: b.cache, Progress: b.progress})
	}
	r, err := make()
	if err != nil {
		t.Fatal(err)
	}
	if got := mustRead(t, r.IP); got != "ip1\nlib ip\n" || r.Version != "6.1.0" || r.Cached {
		t.Errorf("%q, %+v", got, r)
	}
	if diff := cmp.Diff("libbpf 1.1.2,libelf -", strings.Join(r.Libs[:2], ",")); diff != "" {
		t.Error(diff)
	}
	if again, err := make(); err != nil || !again.Cached || again.Hash != r.Hash {
		t.Errorf("%+v, %v", again, err)
	}
	// Another library is another ip.
	mustWrite(t, filepath.Join(tools, "pkg-config"), "#!/bin/sh\nexit 1\n")
	if other, err := make(); err != nil || other.Cached || other.Hash == r.Hash {
		t.Errorf("%+v, %v", other, err)
	}
	left, err := filepath.Glob(filepath.Join(b.cache, "work", "iproute2-*", "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestBpftool: bpftool is built again only if its inputs change.
func TestBpftool(t *testing.T) {
	b := newBench(t)
	b.write(t, "tools/lib/lib.c", "lib1\n")
	b.write(t, "tools/bpf/bpftool/Makefile", `all:
	@echo "  CC      main.o"; grep -q feature-libelf=1 $(FEATURES_DUMP)
	@if grep -q error ../../lib/lib.c; then echo "lib.c:1:1: error: bad line" >&2; exit 1; fi
	@cat ../../lib/lib.c > $(OUTPUT)bpftool; test ! -e ../../../net/a.c
`)
	make := func() (*BpftoolResult, error) {
		return Bpftool(t.Context(), BpftoolOptions{Source: b.source(t), Cache: b.cache, Progress: b.progress})
	}
	r, err := make()
	if err != nil {
		t.Fatal(err)
	}
	if got := mustRead(t, r.Bpftool); got != "lib1\n" || r.Version != "6.12.7" || r.Cached {
		t.Errorf("%q, %+v", got, r)
	}
	b.write(t, "net/a.c", "a2\n")
	if again, err := make(); err != nil || !again.Cached || again.Hash != r.Hash {
		t.Errorf("%+v, %v", again, err)
	}
	b.write(t, "tools/lib/lib.c", "lib2\n")
	if other, err := make(); err != nil || other.Cached || mustRead(t, other.Bpftool) != "lib2\n" {
		t.Errorf("%+v, %v", other, err)
	}
	b.write(t, "tools/lib/lib.c", "error\n")
	var cerr *CompileError
	if _, err := make(); !errors.As(err, &cerr) {
		t.Errorf("got %v", err)
	}
}

func TestGuest(t *testing.T) {
	root, cache := t.TempDir(), t.TempDir()
	mustWrite(t, filepath.Join(root, "go.mod"), "module guest\n\ngo 1.24\n")
	mustWrite(t, filepath.Join(root, "vmtest/guest/init", "main.go"), "package main\n\nfunc main() {}\n")
	opt := GuestOptions{Root: root, Cache: cache}
	path, err := Guest(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode()&0o111 == 0 {
		t.Errorf("%v, %v", info, err)
	}
	if again, err := Guest(t.Context(), opt); err != nil || again != path {
		t.Errorf("made again: %s, %v", again, err)
	}
	mustWrite(t, filepath.Join(root, "vmtest/guest/init", "main.go"), "package main\n\nfunc main() { nothing() }\n")
	_, err = Guest(t.Context(), opt)
	var cerr *CompileError
	if !errors.As(err, &cerr) || !strings.Contains(strings.Join(cerr.Lines, "\n"), "init/main.go:3:15: undefined: nothing") {
		t.Errorf("got %v", err)
	}
}

// TestPrune: recently used and new entries are kept.
func TestPrune(t *testing.T) {
	dir := t.TempDir()
	for i, name := range []string{"oldest", "older", "old", "young"} {
		mustWrite(t, filepath.Join(dir, name, "f"), "x")
		used := time.Now().Add(time.Duration(i-4) * 24 * time.Hour)
		if name == "young" {
			used = time.Now()
		}
		if err := os.Chtimes(filepath.Join(dir, name), used, used); err != nil {
			t.Fatal(err)
		}
	}
	mustWrite(t, filepath.Join(dir, ".tmp-x", "f"), "being written")
	if err := prune(dir, 2); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if diff := cmp.Diff([]string{".tmp-x", "old", "young"}, names); diff != "" {
		t.Error(diff)
	}
}

// TestRecovery: only after a build that did not end, files not older than the
// mark are removed.
func TestRecovery(t *testing.T) {
	dir := t.TempDir()
	o, err := openObjdir(dir)
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, filepath.Join(dir, "net/old.o"), "whole")
	if err := o.begin(); err != nil {
		t.Fatal(err)
	}
	mark, err := os.Stat(filepath.Join(dir, markerName))
	if err != nil {
		t.Fatal(err)
	}
	set := func(name string, d time.Duration) {
		t.Helper()
		at := mark.ModTime().Add(d)
		if err := os.Chtimes(filepath.Join(dir, name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	mustWrite(t, filepath.Join(dir, "net/same.o"), "half")
	mustWrite(t, filepath.Join(dir, "net/new.o"), "half")
	set("net/old.o", -time.Nanosecond)
	set("net/same.o", 0)
	set("net/new.o", time.Hour)
	if err := o.end(false); err != nil {
		t.Fatal(err)
	}
	if _, err := openObjdir(dir); err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(dir, "net", "*"))
	if err != nil || len(found) != 1 || filepath.Base(found[0]) != "old.o" {
		t.Errorf("left: %v, %v", found, err)
	}
	if o, err = openObjdir(dir); err != nil {
		t.Fatal(err)
	}
	if err := o.begin(); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, filepath.Join(dir, "net/kept.o"), "whole")
	if err := o.end(true); err != nil {
		t.Fatal(err)
	}
	if _, err := openObjdir(dir); err != nil {
		t.Fatal(err)
	}
	mustRead(t, filepath.Join(dir, "net/kept.o"))
}

// TestVariantsShareTheirWork builds a kernel with an extra patch in the working
// tree of the series, and the cache keeps both kernels.
func TestVariantsShareTheirWork(t *testing.T) {
	b := newBench(t)
	b.mustKernel(t)
	b.made(t)
	extra := filepath.Join(t.TempDir(), "mutant.patch")
	mustWrite(t, extra, "From: u <u@example.org>\nSubject: [PATCH] mutant\n\n---\n"+
		"diff --git a/net/c.c b/net/c.c\n--- a/net/c.c\n+++ b/net/c.c\n@@ -1 +1 @@\n-c1\n+c2\n")
	src, err := tree.Open(t.Context(), tree.Options{Project: b.series, Dir: b.dir, Cache: b.cache,
		Variant: tree.Variant{Extra: []string{extra}}})
	if err != nil {
		t.Fatal(err)
	}
	k, err := Kernel(t.Context(), KernelOptions{Source: src, Fragments: b.fragments, Cache: b.cache})
	if err != nil {
		t.Fatal(err)
	}
	if got := mustRead(t, k.Image); got != image("a1", "b1", "c2") || b.made(t) != "c" {
		t.Errorf("image is %q", got)
	}
	if diff := cmp.Diff([]string{"mutant"}, k.Patches); diff != "" {
		t.Error(diff)
	}
	if again := b.mustKernel(t); !again.Cached {
		t.Error("the first kernel is gone")
	}
}

// TestYNL: a tree has the program from the patch on that changes the
// specification, and no other part of the tree causes a rebuild.
func TestYNL(t *testing.T) {
	b := newBench(t)
	make := func() (*YNLResult, error) {
		return YNL(t.Context(), YNLOptions{Source: b.source(t), Cache: b.cache, Progress: b.progress})
	}
	b.write(t, "MAINTAINERS", "\n")
	b.write(t, "tools/net/ynl/Makefile.deps", "UAPI_PATH = nowhere\n")
	b.write(t, "Documentation/netlink/specs/rt_link.yaml", "name: xps-attrs\n")
	if r, err := make(); r != nil || err != nil {
		t.Errorf("a tree that spells rt_link: %+v, %v", r, err)
	}
	b.write(t, ynlSpec, "name: xdp-attrs\n")
	if r, err := make(); r != nil || err != nil {
		t.Errorf("a specification without XPS: %+v, %v", r, err)
	}
	b.write(t, ynlSpec, "name: xps-attrs\n")
	// The real program does not compile with these parts.
	b.write(t, "tools/net/ynl/generated/Makefile", `rt-link-user.o:
	@echo "#define STOP" > rt-link-user.h
	@test -e ../../../../MAINTAINERS && touch $@
`)
	b.write(t, "tools/net/ynl/lib/Makefile", "ynl.a:\n\t@echo '#error bad line' > ynl.h; touch $@\n")
	var cerr *CompileError
	if _, err := make(); !errors.As(err, &cerr) || !strings.Contains(cerr.Error(), "bad line") {
		t.Errorf("got %v", err)
	}
	tools := t.TempDir()
	mustWrite(t, filepath.Join(tools, "cc"), "#!/bin/sh\nwhile [ \"$1\" != -o ]; do shift; done; echo made > $2\n")
	if err := os.Chmod(filepath.Join(tools, "cc"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", tools+":"+os.Getenv("PATH"))
	r, err := make()
	if err != nil {
		t.Fatal(err)
	}
	if got := mustRead(t, r.Program); got != "made\n" || r.Cached {
		t.Errorf("%q, %+v", got, r)
	}
	b.write(t, "net/a.c", "a2\n")
	b.write(t, "MAINTAINERS", "somebody else\n")
	if again, err := make(); err != nil || !again.Cached || again.Hash != r.Hash {
		t.Errorf("%+v, %v", again, err)
	}
	b.write(t, ynlSpec, "name: xps-attrs\nname: more\n")
	if other, err := make(); err != nil || other.Cached || other.Hash == r.Hash {
		t.Errorf("%+v, %v", other, err)
	}
}
