// SPDX-License-Identifier: GPL-2.0-only OR MIT

package deps

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xpsgen/vmtest/tree"
)

// herd7 is the dependency of the table.
func herd7(t *testing.T) []Dep {
	t.Helper()
	for _, d := range Of(Prove) {
		if d.Name == "herd7" {
			return []Dep{d}
		}
	}
	t.Fatal("no herd7")
	return nil
}

// mustCache makes a cache that has herd7. Its loader is a script instead of the C library's.
func mustCache(t *testing.T, loader string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	var record strings.Builder
	for _, name := range Herd7().packages.Names {
		fmt.Fprintf(&record, "%s 1.0-1\n", name)
	}
	for name, text := range map[string]string{
		"packages.txt": record.String(), "usr/bin/herd7": "", "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2": "#!/bin/sh\n" + loader + "\n",
	} {
		path := filepath.Join(dir, "packages", "herdtools7", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A tool must be in the cache and run. The machine's own does not count.
func TestTool(t *testing.T) {
	m := newMachine(t, 0)
	m.tool(t, "herd7", "echo 6.0")
	d := herd7(t)
	for name, c := range map[string]struct {
		cache, detail string
		found         bool
	}{
		"not there": {t.TempDir(), "not in the cache", false},
		"there":     {mustCache(t, `[ "$3" != "${3%/usr/bin/herd7}" ] && [ "$4" = -version ] && echo 7.58, Rev: exported`), "7.58, Rev: exported", true},
		"broken":    {mustCache(t, "echo no such library >&2; exit 127"), "herd7 does not run: ", false},
	} {
		all, err := Check(t.Context(), d, c.cache)
		if err != nil {
			t.Fatal(err)
		}
		if all[0].Found != c.found || !strings.Contains(all[0].Detail, c.detail) {
			t.Errorf("%s: %+v", name, all[0])
		}
	}
	if got, want := d[0].Remedy(), "xpsgen deps --for prove"; got != want {
		t.Errorf("remedy %q, want %q", got, want)
	}
	if got, want := gadget[0].Remedy(), "xpsgen deps --for vmtest, or apt-get install gadget-pkg"; got != want {
		t.Errorf("remedy %q, want %q", got, want)
	}
	if !InCache(Of(Prove)) || InCache(Of(Test)) {
		t.Error("the tools, and nothing else, must be in the cache")
	}
}

// A tool that no archive has is an error with the remedy. apt installs nothing instead.
func TestUnpackTool(t *testing.T) {
	m := newMachine(t, 0)
	m.tool(t, "apt-config", `echo "list='@/sources.list'"; echo "parts='@/none/'"`)
	if err := os.WriteFile(filepath.Join(m.dir, "sources.list"), []byte("deb http://mirror.invalid/ours weekly stuff\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	m.opt.Cache = t.TempDir()
	missing, err := Missing(t.Context(), herd7(t), m.opt.Cache)
	if err != nil || len(missing) != 1 {
		t.Fatalf("%+v, %v", missing, err)
	}
	err = Install(t.Context(), missing, m.opt)
	if !errors.Is(err, tree.ErrObtain) || !strings.Contains(err.Error(), "xpsgen deps --for prove") || m.calls(t) != "" {
		t.Errorf("%v, calls %q", err, m.calls(t))
	}
	// What is unpacked must run.
	m.opt.Cache = mustCache(t, "exit 1")
	if err := Install(t.Context(), missing, m.opt); err == nil || !strings.Contains(err.Error(), "herd7 does not run") {
		t.Errorf("%v", err)
	}
	// The others are installed after it.
	m.opt.Cache = mustCache(t, "echo 7.58")
	if err := Install(t.Context(), append(missing, mustMissing(t, gadget)...), m.opt); err != nil || m.calls(t) != "install gadget-pkg" {
		t.Errorf("%v, calls %q", err, m.calls(t))
	}
}
