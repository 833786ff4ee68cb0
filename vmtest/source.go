// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vmtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"xpsgen/vmtest/build"
	"xpsgen/vmtest/config"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/tree"
)

// DefaultBase is the kernel base that is used when none is named.
const DefaultBase = "net-next"

// iproute2For says which iproute2 bases go with a kernel base, the preferred
// one first. The carry stands in where the source of net-next's own iproute2
// cannot be had: the series does the same on both.
var iproute2For = map[string][]string{
	"net-next": {"iproute2-next", "6.1"},
	"6.12":     {"6.1"},
}

// Source says what to build. Root and Cache are required.
type Source struct {
	// Root is the workbench's directory, see [FindRoot]; Cache the cache's.
	Root, Cache string
	// Base names the kernel base; empty means [DefaultBase].
	Base string
	// KernelDir and IPRoute2Dir are source directories of the user's own,
	// used instead of the bases'. They are only read.
	KernelDir, IPRoute2Dir string
	// Fragments are Kconfig fragments on top of "base": names of
	// vmtest/config, or files.
	Fragments []string
	// Jobs is how many compilers run at once; 0 means one per CPU.
	Jobs int
	// Unpatched leaves the kernel series out. The patched ip stays: the
	// suite asks for the hook with it.
	Unpatched bool
	// KernelExtra and IPRoute2Extra are patches on top of the series. Of a
	// patch that is there once more in a folder beside it, called as the base
	// is, that one is taken.
	KernelExtra, IPRoute2Extra []string
	// KernelFirst and IPRoute2First apply only that many patches of a series;
	// 0 means all.
	KernelFirst, IPRoute2First int
	// Apart names a working tree of the kernel's own, see [tree.Variant].
	Apart string
	// Progress hears what takes long. May be nil.
	Progress progress.Func
}

// Name is what the results directory of s is called: "net-next",
// "6.12-unpatched", "net-next-debug".
func (s *Source) Name() string {
	parts := []string{s.base()}
	for _, f := range s.Fragments {
		parts = append(parts, strings.TrimSuffix(filepath.Base(f), ".config"))
	}
	if s.Unpatched {
		parts = append(parts, "unpatched")
	}
	return strings.Join(parts, "-")
}

// Fragments names the Kconfig fragments that come with the workbench, for
// [Source.Fragments].
func Fragments() []string { return config.Names() }

// debugFragment is the fragment that makes a kernel look for trouble.
const debugFragment = "debug"

// Debug reports whether s is built to look for trouble: with the fragment
// called debug.
func (s *Source) Debug() bool { return slices.Contains(s.Fragments, debugFragment) }

func (s *Source) base() string {
	if s.Base == "" {
		return DefaultBase
	}
	return s.Base
}

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
	// Steps are the durations of what was done to get there.
	Steps []StepTime

	kernelPatches, iproute2Patches []string
}

// ErrSource is wrapped by errors about a [Source] that names something that is
// not there: a base, a fragment, a directory.
var ErrSource = errors.New("no such source")

// Validate finds what is wrong with s without obtaining or building anything.
func (s *Source) Validate() error {
	series, err := tree.Load(filepath.Join(s.Root, "kernel-patches"))
	if err != nil {
		return err
	}
	if _, err := series.Base(s.base()); err != nil {
		return fmt.Errorf("%w: %w", ErrSource, err)
	}
	if _, err := tree.Load(filepath.Join(s.Root, "iproute2-patches")); err != nil {
		return err
	}
	if _, err := config.LoadAll(append([]string{"base"}, s.Fragments...)...); err != nil {
		return fmt.Errorf("%w: %w", ErrSource, err)
	}
	for _, dir := range []string{s.KernelDir, s.IPRoute2Dir} {
		if dir != "" && !isDir(dir) {
			return fmt.Errorf("%w: %s is not a directory", ErrSource, dir)
		}
	}
	return nil
}

// OpenKernel opens the kernel tree that s describes.
func (s *Source) OpenKernel(ctx context.Context) (*tree.Source, error) {
	series, err := tree.Load(filepath.Join(s.Root, "kernel-patches"))
	if err != nil {
		return nil, err
	}
	return tree.Open(ctx, tree.Options{
		Series: series,
		Base:   s.base(),
		Dir:    s.KernelDir,
		Cache:  s.Cache,
		Variant: tree.Variant{Unpatched: s.Unpatched, First: s.KernelFirst, Apart: s.Apart,
			Extra: extraFor(s.base(), s.KernelExtra)},
		Progress: s.Progress,
	})
}

// extraFor returns paths with those in place that are for base.
func extraFor(base string, paths []string) []string {
	var out []string
	for _, path := range paths {
		own := filepath.Join(filepath.Dir(path), base, filepath.Base(path))
		if _, err := os.Stat(own); err == nil {
			path = own
		}
		out = append(out, path)
	}
	return out
}

