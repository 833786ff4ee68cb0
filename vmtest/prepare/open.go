// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prepare

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/tree"
)

// OpenKernel opens the kernel tree that s describes.
func (s *Source) OpenKernel(ctx context.Context) (*tree.Source, error) {
	series, err := tree.Load(filepath.Join(s.Root, "kernel-patches"))
	if err != nil {
		return nil, err
	}
	return tree.Open(ctx, tree.Options{
		Series: series,
		Base:   s.BaseName(),
		Dir:    s.KernelDir,
		Cache:  s.Cache,
		Variant: tree.Variant{Unpatched: s.Unpatched, First: s.KernelFirst, Apart: s.Apart,
			Extra: extraFor(s.BaseName(), s.KernelExtra)},
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
	bases, ok := iproute2For[s.BaseName()]
	if !ok {
		return nil, fmt.Errorf("kernel base %q: no iproute2 base belongs to it", s.BaseName())
	}
	bases = slices.DeleteFunc(slices.Clone(bases), func(name string) bool {
		_, err := series.Base(name)
		return err != nil
	})
	if len(bases) == 0 {
		return nil, fmt.Errorf("kernel base %q: %w: %s has none of the iproute2 bases %s", s.BaseName(), ErrSource,
			filepath.Join(series.Dir, tree.ManifestName), strings.Join(iproute2For[s.BaseName()], ", "))
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
