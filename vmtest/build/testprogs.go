// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/lazyregexp"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/tree"
)

const (
	testProgsRecipe = "1"
	testProgsBytes  = 300 << 20
	testProgsName   = "test_progs"
	// bpfSelftestsDir holds test_progs in a kernel tree: its tests in progTests, their
	// BPF programs in progSources.
	bpfSelftestsDir = selftestsRoot + "/bpf"
	progTests       = "prog_tests"
	progSources     = "progs"
)

// testProgsSources are the parts of a kernel tree that test_progs is made of.
var testProgsSources = []string{
	"tools/bpf", "tools/lib", "tools/build", "tools/scripts", "tools/include", "tools/arch",
	selftestsRoot + "/lib.mk", selftestsRoot + "/kselftest", selftestsRoot + "/kselftest.h", bpfSelftestsDir,
	"kernel/bpf/disasm.c", "kernel/bpf/disasm.h", "scripts", "include",
}

// testProgsArgs leave out what only other tests need: programs and modules
// beside test_progs, the arena library, and the disassemblers. They also leave
// out skeletons that are signed, light or linked from several objects.
var testProgsArgs = []string{
	"TRUNNER_EXTRA_FILES=", "LINKED_SKELS=", "LSKELS=", "LSKELS_SIGNED=", "LSKELS_EXTRA=",
	"LIBARENA_SKEL=", "LIBARENA_ASAN_SKEL=", "CLANG_HAS_ARENA_ASAN=",
	"SKIP_LLVM=1", "SKIP_LIBBFD=1", "SKIP_CRYPTO=1", "SKIP_DOCS=1", testProgsName,
}

// ErrTestProgs is wrapped by the error about a test of selftests/bpf that does not exist,
// or that cannot be built by itself.
var ErrTestProgs = errors.New("not a test of selftests/bpf that can be built by itself")

// TestProgsOptions say which tests of selftests/bpf to build. All but Jobs and Progress are
// required.
type TestProgsOptions struct {
	// Source is a kernel tree.
	Source *tree.Source
	// Tests are names of files in prog_tests, without ".c": "xps".
	Tests []string
	// Kernel has the BTF that the BPF programs are compiled with.
	Kernel   *KernelResult
	Cache    string
	Jobs     int
	Progress progress.Func
}

// TestProgsResult is test_progs in the cache.
type TestProgsResult struct {
	// Dir holds it, Hash identifies it by all that made it.
	Dir  string `json:"-"`
	Hash string `json:"hash"`
	// Program is test_progs with the chosen tests alone. It needs the machine's libelf
	// and zlib.
	Program string `json:"-"`
	// Tests are the names of the tests in the chosen files.
	Tests []string `json:"-"`
	// Version is the kernel's.
	Version  string  `json:"version"`
	Compiler string  `json:"compiler"`
	Seconds  float64 `json:"seconds"`
	// Cached says that nothing had to be built.
	Cached bool `json:"-"`
}

var (
	// progTest is how the kernel's Makefile finds the tests in a file.
	progTest = lazyregexp.New(`(?m)^void (?:serial_)?test_(\w+)\((?:void)?\)`)
	// skeletonInclude is an include of a file that bpftool generates.
	skeletonInclude = lazyregexp.New(`(?m)^\s*#\s*include\s+"(\w+)\.(l?skel|subskel)\.h"`)
)

// progFiles are the sources of the chosen tests.
type progFiles struct {
	// tests are the names that test_progs gives to them, programs the files in progs.
	tests, programs []string
}

// CheckTestProgs reports a test that cannot be built by itself. It needs no kernel.
func CheckTestProgs(ctx context.Context, src *tree.Source, tests []string) error {
	_, err := readProgTests(ctx, src, tests)
	return err
}

