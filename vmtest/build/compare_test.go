// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// withDevice gives the small kernel net/core/dev.o and a defconfig of one object
// more.
func withDevice(t *testing.T, b *bench) {
	t.Helper()
	b.write(t, "net/core/dev.c", "d1\n")
	b.write(t, "net/guest.c", "g1\n")
	b.write(t, "Makefile", strings.NewReplacer(
		"a b c)\n", "a b c net/core/dev) $(patsubst %,$(O)/%.o,$(shell cat $(O)/more 2>/dev/null))\n",
		"allnoconfig:\n", "$(O)/net/core/%.o: net/core/%.c\n\t@mkdir -p $(@D)\n\t@echo \"  CC      net/core/$*.o\"\n\t@cp $< $@\n"+
			"defconfig:\n\t@mkdir -p $(O)/include/config; touch $(O)/.config; echo guest > $(O)/more\n"+
			"kvm_guest.config: defconfig\nallnoconfig:\n",
	).Replace(smallKernel["Makefile"]))
}

func TestCompare(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	withDevice(t, b)
	src := b.source(t)
	// as an interrupted comparison leaves it
	old := filepath.Join(src.WorkDir(), "obj-timed", "a.o")
	mustWrite(t, old, "old")
	later := time.Now().Add(time.Hour) // than the sources that are yet to be checked out
	if err := os.Chtimes(old, later, later); err != nil {
		t.Fatal(err)
	}
	times, err := Compare(t.Context(), CompareOptions{Source: src, Fragments: b.fragments, Jobs: 2, Progress: b.progress})
	if err != nil {
		t.Fatal(err)
	}
	objects := map[string]int64{}
	for _, one := range times {
		objects[one.Name] = one.Objects
		if one.Elapsed <= 0 || one.What == "" {
			t.Errorf("%+v says little", one)
		}
	}
	want := map[string]int64{"cold": 4, "change": 1, "nothing": 0, "defconfig": 5}
	if diff := cmp.Diff(want, objects); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	if _, err := os.Stat(filepath.Join(src.WorkDir(), "obj-timed")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the objects are left behind: %v", err)
	}
}

func TestCompareDoesNotBuild(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	withDevice(t, b)
	b.write(t, "net/guest.c", "error\n")
	src := b.source(t)
	times, err := Compare(t.Context(), CompareOptions{Source: src, Fragments: b.fragments, Jobs: 2})
	var cerr *CompileError
	if !errors.As(err, &cerr) || times != nil {
		t.Fatalf("got %v, %v; want a CompileError and no times", times, err)
	}
	if _, err := os.Stat(filepath.Join(src.WorkDir(), "obj-timed")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the objects are left behind: %v", err)
	}
}
