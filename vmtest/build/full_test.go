// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/config"
	"xpsgen/vmtest/progress"
)

// tool puts a program into a directory that becomes the first of PATH.
func tool(t *testing.T, name, script string) (path string) {
	t.Helper()
	dir := t.TempDir()
	path = filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return path
}

// The modules of a kernel are kept as the guest wants them in /lib/modules.
func TestModules(t *testing.T) {
	tool(t, "depmod", "exit 1")
	b := newBench(t)
	plain := b.mustKernel(t)
	if plain.Modules != "" {
		t.Errorf("a kernel without modules has some in %s", plain.Modules)
	}
	b.fragments = append(b.fragments, config.Fragment{Name: "full", Text: "CONFIG_MODULES=y\n"})
	for _, cached := range []bool{false, true} {
		k := b.mustKernel(t)
		if k.Cached != cached {
			t.Errorf("cached: %t, want %t", k.Cached, cached)
		}
		if got := mustRead(t, filepath.Join(k.Modules, "kernel", "a.ko")); got != "a1\n" {
			t.Errorf("module: %q", got)
		}
		entries, err := os.ReadDir(k.Modules)
		if err != nil || len(entries) != 1 {
			t.Errorf("modules: %v, %v (the link to the objects must not stay)", entries, err)
		}
		if _, err := os.Stat(filepath.Join(k.Dir, "root")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the directory of make stays: %v", err)
		}
	}
}

// If an optional symbol gets another value than its fragment sets, Kernel reports it, also
// if the kernel comes from the cache.
func TestWishes(t *testing.T) {
	b := newBench(t)
	b.fragments = append(b.fragments, config.Fragment{Name: "net/config", Optional: true, Text: "CONFIG_NET=m\nCONFIG_DROPPED=m\nCONFIG_X=y\n"})
	want := []string{
		"net/config:1: CONFIG_NET: wanted a module, is built in",
		"net/config:2: CONFIG_DROPPED: wanted m, got not set",
	}
	for _, cached := range []bool{false, true} {
		b.events = nil
		k := b.mustKernel(t)
		if k.Cached != cached {
			t.Errorf("cached: %t, want %t", k.Cached, cached)
		}
		if diff := cmp.Diff(want, k.Differences); diff != "" {
			t.Error(diff)
		}
		var told []string
		for _, e := range b.events {
			if e.State == progress.Notice {
				told = append(told, e.Text)
			}
		}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Error(diff)
		}
	}
}

// Optional symbols that the kernel has already do not change it.
func TestFulfilledWishes(t *testing.T) {
	b := newBench(t)
	first := b.mustKernel(t)
	b.fragments = append(b.fragments, config.Fragment{Name: "net/config", Optional: true, Text: "CONFIG_NET=m\n"})
	if second := b.mustKernel(t); second.Hash != first.Hash || !second.Cached || len(second.Differences) != 1 {
		t.Errorf("hash %s then %s, cached %t, %q", first.Hash, second.Hash, second.Cached, second.Differences)
	}
}

// BTF needs a pahole that is new enough. Its version is part of the kernel.
func TestPahole(t *testing.T) {
	b := newBench(t)
	b.fragments = append(b.fragments, config.Fragment{Name: "full", Text: "CONFIG_DEBUG_INFO_BTF=y\n"})
	path := tool(t, "pahole", "echo v1.26")
	k := b.mustKernel(t)
	if k.Pahole != "v1.26" {
		t.Errorf("pahole %q", k.Pahole)
	}
	if got := mustRead(t, k.Image); !strings.Contains(got, "PAHOLE="+path) {
		t.Errorf("make was not told of %s:\n%s", path, got)
	}
	tool(t, "pahole", "echo v1.31")
	if other := b.mustKernel(t); other.Hash == k.Hash || other.Pahole != "v1.31" {
		t.Errorf("another pahole makes the same kernel: %s, %s", other.Hash, other.Pahole)
	}
	// An old pahole is an error if apt cannot provide a newer one.
	tool(t, "pahole", "echo v1.24")
	tool(t, "apt-config", "exit 1")
	_, err := b.kernel(t, t.Context())
	var broken *BreakdownError
	if !errors.As(err, &broken) || !strings.Contains(err.Error(), "BTF needs pahole 1.26 or newer; this machine's: v1.24") {
		t.Errorf("got %v", err)
	}
	// A kernel without BTF does not need it.
	b.fragments = b.fragments[:1]
	b.mustKernel(t)
}

func TestPaholeNumber(t *testing.T) {
	for version, want := range map[string]int{"v1.24": 124, "1.26": 126, "v1.30\n": 130, "": 0, "command not found": 0} {
		if got := paholeNumber(version); got != want {
			t.Errorf("%q: %d, want %d", version, got, want)
		}
	}
}
