// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/tree"
)

const (
	kselftestRecipe = "1"
	kselftestBytes  = 1 << 30
	// selftestsRoot holds the collections in a kernel tree, and kselftestRunner runs
	// installed ones.
	selftestsRoot   = "tools/testing/selftests"
	kselftestRunner = "run_kselftest.sh"
)

// kselftestSources are the parts of a kernel tree that the collections are built from.
// The generator of ynl finds the top of the tree by MAINTAINERS, and loops without it.
var kselftestSources = []string{"Makefile", "Kbuild", "scripts", "include", "arch/x86", "usr", "tools", "Documentation/netlink", "MAINTAINERS"}

// KselftestOptions say which of the kernel's selftests to install. Source, Collections
// and Cache are required.
type KselftestOptions struct {
	// Source is a kernel tree.
	Source *tree.Source
	// Collections are directories of tools/testing/selftests: "net".
	Collections []string
	Cache       string
	Jobs        int
	Progress    progress.Func
}

// KselftestResult is an installed set of selftests in the cache.
type KselftestResult struct {
	// Dir is where make install put them. Hash identifies them by all inputs.
	Dir  string `json:"-"`
	Hash string `json:"hash"`
	// Runner is the kernel's own script that runs them.
	Runner string `json:"-"`
	// Tests are the names of all tests, COLLECTION:TEST.
	Tests []string `json:"-"`
	// Version is the kernel's.
	Version  string  `json:"version"`
	Compiler string  `json:"compiler"`
	Seconds  float64 `json:"seconds"`
	// Cached says that nothing had to be built.
	Cached bool `json:"-"`
}

// KselftestConfigs returns the paths of the configurations that a collection may have in a
// kernel tree, as make kselftest-merge looks for them.
func KselftestConfigs(collection string) []string {
	dir := selftestsRoot + "/" + collection + "/"
	return []string{dir + "config", dir + "config.x86_64"}
}

// Kselftest builds and installs collections of the kernel's selftests, as make
// -C tools/testing/selftests install does, or takes them from the cache. It
// fails if any test of a collection does not build. Errors are as for [Kernel].
func Kselftest(ctx context.Context, opt KselftestOptions) (*KselftestResult, error) {
	collections := slices.Compact(slices.Sorted(slices.Values(opt.Collections)))
	step := "install selftests " + strings.Join(collections, " ") + " " + opt.Source.Version
	ids, err := opt.Source.ObjectIDs(ctx, kselftestSources...)
	if err != nil {
		return nil, err
	}
	r := &KselftestResult{Version: opt.Source.Version}
	if r.Compiler, err = toolVersion(ctx, step, "gcc"); err != nil {
		return nil, err
	}
	// Some collections have BPF programs.
	clang, err := toolVersion(ctx, step, "clang")
	if err != nil {
		return nil, err
	}
	r.Hash = hashOf("kselftest", kselftestRecipe, strings.Join(collections, " "), strings.Join(ids, "\n"), r.Compiler, clang)
	r.Dir = filepath.Join(opt.Cache, "kselftest", r.Hash)
	r.Runner = filepath.Join(r.Dir, kselftestRunner)
	lookup := func() bool {
		if !readRecord(r.Dir, r, kselftestRunner, kselftestList) {
			return false
		}
		opt.Progress.Emit(progress.Event{Step: step, State: progress.Cached, Text: r.Hash})
		r.Version, r.Cached = opt.Source.Version, true
		return true
	}
	if lookup() {
		return r, r.list()
	}
	lock, err := cache.Acquire(ctx, filepath.Join(opt.Cache, "lock", "kselftest-"+r.Hash), step, opt.Progress)
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	if lookup() { // the run that this one waited for has built it
		return r, r.list()
	}
	if err := r.install(ctx, &opt, step, collections, lock.File()); err != nil {
		return nil, err
	}
	return r, r.list()
}

// install builds the collections in a copy of the sources.
func (r *KselftestResult) install(ctx context.Context, opt *KselftestOptions, step string, collections []string, hold *os.File) (err error) {
	start := time.Now()
	explain := func(err error) error {
		return cache.Explain(fmt.Errorf("%s: %w", step, err), opt.Cache, kselftestBytes)
	}
	work := filepath.Join(opt.Cache, "work", "kselftest-"+r.Hash)
	src, objects := filepath.Join(work, "src"), filepath.Join(work, "obj")
	log := work + ".log"
	// This run has the lock, so a killed run left the directory.
	if err := os.RemoveAll(work); err != nil {
		return explain(err)
	}
	for _, dir := range []string{src, objects} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return explain(err)
		}
	}
	if err := os.WriteFile(log, nil, 0o644); err != nil {
		return explain(err)
	}
	opt.Progress.Emit(progress.Event{Step: step, State: progress.Started, Log: log})
	defer func() {
		state := progress.Finished
		if err != nil {
			state = progress.Failed
		}
		opt.Progress.Emit(progress.Event{Step: step, State: state, Elapsed: time.Since(start), Log: log})
	}()
	if err := opt.Source.ExtractPaths(ctx, src, kselftestSources...); err != nil {
		return explain(err)
	}
	m := &makeRun{dir: work, env: buildEnv(), step: step, p: opt.Progress, log: log, hold: hold, needBytes: kselftestBytes}
	err = publish(r.Dir, r, kselftestBytes, func(tmp string) error {
		for _, args := range [][]string{
			{"-C", src, "O=" + objects, jobs(opt.Jobs), "headers"},
			{"-C", filepath.Join(src, selftestsRoot), "O=" + objects, jobs(opt.Jobs), "FORCE_TARGETS=1",
				"TARGETS=" + strings.Join(collections, " "), "KSFT_INSTALL_PATH=" + tmp, "install"},
		} {
			m.args = args
			if _, err := m.run(ctx); err != nil {
				return err
			}
		}
		r.Seconds = time.Since(start).Round(time.Millisecond).Seconds()
		return nil
	})
	if err != nil {
		return err
	}
	return os.RemoveAll(work)
}

// kselftestList is the file in which make install lists the tests.
const kselftestList = "kselftest-list.txt"

// list reads the names of the tests.
func (r *KselftestResult) list() error {
	data, err := os.ReadFile(filepath.Join(r.Dir, kselftestList))
	if err != nil {
		return fmt.Errorf("list selftests: %w", err)
	}
	r.Tests = strings.Fields(string(data))
	return nil
}
