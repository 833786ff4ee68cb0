// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/tree"
)

const (
	bpftoolRecipe  = "1"
	bpftoolObjects = 70
	bpftoolBytes   = 40 << 20
)

// bpftoolSources are the parts of a kernel tree that bpftool is made of. A
// series that leaves them alone leaves it alone.
var bpftoolSources = []string{
	"tools/bpf/bpftool", "tools/lib", "tools/build", "tools/scripts", "tools/include", "tools/arch",
	"kernel/bpf/disasm.c", "kernel/bpf/disasm.h", "scripts/bpf_doc.py",
}

// bpftoolLibs are those that it is linked with.
var bpftoolLibs = []string{"libelf", "zlib"}

// bpftoolFeatures stand in for what the tree's own detection finds, so that
// what is built does not depend on what else the machine has.
const bpftoolFeatures = "feature-libelf=1\nfeature-zlib=1\n"

// bpftoolArgs leave out disassemblers, signatures and programs that would need
// the BTF of a kernel.
var bpftoolArgs = []string{"VMLINUX_BTF=", "SKIP_LLVM=1", "SKIP_LIBBFD=1", "SKIP_CRYPTO=1", "EXTRA_LDFLAGS=-s"}

// BpftoolOptions say which bpftool to build. Source and Cache are required.
type BpftoolOptions struct {
	// Source is a kernel tree.
	Source   *tree.Source
	Cache    string
	Jobs     int
	Progress progress.Func
}

// BpftoolResult is a finished bpftool in the cache.
type BpftoolResult struct {
	// Dir holds it, Hash identifies it by all that made it.
	Dir  string `json:"-"`
	Hash string `json:"hash"`
	// Bpftool is the program. It needs the machine's libelf and zlib.
	Bpftool string `json:"-"`
	// Version is the kernel's.
	Version  string   `json:"version"`
	Compiler string   `json:"compiler"`
	Libs     []string `json:"libs"`
	Seconds  float64  `json:"seconds"`
	// Cached says that nothing had to be built.
	Cached bool `json:"-"`
}

// Bpftool returns the bpftool of a kernel tree, from the cache if it is there.
// Errors are as for [Kernel].
func Bpftool(ctx context.Context, opt BpftoolOptions) (*BpftoolResult, error) {
	step := "build bpftool " + opt.Source.Version
	r := &BpftoolResult{Version: opt.Source.Version}
	var err error
	if r.Compiler, err = toolVersion(ctx, step, "gcc"); err != nil {
		return nil, err
	}
	if r.Libs, err = libVersions(ctx, step, bpftoolLibs); err != nil {
		return nil, err
	}
	ids, err := opt.Source.ObjectIDs(ctx, bpftoolSources...)
	if err != nil {
		return nil, err
	}
	r.Hash = hashOf("bpftool", bpftoolRecipe, strings.Join(ids, "\n"), r.Compiler, strings.Join(r.Libs, "\n"))
	r.Dir = filepath.Join(opt.Cache, "bpftool", r.Hash)
	r.Bpftool = filepath.Join(r.Dir, "bpftool")
	cached := func() bool {
		version := r.Version
		if !readRecord(r.Dir, r, "bpftool") {
			return false
		}
		r.Version, r.Cached = version, true
		opt.Progress.Emit(progress.Event{Step: step, State: progress.Cached, Text: r.Hash})
		return true
	}
	if cached() {
		return r, nil
	}
	lock, err := cache.Acquire(ctx, filepath.Join(opt.Cache, "lock", "bpftool-"+r.Hash), step, opt.Progress)
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	if cached() {
		return r, nil
	}
	if err := buildBpftool(ctx, &opt, step, lock.File(), r); err != nil {
		return nil, err
	}
	return r, nil
}

// buildBpftool builds in a copy of the sources it needs, so that no working
// tree has to be waited for.
func buildBpftool(ctx context.Context, opt *BpftoolOptions, step string, hold *os.File, r *BpftoolResult) (err error) {
	start := time.Now()
	work := filepath.Join(opt.Cache, "work", "bpftool-"+r.Hash)
	log := work + ".log"
	opt.Progress.Emit(progress.Event{Step: step, State: progress.Started, Total: bpftoolObjects, Unit: "objects", Log: log})
	defer func() {
		state := progress.Finished
		if err != nil {
			state = progress.Failed
		}
		opt.Progress.Emit(progress.Event{Step: step, State: state, Elapsed: time.Since(start), Log: log})
	}()
	explain := func(err error) error {
		return cache.Explain(fmt.Errorf("%s: %w", step, err), opt.Cache, bpftoolBytes)
	}
	// The lock is ours, so this is what a killed run left.
	if err := os.RemoveAll(work); err != nil {
		return explain(err)
	}
	src, out := filepath.Join(work, "src"), filepath.Join(work, "out")
	for _, dir := range []string{src, out} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return explain(err)
		}
	}
	features := filepath.Join(work, "features")
	for name, text := range map[string]string{log: "", features: bpftoolFeatures} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return explain(err)
		}
	}
	if err := opt.Source.ExtractPaths(ctx, src, bpftoolSources...); err != nil {
		return explain(err)
	}
	m := makeRun{
		args: append([]string{"-C", filepath.Join(src, "tools/bpf/bpftool"), jobs(opt.Jobs),
			"OUTPUT=" + out + "/", "FEATURES_DUMP=" + features}, bpftoolArgs...),
		dir: work, env: buildEnv(), step: step, total: bpftoolObjects, p: opt.Progress, log: log,
		hold: hold, needBytes: bpftoolBytes,
	}
	if _, err := m.run(ctx); err != nil {
		return err
	}
	r.Seconds = time.Since(start).Round(time.Millisecond).Seconds()
	if err := publish(r.Dir, r, bpftoolBytes, func(tmp string) error {
		return copyFile(filepath.Join(tmp, "bpftool"), filepath.Join(out, "bpftool"))
	}); err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	return os.RemoveAll(work)
}
