// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/tree"
)

const (
	ynlRecipe = "1"
	ynlBytes  = 60 << 20
	// ynlDir is the tree's generator, ynlSpec what is generated from. Trees
	// whose generator makes no C for route netlink spell the name of the file
	// otherwise.
	ynlDir  = "tools/net/ynl"
	ynlSpec = "Documentation/netlink/specs/rt-link.yaml"
	// ynlSet is the set of attributes that the series adds to it.
	ynlSet = "name: xps-attrs"
	// ynlName is the program, and ynlName.c its source.
	ynlName = "ynl-xps"
)

// ynlSources are the parts of a kernel tree that the program is made of. The
// generator knows the top of the tree by MAINTAINERS, and without looks for it
// for ever.
var ynlSources = []string{
	"MAINTAINERS", ynlDir, "tools/scripts", "Documentation/netlink", "include/uapi",
}

// ynlFiles are the program itself.
//
//go:embed ynl
var ynlFiles embed.FS

// YNLOptions say of which tree to take the specification and its generator.
// Source and Cache are required.
type YNLOptions struct {
	// Source is a kernel tree.
	Source   *tree.Source
	Cache    string
	Jobs     int
	Progress progress.Func
}

// YNLResult is a program in the cache that reads RTM_GETLINK by code that is
// generated from the kernel's specification.
type YNLResult struct {
	// Dir holds it, Hash identifies it by all that made it.
	Dir  string `json:"-"`
	Hash string `json:"hash"`
	// Program takes the index of a link. It needs the machine's C library.
	Program string `json:"-"`
	// Version is the kernel's.
	Version  string  `json:"version"`
	Compiler string  `json:"compiler"`
	Python   string  `json:"python"`
	Seconds  float64 `json:"seconds"`
	// Cached says that nothing had to be built.
	Cached bool `json:"-"`
}

// YNL returns the program, from the cache if it is there. A tree has none whose
// generator cannot make C of route netlink, or whose specification lacks XPS
// because a series is applied in part or not at all: the result is nil. Errors
// are as for [Kernel].
func YNL(ctx context.Context, opt YNLOptions) (*YNLResult, error) {
	step := "build ynl " + opt.Source.Version
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
	if r.Compiler, err = toolVersion(ctx, step, "gcc"); err != nil {
		return nil, err
	}
	if r.Python, err = toolVersion(ctx, step, "python3"); err != nil {
		return nil, err
	}
	own, err := ynlText()
	if err != nil {
		return nil, err
	}
	r.Hash = hashOf("ynl", ynlRecipe, strings.Join(ids, "\n"), own, r.Compiler, r.Python)
	r.Dir = filepath.Join(opt.Cache, "ynl", r.Hash)
	r.Program = filepath.Join(r.Dir, ynlName)
	cached := func() bool {
		version := r.Version
		if !readRecord(r.Dir, r, ynlName) {
			return false
		}
		r.Version, r.Cached = version, true
		opt.Progress.Emit(progress.Event{Step: step, State: progress.Cached, Text: r.Hash})
		return true
	}
	if cached() {
		return r, nil
	}
	lock, err := cache.Acquire(ctx, filepath.Join(opt.Cache, "lock", "ynl-"+r.Hash), step, opt.Progress)
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	if cached() {
		return r, nil
	}
	if err := buildYNL(ctx, &opt, step, lock.File(), r); err != nil {
		return nil, err
	}
	return r, nil
}

// buildYNL builds in a copy of the sources it needs, as [Bpftool] does.
func buildYNL(ctx context.Context, opt *YNLOptions, step string, hold *os.File, r *YNLResult) (err error) {
	start := time.Now()
	work := filepath.Join(opt.Cache, "work", "ynl-"+r.Hash)
	log := work + ".log"
	opt.Progress.Emit(progress.Event{Step: step, State: progress.Started, Log: log})
	defer func() {
		state := progress.Finished
		if err != nil {
			state = progress.Failed
		}
		opt.Progress.Emit(progress.Event{Step: step, State: state, Elapsed: time.Since(start), Log: log})
	}()
	explain := func(err error) error {
		return cache.Explain(fmt.Errorf("%s: %w", step, err), opt.Cache, ynlBytes)
	}
	// The lock is ours, so this is what a killed run left.
	if err := os.RemoveAll(work); err != nil {
		return explain(err)
	}
	src := filepath.Join(work, "src")
	dir := filepath.Join(src, ynlDir, "xpsgen")
	if err := os.MkdirAll(src, 0o755); err != nil {
		return explain(err)
	}
	if err := os.WriteFile(log, nil, 0o644); err != nil {
		return explain(err)
	}
	if err := opt.Source.ExtractPaths(ctx, src, ynlSources...); err != nil {
		return explain(err)
	}
	if err := ynlCopy(dir); err != nil {
		return explain(err)
	}
	m := makeRun{args: []string{"-C", dir, jobs(opt.Jobs), ynlName}, dir: work, env: buildEnv(), step: step,
		p: opt.Progress, log: log, hold: hold, needBytes: ynlBytes}
	if _, err := m.run(ctx); err != nil {
		return err
	}
	r.Seconds = time.Since(start).Round(time.Millisecond).Seconds()
	if err := publish(r.Dir, r, ynlBytes, func(tmp string) error {
		return copyFile(filepath.Join(tmp, ynlName), filepath.Join(dir, ynlName))
	}); err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	return os.RemoveAll(work)
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
