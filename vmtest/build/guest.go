// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/arch"
	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/proc"
	"xpsgen/vmtest/progress"
)

// GuestPackage is the guest's init.
const GuestPackage = "./vmtest/guest/init"

// GuestOptions select a program to build for the guest. Root and Cache are required.
type GuestOptions struct {
	// Root is the workbench's directory, where go.mod is.
	Root string
	// Package is the package to build; empty means [GuestPackage].
	Package string
	// Arch is the architecture; nil means amd64.
	Arch *arch.Arch
	// Cache is the cache directory.
	Cache    string
	Progress progress.Func
}

// guestDirs have all sources of the guest's programs, apart from other modules, which
// go.sum pins.
var guestDirs = []string{"go.mod", "go.sum", "bpf", "uapi", "vmtest/guest", "vmtest/ktap", "vmtest/lazyregexp", "vmtest/plan"}

// keepGuests is how many builds of all programs together stay in the cache.
const keepGuests = 16

// Guest returns the path of a static program for the guest. It finds the
// program in the cache by the hash of its sources and the version of go, or
// builds it.
func Guest(ctx context.Context, opt GuestOptions) (path string, err error) {
	pkg := opt.Package
	if pkg == "" {
		pkg = GuestPackage
	}
	name := filepath.Base(pkg)
	step := "build guest " + name + suffix(opt.Arch)
	version, err := toolVersion(ctx, step, "go", "version")
	if err != nil {
		return "", err
	}
	sum, err := sourceSum(opt.Root, guestDirs)
	if err != nil {
		return "", fmt.Errorf("%s: %w", step, err)
	}
	parts := []string{"guest", pkg, version, sum}
	env := []string{"CGO_ENABLED=0", "GOFLAGS=", "GOOS=linux"}
	if opt.Arch.Cross() {
		parts = append(parts, "arch "+opt.Arch.Name)
		env = append(env, "GOARCH="+opt.Arch.Name)
	}
	dir := filepath.Join(opt.Cache, "guest", hashOf(parts...))
	path = filepath.Join(dir, name)
	if _, err := os.Stat(path); err == nil {
		now := time.Now()
		_ = os.Chtimes(dir, now, now) // only the order of pruning depends on it
		opt.Progress.Emit(progress.Event{Step: step, State: progress.Cached})
		return path, nil
	}
	lock, err := cache.Acquire(ctx, filepath.Join(opt.Cache, "lock", "guest-"+filepath.Base(dir)[:8]), step, opt.Progress)
	if err != nil {
		return "", err
	}
	defer lock.Release()
	defer opt.Progress.Step(step, "")(&err)
	err = cache.Publish(dir, func(tmp string) error {
		c := &proc.Cmd{
			Args: []string{"go", "build", "-trimpath", "-buildvcs=false", "-o", filepath.Join(tmp, name), pkg},
			Dir:  opt.Root,
			Env:  buildEnv(append(goDirs(opt.Cache), env...)...),
		}
		return c.Run(ctx)
	})
	if err != nil {
		return "", guestError(ctx, step, opt.Cache, err)
	}
	return path, cache.PruneDir(filepath.Dir(dir), keepGuests)
}

// sourceSum hashes the sources below the given files and directories of root, if they
// exist.
func sourceSum(root string, names []string) (string, error) {
	h := sha256.New()
	for _, name := range names {
		err := filepath.WalkDir(filepath.Join(root, name), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || strings.HasSuffix(path, "_test.go") {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(root, path)
			fmt.Fprintf(h, "%q %d\n", rel, len(data))
			h.Write(data)
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("hash the sources: %w", err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// goDirs returns variables for directories of go in the cache, unless the
// environment names directories that go can use. A service may have no HOME, or
// one that does not exist.
func goDirs(cacheDir string) (env []string) {
	home := os.Getenv("HOME")
	if os.Getenv("GOCACHE") == "" && os.Getenv("XDG_CACHE_HOME") == "" && (home == "" || unix.Access(home, unix.W_OK) != nil) {
		env = append(env, "GOCACHE="+filepath.Join(cacheDir, "go-build"))
	}
	if os.Getenv("GOMODCACHE") == "" && os.Getenv("GOPATH") == "" && (home == "" || unix.Access(home, unix.F_OK) != nil) {
		env = append(env, "GOPATH="+filepath.Join(cacheDir, "go"))
	}
	return env
}

func guestError(ctx context.Context, step, dir string, err error) error {
	var perr *proc.Error
	if ctx.Err() != nil || !errors.As(err, &perr) || cache.DiskFull(err) {
		return cache.Explain(fmt.Errorf("%s: %w", step, err), dir, 0)
	}
	if perr.ExitCode < 0 {
		return &BreakdownError{Step: step, Err: err, Log: "none",
			Cause: perr.Err.Error(), Remedy: "is go in PATH, and is there memory left?"}
	}
	lines := strings.Split(strings.TrimSpace(perr.Stderr), "\n")
	return &CompileError{Step: step, Lines: lines[:min(len(lines), maxLines)], Log: "none", Err: err}
}
