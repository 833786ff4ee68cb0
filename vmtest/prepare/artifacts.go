// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prepare

import (
	"context"
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"

	"xpsgen/vmtest/arch"
	"xpsgen/vmtest/build"
	"xpsgen/vmtest/config"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/tree"
)

// Artifacts are the parts of a guest.
type Artifacts struct {
	// Arch is the architecture of all of them.
	Arch   *arch.Arch
	Kernel *build.KernelResult
	// IP is the guest's ip, from a project or from this machine.
	IP      *build.IPRoute2Result
	Bpftool *build.BpftoolResult
	// Selftests is nil if the kernel tree lacks the series' selftests.
	Selftests *build.SelftestsResult
	// Kselftest has the installed collections of [Source.Selftests]; nil without any.
	Kselftest *build.KselftestResult
	// TestProgs has the tests of [Source.TestProgs]; nil without any.
	TestProgs *build.TestProgsResult
	// YNL is nil if the kernel tree cannot build it.
	YNL *build.YNLResult
	// Init is the guest's PID 1.
	Init string
	// BusyBox is a shell with the usual tools. It is for a guest with the
	// host's files that cannot run the host's programs; empty for amd64, and
	// for the suite.
	BusyBox string
	// Modules are modules of the kernel, in the order to load them; nil unless
	// [Source.Stock].
	Modules []string
	// XPS is the command for a live host, bpf/cmd/xps.
	XPS string
	// Objects are the BPF programs.
	Objects []Object
	// Steps are the durations of the steps.
	Steps []progress.StepTime

	// KernelPatches and IPPatches list each patch with its hash, in the format of
	// sha256sum.
	KernelPatches, IPPatches []string
}

// All builds everything that s describes, or takes it from the cache. It builds ip and
// the guest in parallel with the kernel.
func All(ctx context.Context, s Source) (*Artifacts, error) { return artifacts(ctx, s, true) }

// Guest builds what a guest without the suite needs: the kernel, ip, bpftool, xps and
// init.
func Guest(ctx context.Context, s Source) (*Artifacts, error) { return artifacts(ctx, s, false) }

// artifacts builds them. With suite it also builds the parts that only the suite needs.
func artifacts(ctx context.Context, s Source, suite bool) (*Artifacts, error) {
	if s.Jobs == 0 {
		s.Jobs = runtime.NumCPU()
	}
	watch := progress.NewStopwatch(s.Progress)
	s.Progress = watch.Event

	// Report mistakes before fetching anything.
	if err := s.Validate(); err != nil {
		return nil, err
	}
	target, err := arch.Find(s.Arch)
	if err != nil {
		return nil, err
	}
	fragments, err := config.For(target, s.Fragments...)
	if err != nil {
		return nil, err
	}

	objects, err := Objects(s.Root, target)
	if err != nil {
		return nil, err
	}
	a := &Artifacts{Arch: target, Objects: objects}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if s.Stock {
			return a.stock(gctx, &s)
		}
		return a.buildKernel(gctx, &s, fragments, suite)
	})
	g.Go(func() error {
		if !s.Stock {
			if err := a.buildIP(gctx, &s); err != nil {
				return err
			}
		}
		var err error
		if a.Init, err = build.Guest(gctx, build.GuestOptions{Root: s.Root, Arch: target, Cache: s.Cache, Progress: s.Progress}); err != nil {
			return err
		}
		if target.Cross() && !suite {
			if a.BusyBox, err = build.BusyBox(gctx, s.Cache, target, s.Progress); err != nil {
				return err
			}
		}
		a.XPS, err = build.Guest(gctx, build.GuestOptions{
			Root: s.Root, Arch: target, Cache: s.Cache, Package: "./bpf/cmd/xps", Progress: s.Progress,
		})
		return err
	})
	if err := g.Wait(); err != nil {
		a.Kernel.Abandon()
		return nil, err
	}
	a.Steps = watch.Steps()
	return a, nil
}

// stock takes Debian's kernel.
func (a *Artifacts) stock(ctx context.Context, s *Source) error {
	r, err := build.Stock(ctx, s.Cache, a.Arch, s.Progress)
	if err == nil {
		a.Kernel, a.Modules = r.Kernel, r.Modules
	}
	return err
}

