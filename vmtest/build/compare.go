// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"xpsgen/vmtest/config"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/tree"
)

const (
	// defconfigObjects is the approximate number of objects of defconfig with
	// kvm_guest.config.
	defconfigObjects = 3100
	// defconfigBytes is their approximate size on disk.
	defconfigBytes = 3 << 30
	// changedObject is the object with most of the series' changes.
	changedObject = "net/core/dev.o"
)

// CompareOptions select the builds to compare. Source and Fragments are required.
type CompareOptions struct {
	// Source is the patched tree.
	Source *tree.Source
	// Fragments make our configuration.
	Fragments []config.Fragment
	Jobs      int
	Progress  progress.Func
}

// Time is the duration of one build.
type Time struct {
	// Name says which: "cold", "change", "nothing", "defconfig".
	Name string `json:"name"`
	// What describes the build in a few words.
	What string `json:"what"`
	// Objects is the number of compiled objects.
	Objects int64 `json:"objects"`
	// Elapsed is wall-clock time. It includes the configuration if the build
	// has one.
	Elapsed time.Duration `json:"elapsed_ns"`
}

// Compare times four builds: from scratch, with one object out of date, with
// everything up to date, and defconfig with kvm_guest.config from scratch. It
// removes their objects. Errors are as for [Kernel].
func Compare(ctx context.Context, opt CompareOptions) (times []Time, err error) {
	merged, err := config.Merge(opt.Fragments)
	if err != nil {
		return nil, err
	}
	t, err := opt.Source.Checkout(ctx)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	image := []string{jobs(opt.Jobs), "bzImage"}
	timed := func(name, what string, f func() (int64, error)) error {
		start := time.Now()
		objects, err := f()
		if err == nil {
			times = append(times, Time{Name: name, What: what, Objects: objects, Elapsed: time.Since(start)})
		}
		return err
	}

	kb := &kbuild{step: "time builds of " + opt.Source.Version, tree: t, p: opt.Progress, needBytes: kernelBytes}
	err = kb.inNew(ctx, "obj-timed", "the workbench's configuration", kernelObjects, func(o *objdir) error {
		err := timed("cold", "the workbench's configuration, from nothing", func() (int64, error) {
			if err := kb.configure(ctx, o, merged.Symbols); err != nil {
				return 0, err
			}
			return kb.make(ctx, o, image...)
		})
		if err != nil {
			return err
		}
		kb.total = 0
		err = timed("change", "the same with "+changedObject+" out of date", func() (int64, error) {
			if err := os.Remove(filepath.Join(o.dir, changedObject)); err != nil {
				return 0, fmt.Errorf("%s: %w", kb.step, err)
			}
			return kb.make(ctx, o, image...)
		})
		if err != nil {
			return err
		}
		return timed("nothing", "the same with nothing to do", func() (int64, error) {
			return kb.make(ctx, o, image...)
		})
	})
	if err != nil {
		return nil, err
	}

	kb = &kbuild{step: "time defconfig of " + opt.Source.Version, tree: t, p: opt.Progress, needBytes: defconfigBytes}
	err = kb.inNew(ctx, "obj-timed", "defconfig with kvm_guest.config", defconfigObjects, func(o *objdir) error {
		return timed("defconfig", "defconfig with kvm_guest.config, from nothing", func() (int64, error) {
			if _, err := kb.make(ctx, o, "defconfig", "kvm_guest.config"); err != nil {
				return 0, err
			}
			return kb.make(ctx, o, image...)
		})
	})
	if err != nil {
		return nil, err
	}
	return times, nil
}

// inNew is [kbuild.in] with an object directory that is empty at the start and
// removed at the end.
func (kb *kbuild) inNew(ctx context.Context, name, text string, total int64, f func(o *objdir) error) (err error) {
	dir := filepath.Join(kb.tree.Work, name)
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("%s: remove leftovers of an interrupted build: %w", kb.step, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	return kb.in(ctx, name, text, func(o *objdir) error {
		kb.total = total
		return f(o)
	})
}
