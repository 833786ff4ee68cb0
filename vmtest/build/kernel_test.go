// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/config"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/tree"
)

// smallKernel is a source tree that builds like a kernel, in a second. The rule for an
// object writes it in two steps, so that a test can interrupt it halfway.
var smallKernel = map[string]string{
	"Kbuild":        "#\n",
	"net/a.c":       "a1\n",
	"net/b.c":       "b1\n",
	"net/c.c":       "c1\n",
	"include/all.h": "h1\n",
	"Makefile": `VERSION = 6
PATCHLEVEL = 12
SUBLEVEL = 7

.DELETE_ON_ERROR:
objects := $(patsubst %,$(O)/%.o,a b c)
bzImage: $(O)/vmlinux
	@mkdir -p $(O)/arch/x86/boot
	@cp $(O)/vmlinux $(O)/arch/x86/boot/bzImage
	@cp $(O)/vmlinux $(O)/System.map
$(O)/vmlinux: $(objects)
	@echo "  LD      vmlinux"
	@cat $(objects) $(O)/.config > $@
	@echo "$(KBUILD_BUILD_HOST) $(MAKEOVERRIDES)" | tr -d '\n' | sed 's,O=[^ ]*,,' >> $@
$(O)/%.o: net/%.c include/all.h
	@echo "  CC      net/$*.o"
	@if grep -q '^error' $<; then echo "$<:1:1: error: bad line" >&2; exit 1; fi
	@head -c 1 $< > $@; echo $* >> $(O)/made; sleep $(or $(shell cat $(O)/delay 2>/dev/null),0); cat include/all.h $< > $@
allnoconfig:
	@mkdir -p $(O)/include/config
	@grep -v DROPPED $(KCONFIG_ALLCONFIG) > $(O)/.config
	@echo 6.12.7-small > $(O)/include/config/kernel.release
modules: bzImage
	@cp net/a.c $(O)/a.ko
modules_install:
	@mkdir -p $(INSTALL_MOD_PATH)/lib/modules/6.12.7-small/kernel
	@cp $(O)/a.ko $(INSTALL_MOD_PATH)/lib/modules/6.12.7-small/kernel
	@ln -s $(O) $(INSTALL_MOD_PATH)/lib/modules/6.12.7-small/build
headers:
	@mkdir -p $(O)/usr/include/linux
	@cp include/all.h $(O)/usr/include/linux/if_link.h
`,
}

const baseText = "CONFIG_NET=y\n# CONFIG_PCI is not set\nCONFIG_HZ=\"250\"\n"

type bench struct {
	dir, cache string
	series     *tree.Project
	fragments  []config.Fragment

	mu     sync.Mutex
	events []progress.Event
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{dir: t.TempDir(), cache: t.TempDir(), fragments: []config.Fragment{{Name: "base", Text: baseText}}}
	for name, text := range smallKernel {
		b.write(t, name, text)
	}
	series := t.TempDir()
	mustWrite(t, filepath.Join(series, tree.ManifestName), "[project]\nname='linux'\nversion-file='Makefile'\n"+
		"version-pattern='(?m)^VERSION *= *(\\d*)\\nPATCHLEVEL *= *(\\d*)\\nSUBLEVEL *= *(\\d*)$'\n"+
		"[[base]]\nname='6.12'\nrole='carry'\n[[base.source]]\nkind='deb'\npackage='p'\n")
	var err error
	if b.series, err = tree.Load(series); err != nil {
		t.Fatal(err)
	}
	return b
}

func mustWrite(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) write(t *testing.T, name, text string) {
	t.Helper()
	mustWrite(t, filepath.Join(b.dir, name), text)
}

func (b *bench) progress(e progress.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, e)
}

