// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prepare

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/tree"
	"xpsgen/vmtest/tree/manifest"
)

// OpenKernel opens the kernel tree that s describes.
func (s *Source) OpenKernel(ctx context.Context) (*tree.Source, error) {
	_, p, err := kernel(s.Root)
	if err != nil {
		return nil, err
	}
	b, err := p.Base(s.Base)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSource, err)
	}
	return tree.Open(ctx, tree.Options{
		Project: p,
		Base:    b.Name,
		Dir:     s.KernelDir,
		NoApply: s.NoApply,
		Cache:   s.Cache,
		Variant: tree.Variant{Select: s.Select, Unpatched: s.Unpatched, First: s.KernelFirst, Apart: s.Apart,
			Extra: extraFor(b.Name, s.KernelExtra)},
		Progress: s.Progress,
	})
}

// extraFor returns paths, each replaced by its variant for base if there is one.
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

// ipBases returns the bases of ip's project that go with a kernel base, the preferred one
// first.
func ipBases(p *manifest.Project, kernel string) ([]*manifest.Base, error) {
	list := p.BasesFor(kernel)
	if len(list) == 0 {
		return nil, fmt.Errorf("%w: no base in %s is for kernel base %q (add it to the key \"for\" of a base)", ErrSource,
			filepath.Join(p.Dir, manifest.Name), kernel)
	}
	return list, nil
}

// OpenIP opens the tree of the guest's ip that belongs to s. If the source of the
// preferred base is not available, it emits a notice and takes the next one. It returns
// nil if no project has guest = "ip".
func (s *Source) OpenIP(ctx context.Context) (src *tree.Source, err error) {
	c, k, err := kernel(s.Root)
	if err != nil {
		return nil, err
	}
	base, err := k.Base(s.Base)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSource, err)
	}
	p := c.Guest(manifest.GuestIP)
	if p == nil {
		if s.IPDir != "" {
			return nil, fmt.Errorf("%w: %s: no series.toml has guest = %q, so the workbench does not know how to build it", ErrSource, s.IPDir, manifest.GuestIP)
		}
		return nil, nil
	}
	bases, err := ipBases(p, base.Name)
	if err != nil {
		return nil, err
	}
	for i, b := range bases {
		src, err = tree.Open(ctx, tree.Options{
			Project:  p,
			Base:     b.Name,
			Dir:      s.IPDir,
			NoApply:  s.NoApply,
			Cache:    s.Cache,
			Variant:  tree.Variant{Select: s.IPSelect, Unpatched: s.IPUnpatched, First: s.IPFirst, Extra: extraFor(b.Name, s.IPExtra)},
			Progress: s.Progress,
		})
		if !errors.Is(err, tree.ErrObtain) || s.IPDir != "" || i == len(bases)-1 || ctx.Err() != nil {
			break
		}
		first, _, _ := strings.Cut(err.Error(), "\n")
		s.Progress.Emit(progress.Event{Step: "fetch " + p.Name + " " + b.Name, State: progress.Notice,
			Text: fmt.Sprintf("%s; falling back to base %s of %s", first, bases[i+1].Name, p.Name)})
	}
	return src, err
}
