// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vmtest

import (
	"context"

	"xpsgen/vmtest/build"
	"xpsgen/vmtest/config"
)

// buildChecks are the fragments of vmtest/config that switch off what the hook
// depends on.
var buildChecks = []string{"nosmp", "nobpf"}

// CheckBuilds compiles what the series touches in configurations that lack
// XPS, or the bpf system call. Nothing is booted. Errors are as for
// [Prepare]; a [*build.CompileError] means that a configuration does not
// build.
func CheckBuilds(ctx context.Context, s Source) error {
	src, err := s.OpenKernel(ctx)
	if err != nil {
		return err
	}
	for _, name := range buildChecks {
		fragments, err := config.LoadAll(name)
		if err != nil {
			return err
		}
		err = build.Check(ctx, build.CheckOptions{
			Source: src, Fragments: fragments, Cache: s.Cache, Jobs: s.Jobs, Progress: s.Progress,
		})
		if err != nil {
			return err
		}
	}
	return nil
}
