// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prepare

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"xpsgen/vmtest/build"
	"xpsgen/vmtest/tree"
	"xpsgen/vmtest/tree/manifest"
)

// HeadersResult is a directory of UAPI headers and their origin.
type HeadersResult struct {
	// Include is the include directory, for a C compiler's -I.
	Include string
	// Release is the kernel's version. Base is the base's name.
	Release, Base string
	// Series is the version of the series ("v1"), or each series with its version if
	// they differ. SeriesHash is a hash of the patches in hex. Both are empty for an
	// unpatched tree.
	Series, SeriesHash string

	src *tree.Source
}

// Show returns a file of the tree that the headers come from.
func (r *HeadersResult) Show(ctx context.Context, name string) ([]byte, error) {
	return r.src.Show(ctx, name)
}

// Headers installs the UAPI headers of the patched kernel that s describes, or takes them
// from the cache. Errors are as for [All].
func Headers(ctx context.Context, s Source) (*HeadersResult, error) {
	return HeadersFor(ctx, s, "")
}

// HeadersFor is [Headers] for an architecture, named as in the kernel. Empty means the
// architecture of this machine.
func HeadersFor(ctx context.Context, s Source, arch string) (*HeadersResult, error) {
	src, err := s.OpenKernel(ctx)
	if err != nil {
		return nil, err
	}
	h, err := build.Headers(ctx, build.HeadersOptions{
		Source: src, Arch: arch, Cache: s.Cache, Jobs: s.Jobs, Progress: s.Progress,
	})
	if err != nil {
		return nil, err
	}
	r := &HeadersResult{Include: h.Include, Release: h.Version, Base: src.Base, src: src}
	if len(src.Patches) > 0 {
		_, p, err := kernel(s.Root)
		if err != nil {
			return nil, err
		}
		sums, err := patchSums(src)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256([]byte(strings.Join(sums, "\n")))
		r.Series = versions(p, src.Patches)
		r.SeriesHash = hex.EncodeToString(sum[:])
	}
	return r, nil
}

// versions returns the versions of the series that the patches belong to.
func versions(p *manifest.Project, patches []tree.Patch) string {
	var each, plain []string
	for _, q := range patches {
		s := p.Find(q.Series)
		if s == nil {
			continue
		}
		v := fmt.Sprintf("v%d", s.Version)
		if text := s.Key + " " + v; !slices.Contains(each, text) {
			each = append(each, text)
		}
		if !slices.Contains(plain, v) {
			plain = append(plain, v)
		}
	}
	if len(plain) == 1 {
		return plain[0]
	}
	return strings.Join(each, ", ")
}
