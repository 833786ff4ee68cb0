// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"xpsgen/vmtest/arch"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/tree"
)

const (
	bpftoolRecipe  = "1"
	bpftoolObjects = 70
	bpftoolBytes   = 40 << 20
)

// bpftoolSources are the parts of a kernel tree that bpftool is built from. A
// series that does not touch them causes no rebuild.
var bpftoolSources = []string{
	"tools/bpf/bpftool", "tools/lib", "tools/build", "tools/scripts", "tools/include", "tools/arch",
	"kernel/bpf/disasm.c", "kernel/bpf/disasm.h", "scripts/bpf_doc.py",
}

// bpftoolLibs are the libraries that bpftool is linked with.
var bpftoolLibs = []string{"libelf", "zlib"}

// bpftoolFeatures replace the results of the tree's feature detection, so that the
// build does not depend on the libraries of the machine.
const bpftoolFeatures = "feature-libelf=1\nfeature-zlib=1\n"

// bpftoolArgs leave out disassemblers, signatures and programs that would need
// the BTF of a kernel.
var bpftoolArgs = []string{"VMLINUX_BTF=", "SKIP_LLVM=1", "SKIP_LIBBFD=1", "SKIP_CRYPTO=1", "EXTRA_LDFLAGS=-s"}

// BpftoolOptions say which bpftool to build. Source and Cache are required.
type BpftoolOptions struct {
	// Source is a kernel tree.
	Source *tree.Source
	// Arch is the architecture; nil means amd64. The others are linked statically.
	Arch     *arch.Arch
	Cache    string
	Jobs     int
	Progress progress.Func
}

// BpftoolResult is a finished bpftool in the cache.
type BpftoolResult struct {
	// Dir holds it, Hash identifies it by all inputs.
	Dir  string `json:"-"`
	Hash string `json:"hash"`
	// Bpftool is the program. On amd64 it needs the machine's libelf and zlib.
	Bpftool string `json:"-"`
	// Version is the kernel's.
	Version  string   `json:"version"`
	Compiler string   `json:"compiler"`
	Libs     []string `json:"libs"`
	Seconds  float64  `json:"seconds"`
	// Cached says that nothing had to be built.
	Cached bool `json:"-"`
}

// Bpftool returns the bpftool of a kernel tree, and builds it if the cache
// lacks it. Errors are as for [Kernel].
func Bpftool(ctx context.Context, opt BpftoolOptions) (*BpftoolResult, error) {
	step := "build bpftool " + opt.Source.Version + suffix(opt.Arch)
	r := &BpftoolResult{Version: opt.Source.Version}
	var err error
	if r.Compiler, err = toolVersion(ctx, step, opt.Arch.Tool("gcc")); err != nil {
		return nil, err
	}
	var root *sysroot
	if opt.Arch.Cross() {
		if root, err = openSysroot(ctx, step, opt.Cache, opt.Arch, opt.Progress); err != nil {
			return nil, err
		}
		r.Libs = root.libs()
	} else if r.Libs, err = libVersions(ctx, step, bpftoolLibs); err != nil {
		return nil, err
	}
	ids, err := opt.Source.ObjectIDs(ctx, bpftoolSources...)
	if err != nil {
		return nil, err
	}
	parts := []string{"bpftool", bpftoolRecipe, strings.Join(ids, "\n"), r.Compiler, strings.Join(r.Libs, "\n")}
	if root != nil {
		parts = append(parts, "arch "+opt.Arch.Name)
	}
	r.Hash = hashOf(parts...)
	b := &programBuild{kind: "bpftool", file: "bpftool", hash: r.Hash, step: step, cache: opt.Cache,
		objects: bpftoolObjects, needBytes: bpftoolBytes, progress: opt.Progress, record: r, seconds: &r.Seconds}
	b.compile = func(ctx context.Context, m *makeRun) (string, error) {
		src, out, features := filepath.Join(m.dir, "src"), filepath.Join(m.dir, "out"), filepath.Join(m.dir, "features")
		for _, dir := range []string{src, out} {
			if err := os.Mkdir(dir, 0o755); err != nil {
				return "", b.explain(err)
			}
		}
		if err := os.WriteFile(features, []byte(bpftoolFeatures), 0o644); err != nil {
			return "", b.explain(err)
		}
		if err := opt.Source.ExtractPaths(ctx, src, bpftoolSources...); err != nil {
			return "", b.explain(err)
		}
		m.args = append([]string{"-C", filepath.Join(src, "tools/bpf/bpftool"), jobs(opt.Jobs),
			"OUTPUT=" + out + "/", "FEATURES_DUMP=" + features}, bpftoolArgs...)
		if root != nil {
			m.args = append(append(m.args, opt.Arch.MakeArgs()...),
				"EXTRA_CFLAGS=-O2 "+root.compile(), "EXTRA_LDFLAGS=-s "+root.link())
		}
		_, err := m.run(ctx)
		return filepath.Join(out, "bpftool"), err
	}
	r.Dir = b.dir()
	r.Bpftool = filepath.Join(r.Dir, b.file)
	if r.Cached, err = b.get(ctx); err != nil {
		return nil, err
	}
	r.Version = opt.Source.Version
	return r, nil
}
