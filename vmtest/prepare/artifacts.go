// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prepare

import (
	"context"
	"runtime"

	"golang.org/x/sync/errgroup"

	"xpsgen/vmtest/build"
	"xpsgen/vmtest/config"
	"xpsgen/vmtest/progress"
)

// Artifacts are what a guest is made of.
type Artifacts struct {
	Kernel   *build.KernelResult
	IPRoute2 *build.IPRoute2Result
	Bpftool  *build.BpftoolResult
	// Selftests is nil if the kernel tree has none of the series'.
	Selftests *build.SelftestsResult
	// YNL is nil if the kernel tree cannot make it.
	YNL *build.YNLResult
	// Init is the guest's PID 1.
	Init string
	// XPS is the command for a live host, bpf/cmd/xps.
	XPS string
	// Objects are the BPF programs.
	Objects []Object
	// Steps are the durations of what was done to get there.
	Steps []progress.StepTime

	// KernelPatches and IPRoute2Patches name each patch with its hash, as
	// sha256sum prints it.
	KernelPatches, IPRoute2Patches []string
}

// All builds everything that s describes, or finds it in the cache.
// iproute2 and the guest are built while the kernel's source is fetched or
// compiled.
func All(ctx context.Context, s Source) (*Artifacts, error) {
	if s.Jobs == 0 {
		s.Jobs = runtime.NumCPU()
	}
	watch := progress.NewStopwatch(s.Progress)
	s.Progress = watch.Event

	// A mistake is found before anything is fetched.
	if err := s.Validate(); err != nil {
		return nil, err
	}
	fragments, err := config.LoadAll(append([]string{"base"}, s.Fragments...)...)
	if err != nil {
		return nil, err
	}

	objects, err := Objects(s.Root)
	if err != nil {
		return nil, err
	}
	a := &Artifacts{Objects: objects}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return a.buildKernel(gctx, &s, fragments) })
	g.Go(func() error {
		if err := a.buildIPRoute2(gctx, &s); err != nil {
			return err
		}
		var err error
		if a.Init, err = build.Guest(gctx, build.GuestOptions{Root: s.Root, Cache: s.Cache, Progress: s.Progress}); err != nil {
			return err
		}
		a.XPS, err = build.Guest(gctx, build.GuestOptions{
			Root: s.Root, Cache: s.Cache, Package: "./bpf/cmd/xps", Progress: s.Progress,
		})
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	a.Steps = watch.Steps()
	return a, nil
}

// buildKernel has the kernel built, and meanwhile what else the guest takes from
// the same tree.
func (a *Artifacts) buildKernel(ctx context.Context, s *Source, fragments []config.Fragment) error {
	src, err := s.OpenKernel(ctx)
	if err != nil {
		return err
	}
	if a.KernelPatches, err = patchSums(src); err != nil {
		return err
	}
	// Before all of them ask for it at once.
	if _, err := src.Commit(ctx); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		a.Bpftool, err = build.Bpftool(ctx, build.BpftoolOptions{
			Source: src, Cache: s.Cache, Jobs: s.Jobs, Progress: s.Progress,
		})
		return err
	})
	g.Go(func() (err error) {
		a.Selftests, err = build.Selftests(ctx, build.SelftestsOptions{
			Source: src, Cache: s.Cache, Jobs: s.Jobs, Progress: s.Progress,
		})
		return err
	})
	g.Go(func() (err error) {
		a.YNL, err = build.YNL(ctx, build.YNLOptions{
			Source: src, Cache: s.Cache, Jobs: s.Jobs, Progress: s.Progress,
		})
		return err
	})
	g.Go(func() (err error) {
		a.Kernel, err = build.Kernel(ctx, build.KernelOptions{
			Source: src, Fragments: fragments, Cache: s.Cache, Jobs: s.Jobs, Progress: s.Progress,
		})
		return err
	})
	return g.Wait()
}

func (a *Artifacts) buildIPRoute2(ctx context.Context, s *Source) error {
	src, err := s.OpenIPRoute2(ctx)
	if err != nil {
		return err
	}
	if a.IPRoute2Patches, err = patchSums(src); err != nil {
		return err
	}
	a.IPRoute2, err = build.IPRoute2(ctx, build.IPRoute2Options{
		Source: src, Cache: s.Cache, Jobs: s.Jobs, Progress: s.Progress,
	})
	return err
}
