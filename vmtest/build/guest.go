// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/proc"
	"xpsgen/vmtest/progress"
)

// GuestPackage is the guest's init.
const GuestPackage = "./vmtest/guest/init"

// GuestOptions say what to build for the guest. Root and Cache are required.
type GuestOptions struct {
	// Root is the workbench's directory, where go.mod is.
	Root string
	// Package is what to build; empty means [GuestPackage].
	Package string
	// Cache is the cache directory.
	Cache    string
	Progress progress.Func
}

// Guest builds a static program for the guest and returns its path, which
// stays the same from run to run. Go's own cache makes a second build cheap.
func Guest(ctx context.Context, opt GuestOptions) (path string, err error) {
	pkg := opt.Package
	if pkg == "" {
		pkg = GuestPackage
	}
	step := "build guest " + filepath.Base(pkg)
	path = filepath.Join(opt.Cache, "guest", hashOf(opt.Root)[:8], filepath.Base(pkg))
	lock, err := cache.Acquire(ctx, filepath.Join(opt.Cache, "lock", "guest-"+hashOf(path)[:8]), step, opt.Progress)
	if err != nil {
		return "", err
	}
	defer lock.Release()
	defer opt.Progress.Step(step, "")(&err)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", cache.Explain(fmt.Errorf("%s: %w", step, err), opt.Cache, 0)
	}
	// go leaves a file that is up to date alone, and renames what is not.
	c := &proc.Cmd{
		Args: []string{"go", "build", "-trimpath", "-buildvcs=false", "-o", path, pkg},
		Dir:  opt.Root,
		Env:  buildEnv(append(goDirs(opt.Cache), "CGO_ENABLED=0", "GOFLAGS=", "GOOS=linux")...),
	}
	if err := c.Run(ctx); err != nil {
		return "", guestError(ctx, step, opt.Cache, err)
	}
	return path, nil
}

// goDirs gives go directories in the cache where the environment names none that it
// can use, as in a service without a HOME or with one that does not exist.
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
