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
	selftestsRecipe = "1"
	selftestsBytes  = 150 << 20
	// selftestsDir holds the series' own selftest, SelftestName.
	selftestsDir = "tools/testing/selftests/net"
)

// SelftestName is the program that the series adds to the kernel's selftests.
const SelftestName = "xps_bpf"

// selftestsSources are the parts of a kernel tree that its user space headers
// and the selftest are made of.
var selftestsSources = []string{
	"Makefile", "Kbuild", "scripts", "include", "arch/x86", "usr", "tools/include", "tools/scripts",
	"tools/testing/selftests/lib.mk", "tools/testing/selftests/kselftest",
	"tools/testing/selftests/kselftest.h", "tools/testing/selftests/kselftest_harness.h", selftestsDir,
}

// SelftestsOptions say whose selftest to build. Source and Cache are required.
type SelftestsOptions struct {
	// Source is a kernel tree.
	Source   *tree.Source
	Cache    string
	Jobs     int
	Progress progress.Func
}

// SelftestsResult is a selftest in the cache.
type SelftestsResult struct {
	// Dir holds it, Hash identifies it by all that made it.
	Dir  string `json:"-"`
	Hash string `json:"hash"`
	// Program is the test. It needs the machine's C library.
	Program string `json:"-"`
	// Version is the kernel's.
	Version  string  `json:"version"`
	Compiler string  `json:"compiler"`
	Seconds  float64 `json:"seconds"`
	// Cached says that nothing had to be built.
	Cached bool `json:"-"`
}

// Selftests returns the series' selftest as the kernel's own Makefile builds it,
// from the cache if it is there. A tree without it, because a series is applied
// in part or not at all, has none: the result is nil. Errors are as for
// [Kernel].
func Selftests(ctx context.Context, opt SelftestsOptions) (*SelftestsResult, error) {
	step := "build selftests " + opt.Source.Version
	ids, err := opt.Source.ObjectIDs(ctx, append([]string{selftestsDir + "/" + SelftestName + ".c"}, selftestsSources...)...)
	if err != nil {
		return nil, err
	}
	if ids[0] == "-" {
		return nil, nil
	}
	r := &SelftestsResult{Version: opt.Source.Version}
	if r.Compiler, err = toolVersion(ctx, step, "gcc"); err != nil {
		return nil, err
	}
	r.Hash = hashOf("selftests", selftestsRecipe, strings.Join(ids, "\n"), r.Compiler)
	r.Dir = filepath.Join(opt.Cache, "selftests", r.Hash)
	r.Program = filepath.Join(r.Dir, SelftestName)
	cached := func() bool {
		version := r.Version
		if !readRecord(r.Dir, r, SelftestName) {
			return false
		}
		r.Version, r.Cached = version, true
		opt.Progress.Emit(progress.Event{Step: step, State: progress.Cached, Text: r.Hash})
		return true
	}
	if cached() {
		return r, nil
	}
	lock, err := cache.Acquire(ctx, filepath.Join(opt.Cache, "lock", "selftests-"+r.Hash), step, opt.Progress)
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	if cached() {
		return r, nil
	}
	if err := buildSelftests(ctx, &opt, step, lock.File(), r); err != nil {
		return nil, err
	}
	return r, nil
}

// buildSelftests builds in a copy of the sources it needs, so that it does not
// wait for the kernel's build in the working tree.
func buildSelftests(ctx context.Context, opt *SelftestsOptions, step string, hold *os.File, r *SelftestsResult) (err error) {
	start := time.Now()
	work := filepath.Join(opt.Cache, "work", "selftests-"+r.Hash)
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
		return cache.Explain(fmt.Errorf("%s: %w", step, err), opt.Cache, selftestsBytes)
	}
	// The lock is ours, so this is what a killed run left.
	if err := os.RemoveAll(work); err != nil {
		return explain(err)
	}
	src, headers, out := filepath.Join(work, "src"), filepath.Join(work, "headers"), filepath.Join(work, "out")
	for _, dir := range []string{src, headers, out} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return explain(err)
		}
	}
	if err := os.WriteFile(log, nil, 0o644); err != nil {
		return explain(err)
	}
	if err := opt.Source.ExtractPaths(ctx, src, selftestsSources...); err != nil {
		return explain(err)
	}

	program := filepath.Join(out, SelftestName)
	m := makeRun{dir: work, env: buildEnv(), step: step, p: opt.Progress, log: log, hold: hold, needBytes: selftestsBytes}
	for _, args := range [][]string{
		{"-C", src, "O=" + headers, jobs(opt.Jobs), "headers"},
		{"-C", filepath.Join(src, selftestsDir), "OUTPUT=" + out,
			"KHDR_INCLUDES=-isystem " + filepath.Join(headers, "usr", "include"), program},
	} {
		m.args = args
		if _, err := m.run(ctx); err != nil {
			return err
		}
	}
	r.Seconds = time.Since(start).Round(time.Millisecond).Seconds()
	if err := publish(r.Dir, r, selftestsBytes, func(tmp string) error {
		return copyFile(filepath.Join(tmp, SelftestName), program)
	}); err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	return os.RemoveAll(work)
}