// buildKernel builds the kernel and the other parts of the guest that come from its tree.
// Only the suite needs some of them.
func (a *Artifacts) buildKernel(ctx context.Context, s *Source, fragments []config.Fragment, suite bool) error {
	src, err := s.OpenKernel(ctx)
	if err != nil {
		return err
	}
	optional, err := selftestFragments(ctx, src, s.Selftests)
	if err != nil {
		return err
	}
	fragments = append(fragments, optional...)
	if a.KernelPatches, err = patchSums(src); err != nil {
		return err
	}
	// Create the commit first: the parallel steps below all need it.
	if _, err := src.Commit(ctx); err != nil {
		return err
	}
	// Check this before the long build of the kernel.
	if err := build.CheckTestProgs(ctx, src, s.TestProgs); err != nil {
		return err
	}
	if err := a.buildFromTree(ctx, s, src, fragments, suite); err != nil || len(s.TestProgs) == 0 {
		return err
	}
	a.TestProgs, err = build.TestProgs(ctx, build.TestProgsOptions{
		Source: src, Tests: s.TestProgs, Kernel: a.Kernel, Cache: s.Cache, Jobs: s.Jobs, Progress: s.Progress,
	})
	return err
}

// buildFromTree builds the parts of the kernel tree, in parallel.
func (a *Artifacts) buildFromTree(ctx context.Context, s *Source, src *tree.Source, fragments []config.Fragment, suite bool) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		a.Bpftool, err = build.Bpftool(ctx, build.BpftoolOptions{
			Source: src, Arch: a.Arch, Cache: s.Cache, Jobs: s.Jobs, Progress: s.Progress,
		})
		return err
	})
	g.Go(func() (err error) {
		if !suite {
			return nil
		}
		a.Selftests, err = build.Selftests(ctx, build.SelftestsOptions{
			Source: src, Arch: a.Arch, Cache: s.Cache, Jobs: s.Jobs, Progress: s.Progress,
		})
		return err
	})
	g.Go(func() (err error) {
		if !suite {
			return nil
		}
		a.YNL, err = build.YNL(ctx, build.YNLOptions{
			Source: src, Arch: a.Arch, Cache: s.Cache, Jobs: s.Jobs, Progress: s.Progress,
		})
		return err
	})
	g.Go(func() (err error) {
		if len(s.Selftests) == 0 {
			return nil
		}
		a.Kselftest, err = build.Kselftest(ctx, build.KselftestOptions{
			Source: src, Collections: collections(s.Selftests), Cache: s.Cache, Jobs: s.Jobs, Progress: s.Progress,
		})
		return err
	})
	g.Go(func() (err error) {
		a.Kernel, err = build.Kernel(ctx, build.KernelOptions{
			Source: src, Arch: a.Arch, Fragments: fragments, Cache: s.Cache, Jobs: s.Jobs, Early: s.Early, Progress: s.Progress,
		})
		return err
	})
	return g.Wait()
}

// buildIP builds ip. If no project has guest = "ip", it takes this machine's.
func (a *Artifacts) buildIP(ctx context.Context, s *Source) error {
	src, err := s.OpenIP(ctx)
	if err != nil {
		return err
	}
	if src == nil && a.Arch.Cross() {
		return fmt.Errorf("%w: no project has guest = \"ip\", and this machine's ip does not run on %s", ErrSource, a.Arch.Name)
	}
	if src == nil {
		if a.IP, err = build.MachineIP(ctx); err != nil {
			return err
		}
		s.Progress.Emit(progress.Event{Step: "build ip", State: progress.Notice,
			Text: fmt.Sprintf("no project has guest = \"ip\"; using this machine's %s, %s", a.IP.IP, a.IP.Version)})
		return nil
	}
	if a.IPPatches, err = patchSums(src); err != nil {
		return err
	}
	a.IP, err = build.IPRoute2(ctx, build.IPRoute2Options{
		Source: src, Arch: a.Arch, Cache: s.Cache, Jobs: s.Jobs, Progress: s.Progress,
	})
	return err
}
