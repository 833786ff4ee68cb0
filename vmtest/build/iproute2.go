// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/proc"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/tree"
)

const (
	iproute2Recipe  = "1"
	iproute2Objects = 110
	iproute2Bytes   = 40 << 20
)

// iproute2Libs are what iproute2's configure looks for on the machine. What is
// built depends on their versions.
var iproute2Libs = []string{"libbpf", "libelf", "libmnl", "libcap", "libselinux", "libtirpc", "zlib"}

// IPRoute2Options say which ip to build. Source and Cache are required.
type IPRoute2Options struct {
	Source   *tree.Source
	Cache    string
	Jobs     int
	Progress progress.Func
}

// IPRoute2Result is a finished ip in the cache.
type IPRoute2Result struct {
	// Dir holds the files, Hash identifies them by all that made them.
	Dir  string `json:"-"`
	Hash string `json:"hash"`
	// IP is the program. It needs the machine's own libraries.
	IP string `json:"-"`
	// Version is the base's, Commit the patched tree's.
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Tree    string `json:"tree"`
	Origin  string `json:"origin"`
	// Patches are the keys of the patches applied.
	Patches []string `json:"patches"`
	// Compiler is what it says about itself, Libs the libraries' versions.
	Compiler string   `json:"compiler"`
	Libs     []string `json:"libs"`
	Seconds  float64  `json:"seconds"`
	// Cached says that nothing had to be built.
	Cached bool `json:"-"`
}

// IPRoute2 returns the ip that opt describes, from the cache if it is there.
// Errors are as for [Kernel].
func IPRoute2(ctx context.Context, opt IPRoute2Options) (*IPRoute2Result, error) {
	step := "build ip " + opt.Source.Version
	r := &IPRoute2Result{Version: opt.Source.Version, Origin: opt.Source.Origin}
	var err error
	if r.Compiler, err = toolVersion(ctx, step, "gcc"); err != nil {
		return nil, err
	}
	if r.Libs, err = libVersions(ctx, step, iproute2Libs); err != nil {
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
	r.Hash = hashOf("iproute2", iproute2Recipe, r.Tree, r.Compiler, strings.Join(r.Libs, "\n"))
	r.Dir = filepath.Join(opt.Cache, "iproute2", r.Hash)
	r.IP = filepath.Join(r.Dir, "ip")
	cached := func() bool {
		commit, patches, version, origin := r.Commit, r.Patches, r.Version, r.Origin
		if !readRecord(r.Dir, r, "ip") {
			return false
		}
		r.Commit, r.Patches, r.Version, r.Origin, r.Cached = commit, patches, version, origin, true
		opt.Progress.Emit(progress.Event{Step: step, State: progress.Cached, Text: r.Hash})
		return true
	}
	if cached() {
		return r, nil
	}
	lock, err := cache.Acquire(ctx, filepath.Join(opt.Cache, "lock", "iproute2-"+r.Hash), step, opt.Progress)
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	if cached() {
		return r, nil
	}
	if err := buildIPRoute2(ctx, &opt, step, lock.File(), r); err != nil {
		return nil, err
	}
	return r, nil
}

// libVersions asks pkg-config for each library; one that is not there counts
// too, since configure then builds without it.
func libVersions(ctx context.Context, step string, libs []string) ([]string, error) {
	var all []string
	for _, lib := range libs {
		out, err := (&proc.Cmd{Args: []string{"pkg-config", "--modversion", lib}, Env: buildEnv()}).Output(ctx)
		var perr *proc.Error
		switch {
		case err == nil:
			all = append(all, lib+" "+strings.TrimSpace(string(out)))
		case errors.As(err, &perr) && perr.ExitCode > 0:
			all = append(all, lib+" -")
		case ctx.Err() != nil:
			return nil, err
		default:
			return nil, &BreakdownError{Step: step, Err: err, Log: "none",
				Cause: "a tool is missing: pkg-config", Remedy: "install it, or run xpsgen deps"}
		}
	}
	return all, nil
}

// buildIPRoute2 builds in a copy of its own: iproute2 builds within its source
// directory and does not know which objects depend on which headers.
func buildIPRoute2(ctx context.Context, opt *IPRoute2Options, step string, hold *os.File, r *IPRoute2Result) (err error) {
	start := time.Now()
	work := filepath.Join(opt.Cache, "work", "ip-"+r.Hash)
	log := work + ".log"
	opt.Progress.Emit(progress.Event{Step: step, State: progress.Started, Total: iproute2Objects, Unit: "objects", Log: log})
	defer func() {
		state := progress.Finished
		if err != nil {
			state = progress.Failed
		}
		opt.Progress.Emit(progress.Event{Step: step, State: state, Elapsed: time.Since(start), Log: log})
	}()
	// The lock is ours, so this is what a killed run left.
	if err := os.RemoveAll(work); err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	if err := os.MkdirAll(work, 0o755); err != nil {
		return cache.Explain(fmt.Errorf("%s: %w", step, err), opt.Cache, iproute2Bytes)
	}
	if err := os.WriteFile(log, nil, 0o644); err != nil {
		return cache.Explain(fmt.Errorf("%s: %w", step, err), opt.Cache, iproute2Bytes)
	}
	if err := opt.Source.Extract(ctx, work); err != nil {
		return cache.Explain(fmt.Errorf("%s: %w", step, err), work, iproute2Bytes)
	}
	m := makeRun{dir: work, env: buildEnv(), step: step, total: iproute2Objects, p: opt.Progress, log: log,
		hold: hold, needBytes: iproute2Bytes}
	// config.mk comes first: make lists it as a file to make, but reads it
	// while it decides what to do.
	for _, args := range [][]string{{"config.mk"}, {jobs(opt.Jobs), "SUBDIRS=lib ip"}} {
		m.args = args
		if _, err := m.run(ctx); err != nil {
			return err
		}
	}
	r.Seconds = time.Since(start).Round(time.Millisecond).Seconds()
	if err := publish(r.Dir, r, iproute2Bytes, func(tmp string) error {
		return copyFile(filepath.Join(tmp, "ip"), filepath.Join(work, "ip", "ip"))
	}); err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	return os.RemoveAll(work)
}