// OpenIPRoute2 opens the iproute2 tree that belongs to s. If the source of the
// preferred base cannot be had the next one is taken, and said so.
func (s *Source) OpenIPRoute2(ctx context.Context) (*tree.Source, error) {
	series, err := tree.Load(filepath.Join(s.Root, "iproute2-patches"))
	if err != nil {
		return nil, err
	}
	bases, ok := iproute2For[s.base()]
	if !ok {
		return nil, fmt.Errorf("kernel base %q: no iproute2 base belongs to it", s.base())
	}
	bases = slices.DeleteFunc(slices.Clone(bases), func(name string) bool {
		_, err := series.Base(name)
		return err != nil
	})
	if len(bases) == 0 {
		return nil, fmt.Errorf("kernel base %q: %w: %s has none of the iproute2 bases %s", s.base(), ErrSource,
			filepath.Join(series.Dir, tree.ManifestName), strings.Join(iproute2For[s.base()], ", "))
	}
	var src *tree.Source
	for i, base := range bases {
		src, err = tree.Open(ctx, tree.Options{
			Series:   series,
			Base:     base,
			Dir:      s.IPRoute2Dir,
			Cache:    s.Cache,
			Variant:  tree.Variant{First: s.IPRoute2First, Extra: extraFor(base, s.IPRoute2Extra)},
			Progress: s.Progress,
		})
		if !errors.Is(err, tree.ErrObtain) || s.IPRoute2Dir != "" || i == len(bases)-1 || ctx.Err() != nil {
			break
		}
		first, _, _ := strings.Cut(err.Error(), "\n")
		s.Progress.Emit(progress.Event{Step: "fetch iproute2 " + base, State: progress.Notice,
			Text: fmt.Sprintf("%s; using the series on iproute2 %s instead", first, bases[i+1])})
	}
	return src, err
}

// Prepare has everything built that s describes, or finds it in the cache.
// iproute2 and the guest are built while the kernel's source is fetched or
// compiled.
func Prepare(ctx context.Context, s Source) (*Artifacts, error) {
	if s.Jobs == 0 {
		s.Jobs = runtime.NumCPU()
	}
	watch := newStopwatch(s.Progress)
	s.Progress = watch.event

	// A mistake is found before anything is fetched.
	if err := s.Validate(); err != nil {
		return nil, err
	}
	fragments, err := config.LoadAll(append([]string{"base"}, s.Fragments...)...)
	if err != nil {
		return nil, err
	}

	a := &Artifacts{}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return a.buildKernel(gctx, &s, fragments) })
	g.Go(func() error {
		if err := a.buildIPRoute2(gctx, &s); err != nil {
			return err
		}
		var err error
		a.Init, err = build.Guest(gctx, build.GuestOptions{Root: s.Root, Cache: s.Cache, Progress: s.Progress})
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	a.Steps = watch.steps
	return a, nil
}

// buildKernel has the kernel built, and meanwhile what else the guest takes from
// the same tree.
func (a *Artifacts) buildKernel(ctx context.Context, s *Source, fragments []config.Fragment) error {
	src, err := s.OpenKernel(ctx)
	if err != nil {
		return err
	}
	if a.kernelPatches, err = patchSums(src); err != nil {
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
	if a.iproute2Patches, err = patchSums(src); err != nil {
		return err
	}
	a.IPRoute2, err = build.IPRoute2(ctx, build.IPRoute2Options{
		Source: src, Cache: s.Cache, Jobs: s.Jobs, Progress: s.Progress,
	})
	return err
}

// patchSums names each patch with its hash, as sha256sum prints it.
func patchSums(src *tree.Source) ([]string, error) {
	var sums []string
	for _, p := range src.Patches {
		sum, err := fileSum(p.Path)
		if err != nil {
			return nil, err
		}
		sums = append(sums, sum+"  "+p.File)
	}
	return sums, nil
}

// fileSum is the SHA-256 of a file, in hex.
func fileSum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("hash: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("hash %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// stopwatch notes how long each step took, on the events' way to whoever
// shows them.
type stopwatch struct {
	next  progress.Func
	mu    sync.Mutex
	steps []StepTime
}

func newStopwatch(next progress.Func) *stopwatch { return &stopwatch{next: next} }

func (w *stopwatch) event(e progress.Event) {
	switch e.State {
	case progress.Finished:
		w.add(e.Step, e.Elapsed, false)
	case progress.Cached:
		w.add(e.Step, 0, true)
	}
	w.next.Emit(e)
}

func (w *stopwatch) add(step string, d time.Duration, cached bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.steps = append(w.steps, StepTime{Step: step, Elapsed: d, Cached: cached})
}

// IsVerdict tells whether err says that the tree under test is wrong, as
// opposed to the workbench having broken down.
func IsVerdict(err error) bool {
	var (
		apply    *tree.ApplyError
		manifest *tree.ManifestError
		compile  *build.CompileError
		dropped  *config.DroppedSymbolError
	)
	return errors.As(err, &apply) || errors.As(err, &manifest) ||
		errors.As(err, &compile) || errors.As(err, &dropped)
}
