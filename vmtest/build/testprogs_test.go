// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// bpfMakefile writes the list of source files instead of building test_progs.
const bpfMakefile = "test_progs:\n\techo vmlinux $(VMLINUX_BTF) skip $(SKIP_LLVM) extra $(origin TRUNNER_EXTRA_FILES) >$@\n\techo prog_tests/*.c progs/* *.c >>$@\n"

func progsBench(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	for name, text := range map[string]string{
		"Makefile":           bpfMakefile,
		"test_progs.c":       "",
		"prog_tests/one.c":   "#include \"prog_one.skel.h\"\nvoid test_one(void)\n{\n}\n\nvoid serial_test_two(void)\n{\n}\n",
		"prog_tests/three.c": "# include \"prog_three.skel.h\"\nvoid test_three()\n{\n}\n",
		"prog_tests/light.c": "#include \"prog_one.lskel.h\"\nvoid test_light(void)\n{\n}\n",
		"prog_tests/lost.c":  "#include \"prog_lost.skel.h\"\nvoid test_lost(void)\n{\n}\n",
		"prog_tests/none.c":  "static void test_none(void)\n{\n}\n",
		"progs/prog_one.c":   "", "progs/prog_three.c": "", "progs/other.c": "", "progs/shared.h": "",
	} {
		b.write(t, filepath.Join(bpfSelftestsDir, name), text)
	}
	return b
}

// The kernel's Makefile builds the chosen tests and no others.
func TestTestProgs(t *testing.T) {
	b := progsBench(t)
	build := func(kernel string, tests ...string) *TestProgsResult {
		t.Helper()
		r, err := TestProgs(t.Context(), TestProgsOptions{Source: b.source(t), Tests: tests, Cache: b.cache, Progress: b.progress,
			Kernel: &KernelResult{Hash: kernel, Vmlinux: "/k/vmlinux"}})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := build("k", "one")
	const head = "vmlinux /k/vmlinux skip 1 extra command line\n"
	if got, want := mustRead(t, r.Program), head+"prog_tests/one.c progs/prog_one.c progs/shared.h test_progs.c\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !slices.Equal(r.Tests, []string{"one", "two"}) || r.Cached {
		t.Errorf("tests %q, cached %t", r.Tests, r.Cached)
	}
	if again := build("k", "one"); again.Hash != r.Hash || !again.Cached || !slices.Equal(again.Tests, r.Tests) {
		t.Errorf("again: %+v", again)
	}
	two := build("k", "one", "three")
	if got, want := mustRead(t, two.Program), head+"prog_tests/one.c prog_tests/three.c progs/prog_one.c progs/prog_three.c progs/shared.h test_progs.c\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if other := build("l", "one"); other.Hash == r.Hash {
		t.Error("another kernel, whose BTF differs, has the same test_progs")
	}
}

func TestTestProgsRefused(t *testing.T) {
	b := progsBench(t)
	for name, want := range map[string]string{
		"nothere": "has no " + bpfSelftestsDir + "/prog_tests/nothere.c",
		"../one":  "has no ",
		"light":   "it includes prog_one.lskel.h",
		"lost":    "it includes prog_lost.skel.h",
		"none":    "defines no test",
	} {
		err := CheckTestProgs(t.Context(), b.source(t), []string{"one", name})
		if !errors.Is(err, ErrTestProgs) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	if err := CheckTestProgs(t.Context(), b.source(t), []string{"one", "three"}); err != nil {
		t.Error(err)
	}
}