func (b *bench) source(t *testing.T) *tree.Source {
	t.Helper()
	src, err := tree.Open(t.Context(), tree.Options{Project: b.series, Dir: b.dir, Cache: b.cache, Progress: b.progress})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func (b *bench) kernel(t *testing.T, ctx context.Context) (*KernelResult, error) {
	t.Helper()
	return Kernel(ctx, KernelOptions{Source: b.source(t), Fragments: b.fragments, Cache: b.cache, Jobs: 2, Progress: b.progress})
}

func (b *bench) mustKernel(t *testing.T) *KernelResult {
	t.Helper()
	k, err := b.kernel(t, t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// objdir is where the objects of the base configuration are.
func (b *bench) objdir(t *testing.T) string {
	t.Helper()
	return filepath.Join(b.source(t).WorkDir(), "obj-base")
}

// made returns the objects that were compiled since the last call, sorted.
func (b *bench) made(t *testing.T) string {
	t.Helper()
	path := filepath.Join(b.objdir(t), "made")
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	out := ""
	for _, c := range []string{"a", "b", "c"} {
		if strings.Contains(string(data), c) {
			out += c
		}
	}
	return out
}

func mustRead(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func image(a, b, c string) string {
	return "h1\n" + a + "\nh1\n" + b + "\nh1\n" + c + "\n" + baseText + "workbench "
}

func TestKernelBuildsWhatChanged(t *testing.T) {
	b := newBench(t)
	k := b.mustKernel(t)
	if got := mustRead(t, k.Image); got != image("a1", "b1", "c1") {
		t.Errorf("image is %q", got)
	}
	if k.Cached || k.Release != "6.12.7-small" || k.Version != "6.12.7" || k.Objects != 3 {
		t.Errorf("%+v", k)
	}
	if got := b.made(t); got != "abc" {
		t.Errorf("made %q", got)
	}

	start := time.Now()
	again := b.mustKernel(t)
	if !again.Cached || again.Hash != k.Hash || b.made(t) != "" {
		t.Errorf("second time: %+v", again)
	}
	t.Logf("a hit took %v", time.Since(start))

	b.write(t, "net/b.c", "b2\n")
	k2 := b.mustKernel(t)
	if got := mustRead(t, k2.Image); got != image("a1", "b2", "c1") || k2.Hash == k.Hash {
		t.Errorf("image is %q", got)
	}
	if got := b.made(t); got != "b" {
		t.Errorf("made %q", got)
	}
	// The one before is still there, as it was.
	if got := mustRead(t, k.Image); got != image("a1", "b1", "c1") {
		t.Errorf("old image is %q", got)
	}
	b.write(t, "net/b.c", "b1\n")
	if k3 := b.mustKernel(t); !k3.Cached || k3.Hash != k.Hash || b.made(t) != "" {
		t.Errorf("back again: %+v", k3)
	}
}

func TestConfigurationChangesTheKernel(t *testing.T) {
	b := newBench(t)
	k := b.mustKernel(t)
	b.fragments = append(b.fragments, config.Fragment{Name: "debug", Text: "CONFIG_KASAN=y\n"})
	debug := b.mustKernel(t)
	if debug.Hash == k.Hash || debug.Cached {
		t.Errorf("%+v", debug)
	}
	if diff := cmp.Diff([]string{"base", "debug"}, debug.Fragments); diff != "" {
		t.Error(diff)
	}
}

func TestDroppedSymbol(t *testing.T) {
	b := newBench(t)
	b.fragments = append(b.fragments, config.Fragment{Name: "mine", Text: "# comment\nCONFIG_DROPPED=y\n"})
	_, err := b.kernel(t, t.Context())
	var derr *config.DroppedSymbolError
	if !errors.As(err, &derr) {
		t.Fatalf("got %v", err)
	}
	want := []config.Dropped{{Symbol: config.Symbol{Name: "CONFIG_DROPPED", Value: "y", Fragment: "mine", Line: 2}, Got: "n"}}
	if diff := cmp.Diff(want, derr.Symbols); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(err.Error(), "mine:2: CONFIG_DROPPED: wanted y, got not set") {
		t.Error(err)
	}
}

func TestCompileErrorThenRepair(t *testing.T) {
	b := newBench(t)
	b.write(t, "net/b.c", "error\n")
	_, err := b.kernel(t, t.Context())
	var cerr *CompileError
	if !errors.As(err, &cerr) {
		t.Fatalf("got %v", err)
	}
	if diff := cmp.Diff([]string{"net/b.c:1:1: error: bad line"}, cerr.Lines); diff != "" {
		t.Error(diff)
	}
	if _, err := os.Stat(cerr.Log); err != nil {
		t.Error(err)
	}
	b.write(t, "net/b.c", "b2\n")
	if got := mustRead(t, b.mustKernel(t).Image); got != image("a1", "b2", "c1") {
		t.Errorf("image is %q", got)
	}
}

func TestHeadersAndCheck(t *testing.T) {
	b := newBench(t)
	h, err := Headers(t.Context(), HeadersOptions{Source: b.source(t), Cache: b.cache})
	if err != nil {
		t.Fatal(err)
	}
	if got := mustRead(t, filepath.Join(h.Include, "linux/if_link.h")); got != "h1\n" || h.Cached {
		t.Errorf("%q, %+v", got, h)
	}
	if h, err = Headers(t.Context(), HeadersOptions{Source: b.source(t), Cache: b.cache}); err != nil || !h.Cached {
		t.Errorf("%+v, %v", h, err)
	}
	check := CheckOptions{Source: b.source(t), Cache: b.cache, Fragments: b.fragments, Targets: []string{"bzImage"}}
	if err := Check(t.Context(), check); err != nil {
		t.Fatal(err)
	}
	b.write(t, "net/c.c", "error\n")
	check.Source = b.source(t)
	var cerr *CompileError
	for range 2 { // a failure is not remembered as a success
		if err := Check(t.Context(), check); !errors.As(err, &cerr) {
			t.Errorf("got %v", err)
		}
	}
}
