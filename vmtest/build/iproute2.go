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
	iproute2Recipe  = "1"
	iproute2Objects = 110
	iproute2Bytes   = 40 << 20
)

// iproute2Libs are the libraries that iproute2's configure looks for. The
// result depends on their versions.
var iproute2Libs = []string{"libbpf", "libelf", "libmnl", "libcap", "libselinux", "libtirpc", "zlib"}

// IPRoute2Options say which ip to build. Source and Cache are required.
type IPRoute2Options struct {
	Source *tree.Source
	// Kernel is a kernel tree whose libbpf ip is linked with. Nil means the machine's
	// libbpf, if it has one.
	Kernel *tree.Source
	// Arch is the architecture; nil means amd64. The others are linked statically with the
	// libbpf of Debian.
	Arch *arch.Arch
	// NoLibbpf builds ip without libbpf.
	NoLibbpf bool
	Cache    string
	Jobs     int
	Progress progress.Func
}

// IPRoute2Result is a finished ip in the cache.
type IPRoute2Result struct {
	// Dir holds the files, Hash identifies them by all inputs.
	Dir  string `json:"-"`
	Hash string `json:"hash"`
	// IP is the program. On amd64 it needs the machine's own libraries.
	IP string `json:"-"`
	// Version is the version of the base. Commit is the commit of the patched tree.
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Tree    string `json:"tree"`
	Origin  string `json:"origin"`
	// Patches are the keys of the patches applied.
	Patches []string `json:"patches"`
	// Compiler is the compiler's version line. Libs are the versions of the
	// libraries.
	Compiler string   `json:"compiler"`
	Libs     []string `json:"libs"`
	Seconds  float64  `json:"seconds"`
	// Cached says that nothing had to be built.
	Cached bool `json:"-"`
}

// IPRoute2 returns the ip that opt describes, and builds it if the cache lacks
// it. Errors are as for [Kernel].
func IPRoute2(ctx context.Context, opt IPRoute2Options) (*IPRoute2Result, error) {
	step := "build ip " + opt.Source.Version + suffix(opt.Arch)
	r := &IPRoute2Result{Version: opt.Source.Version, Origin: opt.Source.Origin}
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
	} else if r.Libs, err = libVersions(ctx, step, iproute2Libs); err != nil {
		return nil, err
	}
	if r.Tree, err = opt.Source.TreeID(ctx); err != nil {
		return nil, err
	}
	if r.Commit, err = opt.Source.Commit(ctx); err != nil {
		return nil, err
	}
	for _, p := range opt.Source.Patches {
		r.Patches = append(r.Patches, p.Key)
	}
	parts := []string{"iproute2", iproute2Recipe, r.Tree, r.Compiler, strings.Join(r.Libs, "\n")}
	if root != nil {
		parts = append(parts, "arch "+opt.Arch.Name)
	}
	switch {
	case opt.NoLibbpf:
		step += " without libbpf"
		parts = append(parts, "no libbpf")
	case opt.Kernel != nil:
		step += " with libbpf of Linux " + opt.Kernel.Version
		ids, err := opt.Kernel.ObjectIDs(ctx, libbpfSources...)
		if err != nil {
			return nil, err
		}
		parts = append(parts, ids...)
	}
	r.Hash = hashOf(parts...)
	b := &programBuild{kind: "iproute2", file: "ip", hash: r.Hash, step: step, cache: opt.Cache,
		objects: iproute2Objects, needBytes: iproute2Bytes, progress: opt.Progress, record: r, seconds: &r.Seconds}
	// All of the sources are copied: iproute2 builds within its source directory
	// and does not know which objects depend on which headers.
	b.compile = func(ctx context.Context, m *makeRun) (string, error) {
		if err := opt.Source.Extract(ctx, m.dir); err != nil {
			return "", b.explain(err)
		}
		switch {
		case opt.NoLibbpf:
			m.env = append(m.env, "LIBBPF_FORCE=off")
		case opt.Kernel != nil:
			dir, err := libbpf(ctx, m, b, opt.Kernel, jobs(opt.Jobs))
			if err != nil {
				return "", err
			}
			m.env = append(m.env, "LIBBPF_FORCE=on", "LIBBPF_DIR="+dir)
		}
		var flags []string
		if root != nil {
			m.env = append(m.env, root.env()...)
			// configure passes only CC to the compiler of its test
			// programs.
			flags = []string{"CC=" + strings.Join([]string{opt.Arch.Tool("gcc"), root.compile(), root.link()}, " "),
				"AR=" + opt.Arch.Tool("ar"), "SHARED_LIBS=n"}
		}
		// Make config.mk in a first run: the makefile includes it before it
		// can make it.
		for _, args := range [][]string{{"config.mk"}, {jobs(opt.Jobs), "SUBDIRS=lib ip"}} {
			m.args = append(args, flags...)
			if _, err := m.run(ctx); err != nil {
				return "", err
			}
		}
		return filepath.Join(m.dir, "ip", "ip"), nil
	}
	r.Dir = b.dir()
	r.IP = filepath.Join(r.Dir, b.file)
	// The cached result may have been built from other patches with the same result.
	commit, patches := r.Commit, r.Patches
	if r.Cached, err = b.get(ctx); err != nil {
		return nil, err
	}
	r.Commit, r.Patches, r.Version, r.Origin = commit, patches, opt.Source.Version, opt.Source.Origin
	return r, nil
}

// libbpfSources are the parts of a kernel tree that libbpf is built from.
var libbpfSources = []string{"tools/lib", "tools/build", "tools/scripts", "tools/include", "tools/arch", "scripts/bpf_doc.py"}

// libbpf builds the libbpf of a kernel tree in m.dir and returns the directory for
// LIBBPF_DIR of iproute2's configure.
func libbpf(ctx context.Context, m *makeRun, b *programBuild, kernel *tree.Source, jobs string) (string, error) {
	src, out := filepath.Join(m.dir, "linux"), filepath.Join(m.dir, "libbpf")
	for _, dir := range []string{src, out} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return "", b.explain(err)
		}
	}
	if err := kernel.ExtractPaths(ctx, src, libbpfSources...); err != nil {
		return "", b.explain(err)
	}
	m.args = []string{"-C", filepath.Join(src, "tools/lib/bpf"), jobs, "OUTPUT=" + out + "/", "DESTDIR=" + out, "prefix=/usr", "install"}
	_, err := m.run(ctx)
	return out, err
}
