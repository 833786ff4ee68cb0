// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"bytes"
	"context"
	"embed"
	"os"
	"path"
	"path/filepath"
	"strings"

	"xpsgen/vmtest/arch"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/tree"
)

const (
	ynlRecipe = "1"
	ynlBytes  = 60 << 20
	// ynlDir is the tree's generator, ynlSpec its input. In trees whose generator
	// does not support route netlink, the file has another name.
	ynlDir  = "tools/net/ynl"
	ynlSpec = "Documentation/netlink/specs/rt-link.yaml"
	// ynlSet is the set of attributes that the series adds to it.
	ynlSet = "name: xps-attrs"
	// ynlName is the program, and ynlName.c its source.
	ynlName = "ynl-xps"
)

// ynlSources are the parts of a kernel tree that the program needs. The generator finds
// the top of the tree by MAINTAINERS, and loops without it.
var ynlSources = []string{
	"MAINTAINERS", ynlDir, "tools/scripts", "Documentation/netlink", "include/uapi",
}

// ynlFiles are the program itself.
//
//go:embed ynl
var ynlFiles embed.FS

// YNLOptions select the tree with the specification and its generator. Source
// and Cache are required.
type YNLOptions struct {
	// Source is a kernel tree.
	Source *tree.Source
	// Arch is the architecture; nil means amd64. The others are linked statically.
	Arch     *arch.Arch
	Cache    string
	Jobs     int
	Progress progress.Func
}

// YNLResult is a program in the cache that reads RTM_GETLINK by code that is
// generated from the kernel's specification.
type YNLResult struct {
	// Dir holds it, Hash identifies it by all inputs.
	Dir  string `json:"-"`
	Hash string `json:"hash"`
	// Program takes the index of a link. On amd64 it needs the machine's C library.
	Program string `json:"-"`
	// Version is the kernel's.
	Version  string  `json:"version"`
	Compiler string  `json:"compiler"`
	Python   string  `json:"python"`
	Seconds  float64 `json:"seconds"`
	// Cached says that nothing had to be built.
	Cached bool `json:"-"`
}

// YNL returns the program, and builds it if the cache lacks it. The result is
// nil if the tree's generator does not support route netlink. It is also nil if
// the specification lacks XPS, since a series is applied in part or not at all.
// Errors are as for [Kernel].
func YNL(ctx context.Context, opt YNLOptions) (*YNLResult, error) {
	step := "build ynl " + opt.Source.Version + suffix(opt.Arch)
	ids, err := opt.Source.ObjectIDs(ctx, append([]string{ynlSpec}, ynlSources[1:]...)...)
	if err != nil {
		return nil, err
	}
	if ids[0] == "-" {
		return nil, nil
	}
	spec, err := opt.Source.Show(ctx, ynlSpec)
	if err != nil {
		return nil, err
	}
	if !bytes.Contains(spec, []byte(ynlSet)) {
		return nil, nil
	}
	r := &YNLResult{Version: opt.Source.Version}
	if r.Compiler, err = toolVersion(ctx, step, opt.Arch.Tool("gcc")); err != nil {
		return nil, err
	}
	if r.Python, err = toolVersion(ctx, step, "python3"); err != nil {
		return nil, err
	}
	own, err := ynlText()
	if err != nil {
		return nil, err
	}
	parts := []string{"ynl", ynlRecipe, strings.Join(ids, "\n"), own, r.Compiler, r.Python}
	if opt.Arch.Cross() {
		parts = append(parts, "arch "+opt.Arch.Name)
	}
	r.Hash = hashOf(parts...)
	b := &programBuild{kind: "ynl", file: ynlName, hash: r.Hash, step: step, cache: opt.Cache, needBytes: ynlBytes,
		progress: opt.Progress, record: r, seconds: &r.Seconds}
	b.compile = func(ctx context.Context, m *makeRun) (string, error) {
		dir := filepath.Join(m.dir, ynlDir, "xpsgen")
		if err := opt.Source.ExtractPaths(ctx, m.dir, ynlSources...); err != nil {
			return "", b.explain(err)
		}
		if err := ynlCopy(dir); err != nil {
			return "", b.explain(err)
		}
		m.args = []string{"-C", dir, jobs(opt.Jobs), ynlName}
		if opt.Arch.Cross() {
			m.args = append(m.args, "CC="+opt.Arch.Tool("gcc")+" -static", "AR="+opt.Arch.Tool("ar"))
		}
		_, err := m.run(ctx)
		return filepath.Join(dir, ynlName), err
	}
	r.Dir = b.dir()
	r.Program = filepath.Join(r.Dir, b.file)
	if r.Cached, err = b.get(ctx); err != nil {
		return nil, err
	}
	r.Version = opt.Source.Version
	return r, nil
}

// ynlText is all of the program's own files, for the hash.
func ynlText() (string, error) {
	var all []string
	err := eachYNLFile(func(name string, data []byte) error {
		all = append(all, name, string(data))
		return nil
	})
	return hashOf(all...), err
}

// ynlCopy puts the program's own files into dir, a new directory.
func ynlCopy(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return eachYNLFile(func(name string, data []byte) error {
		return os.WriteFile(filepath.Join(dir, name), data, 0o644)
	})
}

func eachYNLFile(do func(name string, data []byte) error) error {
	const dir = "ynl"
	entries, err := ynlFiles.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		data, err := ynlFiles.ReadFile(path.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		if err := do(e.Name(), data); err != nil {
			return err
		}
	}
	return nil
}
