// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prepare

import (
	"context"

	"xpsgen/vmtest/build"
	"xpsgen/vmtest/config"
)

// buildChecks are the fragments of vmtest/config that disable what the hook depends on.
var buildChecks = []struct {
	fragment, without string
	// targets are make targets; nil means the default of [build.Check].
	targets []string
}{
	{"nosmp", "CONFIG_SMP", nil},
	{"nobpf", "CONFIG_BPF_SYSCALL", nil},
	{"nonet", "CONFIG_NET", []string{"kernel/bpf/"}},
}

// Withouts returns the symbols that [CheckBuilds] disables, one at a time.
func Withouts() (all []string) {
	for _, c := range buildChecks {
		all = append(all, c.without)
	}
	return all
}

// CheckBuilds compiles what the hook touches without SMP, which XPS needs, and without the
// bpf system call, and kernel/bpf without networking. It boots
// nothing. Errors are as for [All]; a [*build.CompileError] means that a
// configuration does not build.
func CheckBuilds(ctx context.Context, s Source) error {
	src, err := s.OpenKernel(ctx)
	if err != nil {
		return err
	}
	for _, c := range buildChecks {
		fragments, err := config.LoadAll(c.fragment)
		if err != nil {
			return err
		}
		err = build.Check(ctx, build.CheckOptions{
			Source: src, Fragments: fragments, Targets: c.targets, Cache: s.Cache, Jobs: s.Jobs, Progress: s.Progress,
		})
		if err != nil {
			return err
		}
	}
	return nil
}
