// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prepare

import (
	"context"

	"xpsgen/vmtest/build"
	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/config"
)

// CompareBuilds measures how long a build of the kernel that s describes takes: from
// scratch, after a change, and with nothing to do. It also measures a build of the
// configuration that other tools use for guests. It takes half an hour on two CPUs.
// Errors are as for [All].
func CompareBuilds(ctx context.Context, s Source) ([]build.Time, error) {
	src, err := s.OpenKernel(ctx)
	if err != nil {
		return nil, err
	}
	fragments, err := config.For(nil, s.Fragments...)
	if err != nil {
		return nil, err
	}
	return build.Compare(ctx, build.CompareOptions{Source: src, Fragments: fragments, Jobs: s.Jobs, Progress: s.Progress})
}

// ReadBuilds reads the JSON results of [CompareBuilds]. The error wraps
// [io/fs.ErrNotExist] if there are none.
func ReadBuilds(file string) ([]build.Time, error) {
	return cache.ReadJSON[[]build.Time](file, "build times")
}