// readProgTests reads the sources of the tests.
func readProgTests(ctx context.Context, src *tree.Source, tests []string) (*progFiles, error) {
	var f progFiles
	for _, name := range tests {
		path := bpfSelftestsDir + "/" + progTests + "/" + name + ".c"
		ids, err := src.ObjectIDs(ctx, path)
		if err != nil {
			return nil, err
		}
		if ids[0] == "-" || name != filepath.Base(name) {
			return nil, fmt.Errorf("%s: %w: %s has no %s", name, ErrTestProgs, src.Name(), path)
		}
		text, err := src.Show(ctx, path)
		if err != nil {
			return nil, err
		}
		defined := progTest.FindAllSubmatch(text, -1)
		if len(defined) == 0 {
			return nil, fmt.Errorf("%s: %w: %s defines no test", name, ErrTestProgs, path)
		}
		for _, m := range defined {
			f.tests = append(f.tests, string(m[1]))
		}
		for _, m := range skeletonInclude.FindAllSubmatch(text, -1) {
			program := bpfSelftestsDir + "/" + progSources + "/" + string(m[1]) + ".c"
			ids, err := src.ObjectIDs(ctx, program)
			if err != nil {
				return nil, err
			}
			if string(m[2]) != "skel" || ids[0] == "-" {
				return nil, fmt.Errorf("%s: %w: it includes %s.%s.h, which is not the skeleton of one program", name, ErrTestProgs, m[1], m[2])
			}
			f.programs = append(f.programs, string(m[1])+".c")
		}
	}
	slices.Sort(f.tests)
	return &f, nil
}

// TestProgs builds test_progs of selftests/bpf with only the chosen tests, by
// the kernel's own Makefile, or takes it from the cache. Building all tests
// takes hours. Errors are as for [Kernel], or wrap [ErrTestProgs].
func TestProgs(ctx context.Context, opt TestProgsOptions) (*TestProgsResult, error) {
	step := "build " + testProgsName + " " + opt.Source.Version
	files, err := readProgTests(ctx, opt.Source, opt.Tests)
	if err != nil {
		return nil, err
	}
	ids, err := opt.Source.ObjectIDs(ctx, testProgsSources...)
	if err != nil {
		return nil, err
	}
	r := &TestProgsResult{Version: opt.Source.Version}
	if r.Compiler, err = toolVersion(ctx, step, "gcc"); err != nil {
		return nil, err
	}
	clang, err := toolVersion(ctx, step, "clang")
	if err != nil {
		return nil, err
	}
	r.Hash = hashOf(testProgsName, testProgsRecipe, strings.Join(opt.Tests, " "), strings.Join(ids, "\n"),
		strings.Join(testProgsArgs, " "), opt.Kernel.Hash, r.Compiler, clang)
	b := &programBuild{kind: "testprogs", file: testProgsName, hash: r.Hash, step: step, cache: opt.Cache,
		needBytes: testProgsBytes, progress: opt.Progress, record: r, seconds: &r.Seconds}
	b.compile = func(ctx context.Context, m *makeRun) (string, error) {
		src := filepath.Join(m.dir, "src")
		if err := os.Mkdir(src, 0o755); err != nil {
			return "", b.explain(err)
		}
		if err := opt.Source.ExtractPaths(ctx, src, testProgsSources...); err != nil {
			return "", b.explain(err)
		}
		dir := filepath.Join(src, bpfSelftestsDir)
		var tests []string
		for _, t := range opt.Tests {
			tests = append(tests, t+".c")
		}
		// The Makefile builds each source that it finds.
		if err := keepOnly(filepath.Join(dir, progTests), tests); err != nil {
			return "", b.explain(err)
		}
		if err := keepOnly(filepath.Join(dir, progSources), files.programs); err != nil {
			return "", b.explain(err)
		}
		m.args = append([]string{"-C", dir, jobs(opt.Jobs), "VMLINUX_BTF=" + opt.Kernel.Vmlinux}, testProgsArgs...)
		if _, err := m.run(ctx); err != nil {
			return "", err
		}
		return filepath.Join(dir, testProgsName), nil
	}
	r.Dir = b.dir()
	r.Program = filepath.Join(r.Dir, b.file)
	if r.Cached, err = b.get(ctx); err != nil {
		return nil, err
	}
	r.Version, r.Tests = opt.Source.Version, files.tests
	return r, nil
}

// keepOnly removes the C files of dir that are not listed.
func keepOnly(dir string, keep []string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".c" || slices.Contains(keep, e.Name()) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
