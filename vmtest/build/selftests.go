// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/arch"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/tree"
)

const (
	selftestsRecipe = "1"
	selftestsBytes  = 150 << 20
	// selftestsDir holds the series' own selftest, SelftestName.
	selftestsDir = "tools/testing/selftests/net"
)

// SelftestName is the program that the series adds to the kernel's selftests.
const SelftestName = "xps_bpf"

// archSource in selftestsSources means the directory of the target architecture in arch.
const archSource = "arch/"

// selftestsSources are the parts of a kernel tree that its user space headers
// and the selftest are built from.
var selftestsSources = []string{
	"Makefile", "Kbuild", "scripts", "include", archSource, "usr", "tools/include", "tools/scripts",
	"tools/testing/selftests/lib.mk", "tools/testing/selftests/kselftest",
	"tools/testing/selftests/kselftest.h", "tools/testing/selftests/kselftest_harness.h", selftestsDir,
}

// SelftestsOptions say whose selftest to build. Source and Cache are required.
type SelftestsOptions struct {
	// Source is a kernel tree.
	Source *tree.Source
	// Arch is the architecture; nil means amd64. The others are linked statically.
	Arch     *arch.Arch
	Cache    string
	Jobs     int
	Progress progress.Func
}

// SelftestsResult is a selftest in the cache.
type SelftestsResult struct {
	// Dir holds it, Hash identifies it by all inputs.
	Dir  string `json:"-"`
	Hash string `json:"hash"`
	// Program is the test. On amd64 it needs the machine's C library.
	Program string `json:"-"`
	// Version is the kernel's.
	Version  string  `json:"version"`
	Compiler string  `json:"compiler"`
	Seconds  float64 `json:"seconds"`
	// Cached says that nothing had to be built.
	Cached bool `json:"-"`
}

// Selftests returns the series' selftest as the kernel's own Makefile builds it, and
// builds it if the cache lacks it. The result is nil if the tree lacks it, because a
// series is applied in part or not at all. Errors are as for [Kernel].
func Selftests(ctx context.Context, opt SelftestsOptions) (*SelftestsResult, error) {
	step := "build selftests " + opt.Source.Version + suffix(opt.Arch)
	sources := slices.Clone(selftestsSources)
	sources[slices.Index(sources, archSource)] += archOf(opt.Arch).Dir
	ids, err := opt.Source.ObjectIDs(ctx, append([]string{selftestsDir + "/" + SelftestName + ".c"}, sources...)...)
	if err != nil {
		return nil, err
	}
	if ids[0] == "-" {
		return nil, nil
	}
	r := &SelftestsResult{Version: opt.Source.Version}
	if r.Compiler, err = toolVersion(ctx, step, opt.Arch.Tool("gcc")); err != nil {
		return nil, err
	}
	parts := []string{"selftests", selftestsRecipe, strings.Join(ids, "\n"), r.Compiler}
	if opt.Arch.Cross() {
		parts = append(parts, "arch "+opt.Arch.Name)
	}
	r.Hash = hashOf(parts...)
	b := &programBuild{kind: "selftests", file: SelftestName, hash: r.Hash, step: step, cache: opt.Cache,
		needBytes: selftestsBytes, progress: opt.Progress, record: r, seconds: &r.Seconds}
	b.compile = func(ctx context.Context, m *makeRun) (string, error) {
		src, headers, out := filepath.Join(m.dir, "src"), filepath.Join(m.dir, "headers"), filepath.Join(m.dir, "out")
		for _, dir := range []string{src, headers, out} {
			if err := os.Mkdir(dir, 0o755); err != nil {
				return "", b.explain(err)
			}
		}
		if err := opt.Source.ExtractPaths(ctx, src, sources...); err != nil {
			return "", b.explain(err)
		}
		program := filepath.Join(out, SelftestName)
		if opt.Arch.Cross() {
			m.env = append(m.env, "LDFLAGS=-static")
		}
		for _, args := range [][]string{
			{"-C", src, "O=" + headers, jobs(opt.Jobs), "headers"},
			{"-C", filepath.Join(src, selftestsDir), "OUTPUT=" + out,
				"KHDR_INCLUDES=-isystem " + filepath.Join(headers, "usr", "include"), program},
		} {
			m.args = append(args, opt.Arch.MakeArgs()...)
			if _, err := m.run(ctx); err != nil {
				return "", err
			}
		}
		return program, nil
	}
	r.Dir = b.dir()
	r.Program = filepath.Join(r.Dir, b.file)
	if r.Cached, err = b.get(ctx); err != nil {
		return nil, err
	}
	r.Version = opt.Source.Version
	return r, nil
}
