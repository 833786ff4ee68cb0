// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/tree"
)

const (
	headersRecipe = "1"
	headersBytes  = 40 << 20
)

// HeadersOptions select the headers to make. Source and Cache are required.
type HeadersOptions struct {
	Source *tree.Source
	// Arch is the target as the kernel calls it; empty means this machine's.
	Arch     string
	Cache    string
	Jobs     int
	Progress progress.Func
}

// HeadersResult is a set of user space headers in the cache.
type HeadersResult struct {
	// Include is the directory to give to a compiler with -I.
	Include string `json:"-"`
	Hash    string `json:"hash"`
	Version string `json:"version"`
	Tree    string `json:"tree"`
	Cached  bool   `json:"-"`
}

// Headers makes the patched kernel's user space headers (make headers).
// Errors are as for [Kernel].
func Headers(ctx context.Context, opt HeadersOptions) (*HeadersResult, error) {
	step := "make headers " + opt.Source.Version
	id, err := opt.Source.TreeID(ctx)
	if err != nil {
		return nil, err
	}
	var target []string
	objects := "obj-headers"
	if opt.Arch != "" {
		step += " for " + opt.Arch
		target = []string{"ARCH=" + opt.Arch}
		objects += "-" + opt.Arch
	}
	r := &HeadersResult{Version: opt.Source.Version, Tree: id, Hash: hashOf(append([]string{"headers", headersRecipe, id}, target...)...)}
	dir := filepath.Join(opt.Cache, "headers", r.Hash)
	r.Include = filepath.Join(dir, "include")
	lookup := func() bool {
		if !readRecord(dir, r, "include/linux/if_link.h") {
			return false
		}
		r.Version, r.Cached = opt.Source.Version, true
		opt.Progress.Emit(progress.Event{Step: step, State: progress.Cached, Text: r.Hash})
		return true
	}
	if lookup() {
		return r, nil
	}
	t, err := opt.Source.Checkout(ctx)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	if lookup() {
		return r, nil
	}
	kb := &kbuild{step: step, tree: t, p: opt.Progress, needBytes: headersBytes}
	err = kb.in(ctx, objects, "", func(o *objdir) error {
		kb.total = 0
		if _, err := kb.make(ctx, o, append(append([]string{jobs(opt.Jobs)}, target...), "headers")...); err != nil {
			return err
		}
		return publish(dir, r, headersBytes, func(tmp string) error {
			if err := os.CopyFS(filepath.Join(tmp, "include"), os.DirFS(filepath.Join(o.dir, "usr", "include"))); err != nil {
				return fmt.Errorf("%s: %w", step, err)
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}
