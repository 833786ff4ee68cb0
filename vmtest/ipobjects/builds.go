// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ipobjects

import (
	"context"
	"fmt"

	"xpsgen/vmtest/build"
	"xpsgen/vmtest/guest/objects/record"
	"xpsgen/vmtest/prepare"
)

// The builds of ip, by the libbpf that they are linked with.
const (
	// Distribution is the libbpf of this machine: 1.1 on Debian 12.
	Distribution = "distribution"
	// Kernel is the libbpf of the patched kernel tree.
	Kernel = "kernel"
	// Legacy has no libbpf, but iproute2's own loader.
	Legacy = "legacy"
)

// BuildNames returns the names of all builds.
func BuildNames() []string { return []string{Distribution, Kernel, Legacy} }

// Builds builds the named builds of ip, or takes them from the cache. Errors are as for
// [build.IPRoute2].
func Builds(ctx context.Context, s *prepare.Source, names []string) ([]record.Build, error) {
	ip, err := s.OpenIP(ctx)
	if err != nil {
		return nil, err
	}
	if ip == nil {
		return nil, fmt.Errorf("build ip: no project has guest = \"ip\"")
	}
	kernel, err := s.OpenKernel(ctx)
	if err != nil {
		return nil, err
	}
	var all []record.Build
	for _, name := range names {
		opt := build.IPRoute2Options{Source: ip, Cache: s.Cache, Jobs: s.Jobs, Progress: s.Progress}
		switch name {
		case Kernel:
			opt.Kernel = kernel
		case Legacy:
			opt.NoLibbpf = true
		}
		r, err := build.IPRoute2(ctx, opt)
		if err != nil {
			return nil, err
		}
		all = append(all, record.Build{Name: name, IP: r.IP})
	}
	return all, nil
}
